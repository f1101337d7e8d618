"""What a traced layer tells of one forward pass, and the clamps that change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

GATES = ("i", "f", "g", "o")


@dataclass(frozen=True)
class Clamp:
    """Hold a gate at `value` for some units and time steps (None: all), in one layer (None: every layer)."""

    gate: str
    value: float
    units: Sequence[int] | None = None
    steps: range | None = None
    layer: int | None = None

    def touches(self, layer: int, step: int) -> bool:
        return (self.layer is None or self.layer == layer) and (self.steps is None or step in self.steps)

    def apply(self, gate: Tensor) -> Tensor:
        """The gate (B, H) with the chosen units held; gradients stop where it is held."""
        if self.units is None:
            return torch.full_like(gate, self.value)
        mask = torch.zeros(gate.shape[-1], dtype=torch.bool)
        mask[list(self.units)] = True
        return torch.where(mask, torch.full_like(gate, self.value), gate)


def check_clamps(clamps: Sequence[Clamp], gates: Sequence[str], hidden: int, layers: int) -> None:
    """Raise ValueError naming what is off and its bound."""
    for clamp in clamps:
        if clamp.gate not in gates:
            raise ValueError(f"clamp.gate must be one of {', '.join(gates)}, not {clamp.gate!r}")
        if not -1e6 < clamp.value < 1e6:
            raise ValueError(f"clamp.value must be a finite number within ±1e6, not {clamp.value}")
        if clamp.units is not None and any(not 0 <= unit < hidden for unit in clamp.units):
            raise ValueError(f"clamp.units must be from 0 to {hidden - 1}")
        if clamp.layer is not None and not 0 <= clamp.layer < layers:
            raise ValueError(f"clamp.layer must be from 0 to {layers - 1}, not {clamp.layer}")


@dataclass(frozen=True)
class Trace:
    """All six signals of an LSTM, each (layers, B, T, H), detached.

    i, f, o in (0, 1); g, h in (−1, 1); c unbounded. `c_0` is (layers, B, H).
    """

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    c: Tensor
    h: Tensor
    c_0: Tensor

    def retention(self, layer: int = -1) -> Tensor:
        """∏_{k=t+1..T} f_k for each t: (B, T, H). The direct part of ∂c_T/∂c_t (Hochreiter & Schmidhuber 1997)."""
        later = torch.ones_like(self.f[layer])
        later[:, :-1] = self.f[layer][:, 1:].flip(1).cumprod(1).flip(1)
        return later

    def gradients(self, d_output: Tensor, weight_hh: Tensor, layer: int = -1) -> tuple[Tensor, Tensor]:
        """(∂L/∂h_t, ∂L/∂c_t), each (B, T, H), by one backward scan over the saved gates.

        `d_output` (B, T, H) is ∂L/∂output of this layer, `weight_hh` (4H, H) its recurrent matrix.
        """
        i, f, g, o, c = (getattr(self, name)[layer] for name in "ifgoc")
        steps = c.shape[1]
        tanh_c = torch.tanh(c)
        before = torch.cat([self.c_0[layer].unsqueeze(1), c[:, :-1]], 1)
        d_h, d_c = torch.empty_like(c), torch.empty_like(c)
        from_h = torch.zeros_like(c[:, 0])
        from_c = torch.zeros_like(from_h)
        for t in range(steps - 1, -1, -1):
            h_t = d_output[:, t] + from_h
            c_t = from_c + h_t * o[:, t] * (1 - tanh_c[:, t] ** 2)
            d_h[:, t], d_c[:, t] = h_t, c_t
            d_gates = torch.cat(
                [
                    c_t * g[:, t] * i[:, t] * (1 - i[:, t]),
                    c_t * before[:, t] * f[:, t] * (1 - f[:, t]),
                    c_t * i[:, t] * (1 - g[:, t] ** 2),
                    h_t * tanh_c[:, t] * o[:, t] * (1 - o[:, t]),
                ],
                1,
            )
            from_h = d_gates @ weight_hh
            from_c = c_t * f[:, t]
        return d_h, d_c
