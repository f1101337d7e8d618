"""The tanh RNN with the LSTM's interface, for comparison."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from app.network.clamp import Clamp
from app.network.padding import Padding
from app.network.recurrent import Recurrent


@dataclass(frozen=True)
class RNNTrace:
    """h in (−1, 1), (layers, B, T, H), detached; zero past a padded sequence's end."""

    h: Tensor


class TracedRNN(Recurrent):
    """`torch.nn.RNN` with tanh: h_t = tanh(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh), (B, H) (Elman 1990)."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, bias: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__(nn.RNN, input_size, hidden_size, num_layers, bias=bias, generator=generator)

    def forward(
        self,
        x: Tensor,
        state: Tensor | None = None,
        clamp: Sequence[Clamp] | None = None,
        lengths: Tensor | Sequence[int] | None = None,
    ) -> tuple[Tensor, Tensor, RNNTrace]:
        """x (B, T, input), state (layers, B, H) → output (B, T, H), h_n (layers, B, H), trace.

        There is no gate to clamp. Raises ValueError naming the argument that is off and its bound.
        """
        if clamp:
            raise ValueError(f"clamp must be empty, a tanh RNN has no gates; not {list(clamp)}")
        h_0 = self.start(x, state)
        padding = Padding.of(lengths, x.shape[0], x.shape[1])
        flow = x if padding is None else padding.blank(x)
        last, signals = [], []
        for layer in range(self.num_layers):
            unrolled = _Unrolled.apply(flow, h_0[layer], *self.weights(layer))  # type: ignore[no-untyped-call]
            flow = unrolled.transpose(0, 1)
            flow, h = self.finish(flow, padding)
            last.append(h)
            signals.append(flow.detach())
        return flow, torch.stack(last), RNNTrace(torch.stack(signals))


class _Unrolled(torch.autograd.Function):
    """All steps of one layer and back through them by hand, as for the GRU: autograd's visits cost more."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, h_0: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None
    ) -> Tensor:
        """x (B, T, I), h_0 (B, H) → output (T, B, H)."""
        bias = None if b_ih is None or b_hh is None else b_ih + b_hh
        states = x.new_empty(x.shape[1] + 1, *h_0.shape)
        states[0] = h_0
        states[1:] = nn.functional.linear(x.transpose(0, 1), w_ih, bias)
        turned = w_hh.T
        for before, h in itertools.pairwise(states.unbind()):
            h.addmm_(before, turned).tanh_()
        ctx.save_for_backward(x, w_ih, w_hh, states)
        ctx.biased = bias is not None
        return states[1:]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor | None, ...]:
        """∂L/∂output (T, B, H) → the gradients of forward's arguments."""
        x, w_ih, w_hh, states = ctx.saved_tensors
        factors = 1 - states[1:] * states[1:]
        sums = torch.empty_like(factors)
        at_h = torch.cat([torch.zeros_like(given[:1]), given])  # ∂L/∂h_0 … ∂L/∂h_T
        rows = (at_h[1:], at_h[:-1], factors, sums)
        for here, before, factor, into in zip(*(reversed(each.unbind()) for each in rows), strict=True):
            before.addmm_(torch.mul(here, factor, out=into), w_hh)
        flat = sums.flatten(0, 1)
        read = x.transpose(0, 1).reshape(len(flat), -1)
        d_x = (flat @ w_ih).view(*sums.shape[:2], -1).transpose(0, 1) if ctx.needs_input_grad[0] else None
        bias = flat.sum(0) if ctx.biased else None
        return d_x, at_h[0], flat.T @ read, flat.T @ states[:-1].flatten(0, 1), bias, bias
