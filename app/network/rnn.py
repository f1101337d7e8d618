"""The tanh RNN with the LSTM's interface, for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
            tensors = self.weights(layer).present()
            flow, _ = torch.rnn_tanh(
                flow, h_0[layer : layer + 1], tensors, self.inner.bias, 1, 0.0, False, False, True
            )
            flow, h = self.finish(flow, padding)
            last.append(h)
            signals.append(flow.detach())
        return flow, torch.stack(last), RNNTrace(torch.stack(signals))
