"""What GRU and RNN share: the plain module inside, the checks, padding by masks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from app.network import arguments
from app.network.padding import Padding
from app.network.weights import Weights, build, of


class Recurrent(nn.Module):
    """`inner` is the plain torch module; layers run one by one so that each can tell its signals."""

    def __init__(
        self,
        kind: type[nn.RNNBase],
        input_size: int,
        hidden_size: int,
        num_layers: int,
        *,
        bias: bool,
        generator: torch.Generator | None,
    ) -> None:
        super().__init__()
        arguments.sizes(input_size, hidden_size, num_layers)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.inner: nn.RNNBase = build(
            kind, input_size, hidden_size, num_layers, bias=bias, generator=generator
        )

    def weights(self, layer: int) -> Weights:
        return of(self.inner, layer)

    def start(self, x: Tensor, state: Tensor | None) -> Tensor:
        """h_0 (layers, B, H) for x (B, T, input); ValueError where one of them does not fit."""
        dtype = self.weights(0).w_hh.dtype
        batch, _ = arguments.sequence(x, self.input_size, dtype)
        shape = (self.num_layers, batch, self.hidden_size)
        return x.new_zeros(shape) if state is None else arguments.state("state", state, shape, dtype)

    @staticmethod
    def finish(output: Tensor, padding: Padding | None) -> tuple[Tensor, Tensor]:
        """(output with zeros past each end, the last valid state (B, H)) of one layer's output (B, T, H)."""
        if padding is None:
            return output, output[:, -1]
        return padding.blank(output), padding.last(output)
