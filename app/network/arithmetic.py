"""One unit's step with all its numbers, for showing how a gate comes about."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from app.network import arguments, weights
from app.network.trace import Trace


class Gate(NamedTuple):
    """z = from_x + from_h + bias, value = σ(z), for g tanh(z); a held gate has another value all the same."""

    name: str
    from_x: float  # w_i · x_t
    from_h: float  # w_h · h_{t−1}
    bias: float  # b_i + b_h
    z: float
    value: float
    held: bool


class UnitStep(NamedTuple):
    """c = f·c_before + i·g, h = o·tanh(c)."""

    i: Gate
    f: Gate
    g: Gate
    o: Gate
    c_before: float
    c: float
    h: float


def unit_step(
    lstm: nn.LSTM, trace: Trace, x: Tensor, t: int, unit: int, *, sample: int = 0, layer: int = 0
) -> UnitStep:
    """Where the numbers of one unit at step `t` (from 0) came from, in float64.

    x (B, T, input) as it was run. The gates' values, c and h are those of the trace.
    ValueError names an index that is off.
    """
    part = trace.parts[arguments.whole("layer", layer, 0, len(trace.parts) - 1)]
    batch, steps, hidden = part.h.shape
    arguments.whole("t", t, 0, steps - 1)
    arguments.whole("unit", unit, 0, hidden - 1)
    arguments.whole("sample", sample, 0, batch - 1)
    below = x.detach() if layer == 0 else trace.parts[layer - 1].h
    read = below[sample, t].double()
    h_before = (part.h[sample, t - 1] if t else part.h_0[sample]).double()
    c_before = part.c[sample, t - 1, unit] if t else part.c_0[sample, unit]
    mine = weights.of(lstm, layer)

    def gate(k: int, name: str) -> Gate:
        row = k * hidden + unit
        from_x, from_h = (
            float(w[row].detach().double() @ v) for w, v in ((mine.w_ih, read), (mine.w_hh, h_before))
        )
        bias = sum(float(b[row].detach()) for b in (mine.b_ih, mine.b_hh) if b is not None)
        held = any(
            clamp.gate == name
            and (clamp.layer is None or clamp.layer == layer)
            and (clamp.steps is None or t in clamp.steps)
            and (clamp.units is None or unit in clamp.units)
            for clamp in trace.clamps
        )
        return Gate(
            name, from_x, from_h, bias, from_x + from_h + bias, float(part.signals[k][sample, t, unit]), held
        )

    i, f, g, o = (gate(k, name) for k, name in enumerate("ifgo"))
    return UnitStep(
        i, f, g, o, float(c_before), float(part.c[sample, t, unit]), float(part.h[sample, t, unit])
    )
