"""How we judge: marking, suggested ticks, scheduling, standing. Pure: the clock is an argument."""
