"""From a trace to a Gates event: one sequence, one layer, each signal on its own scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from app.protocol import Gates, Tensor

if TYPE_CHECKING:
    from app.network import Trace

RULER_SPAN = (-12.0, 3.0)  # decades


def gates_event(
    panel: str, trace: Trace, step: int, tokens: list[str], *, lane: str = "", sample: int = 0, layer: int = -1,
    clamped: list[str] | None = None, ruler: Any = None,
) -> Gates:  # fmt: skip
    """The six signals (T, H) of one sequence of the batch. c spans its own range, symmetric about 0.

    `ruler` (2, T) is what `app.network.ruler.memory_ruler` gives.
    """
    part = trace.parts[layer]
    arrays = {name: getattr(part, name)[sample].numpy() for name in "ifgoch"}
    reach = max(1.0, float(abs(arrays["c"]).max()))
    reach = math.ceil(reach * 10) / 10  # a scale that does not tremble from frame to frame
    spans = {"i": (0.0, 1.0), "f": (0.0, 1.0), "o": (0.0, 1.0), "g": (-1.0, 1.0), "h": (-1.0, 1.0)}
    spans["c"] = (-reach, reach)
    seen = {name: Tensor.of(array, *spans[name]) for name, array in arrays.items()}
    return Gates(
        panel=panel, step=step, tokens=tokens, lane=lane, clamped=clamped or [],
        i=seen["i"], f=seen["f"], g=seen["g"], o=seen["o"], c=seen["c"], h=seen["h"],
        ruler=None if ruler is None else Tensor.of(ruler, *RULER_SPAN),
    )  # fmt: skip


def shown_steps(total: int, frames: int) -> set[int]:
    """Which of steps 1 … total are shown in at most `frames` frames: dense at first, where most changes."""
    if total <= frames:
        return set(range(1, total + 1))
    return {max(1, round((k / frames) ** 1.6 * total)) for k in range(1, frames + 1)} | {1, total}
