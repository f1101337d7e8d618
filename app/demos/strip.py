"""The cell of a seed strip that asks for an accuracy at the end of training."""

from __future__ import annotations

from typing import Protocol

from app.protocol import Bilingual, Seed


class Lane(Protocol):
    """One model of one seed; `reached` is the first measured step at the level asked for."""

    name: str
    accuracy: float
    reached: int | None


def at_the_end(lane: Lane, seed: int, *, level: float, steps: int) -> Seed:
    """The lane's cell after `steps` steps: it may have met the level on the way and lost it again."""
    step, value = lane.reached or steps, lane.accuracy
    met = value >= level
    said = Bilingual(f"第 {step} 步达到", f"reached at {step}")
    short = Bilingual(f"止于 {value:.3f}", f"ends at {value:.3f}")
    return Seed(
        panel="strip", lane=lane.name, seed=seed, solved=met, step=step, value=value,
        said=said if met else short,
    )  # fmt: skip
