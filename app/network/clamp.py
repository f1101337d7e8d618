"""Gate surgery: hold any gate at a value and see what becomes of the memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.network.arguments import is_number

LIMIT = 1e6


@dataclass(frozen=True)
class Clamp:
    """Hold `gate` at `value` for some units, time steps and one layer; None is all of them.

    Time steps count from 0; those past the end of a sequence touch nothing. Where clamps overlap the
    later one of the list holds. No gradient flows through a held gate.
    """

    gate: str
    value: float
    units: Sequence[int] | None = None
    steps: range | None = None
    layer: int | None = None


def check(
    clamps: Sequence[Clamp] | None, gates: Sequence[str], hidden: int, layers: int
) -> tuple[Clamp, ...]:
    """The clamps, () for None. ValueError names what is off and its bound."""
    for clamp in clamps or ():
        if clamp.gate not in gates:
            raise ValueError(f"clamp.gate must be one of {', '.join(gates)}, not {clamp.gate!r}")
        if not is_number(clamp.value) or abs(clamp.value) > LIMIT:
            raise ValueError(
                f"clamp.value must be a number from {-LIMIT:g} to {LIMIT:g}, not {clamp.value!r}"
            )
        if clamp.units is not None and any(not 0 <= unit < hidden for unit in clamp.units):
            raise ValueError(f"clamp.units must be from 0 to {hidden - 1}, not {list(clamp.units)}")
        if clamp.steps is not None and any(step < 0 for step in clamp.steps):
            raise ValueError(f"clamp.steps must be from 0 on, not {clamp.steps}")
        if clamp.layer is not None and not 0 <= clamp.layer < layers:
            raise ValueError(f"clamp.layer must be from 0 to {layers - 1}, not {clamp.layer}")
    return tuple(clamps or ())


class Held:
    """The clamps of one layer laid out over (T, H): which units are held when, and at what."""

    def __init__(self, clamps: Sequence[Clamp], layer: int, steps: int, hidden: int, like: Tensor) -> None:
        self._masks: dict[str, Tensor] = {}
        self._values: dict[str, Tensor] = {}
        for clamp in clamps:
            if clamp.layer is not None and clamp.layer != layer:
                continue
            if clamp.gate not in self._masks:
                self._masks[clamp.gate] = torch.zeros(steps, hidden, dtype=torch.bool)
                self._values[clamp.gate] = like.new_zeros(steps, hidden).detach()
            when = [step for step in clamp.steps if step < steps] if clamp.steps is not None else range(steps)
            units = list(clamp.units) if clamp.units is not None else range(hidden)
            where = (
                torch.tensor(list(when), dtype=torch.int64)[:, None],
                torch.tensor(list(units), dtype=torch.int64),
            )
            self._masks[clamp.gate][where] = True
            self._values[clamp.gate][where] = float(clamp.value)

    def __call__(self, name: str, gate: Tensor, at: int) -> Tensor:
        """`gate` (B, H) of step `at` with its held units in place."""
        mask = self._masks.get(name)
        return gate if mask is None else torch.where(mask[at], self._values[name][at], gate)

    def mask(self, name: str) -> Tensor | None:
        """(T, H), true where the gate is held; None where it never is."""
        return self._masks.get(name)
