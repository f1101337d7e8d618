"""Sequences of different lengths in one batch, on the fused kernel and without packing.

A packed `torch.nn.LSTM` leaves oneDNN's fused layer. Instead one more input, 1 on padding and else 0,
with weights ∓10⁶ into the gates, closes i and o and opens f there: σ(±10⁶) is exactly 1 or 0. So past
a sequence's end c stays as it was, h and the output are 0 and no gradient passes, by the six equations
themselves; c_n is the kernel's own last c. On valid steps the input is 0 and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.network import arguments
from app.network.weights import Weights

_FORCE = 1e6


@dataclass(frozen=True)
class Padding:
    """`lengths` (B,) int64 and `past` (B, T), true past a sequence's end."""

    lengths: Tensor
    past: Tensor

    @classmethod
    def of(cls, lengths: Tensor | Sequence[int] | None, batch: int, steps: int) -> Padding | None:
        """None where nothing is padded. ValueError where a length is not from 1 to T."""
        if lengths is None:
            return None
        ends = arguments.ends(lengths, batch, steps)
        if int(ends.min()) == steps:
            return None
        return cls(ends, torch.arange(steps) >= ends[:, None])

    def blank(self, signal: Tensor) -> Tensor:
        """`signal` (B, T, ·) with zeros past each end, whatever stood there (NaN too)."""
        return signal.masked_fill(self.past.unsqueeze(-1), 0.0)

    def last(self, signal: Tensor) -> Tensor:
        """(B, H): `signal` (B, T, H) at each sequence's last valid step."""
        return signal[torch.arange(signal.shape[0]), self.lengths - 1]

    def add_at_last(self, signal: Tensor, part: Tensor) -> None:
        """Add `part` (B, H) to `signal` (B, T, H) in place at each sequence's last valid step."""
        signal[torch.arange(signal.shape[0]), self.lengths - 1] += part

    def attach(self, x: Tensor, weights: Weights) -> tuple[Tensor, Weights]:
        """x (B, T, I + 1) with the padding's own input, and an LSTM's weights for it (gates i, f, g, o)."""
        hidden = weights.w_hh.shape[1]
        column = weights.w_ih.new_zeros(4, hidden, 1)
        column[0], column[1], column[3] = -_FORCE, _FORCE, -_FORCE
        wider = torch.cat([weights.w_ih, column.view(-1, 1)], 1)
        return torch.cat([x, self.past.unsqueeze(-1).to(x.dtype)], -1), weights._replace(w_ih=wider)
