"""Contestants of the races: an RNN, a GRU or an LSTM with its read-out, at equal parameters and a named start.

Where a cell starts decides as much as what it is called, so each has a start of its own to match the LSTM's:
forget bias (Gers et al. 2000; Jozefowicz et al. 2015), chrono (Tallec & Ollivier 2018, for the GRU's update
gate too), orthogonal recurrent weights for the tanh RNN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from app.network.gru import TracedGRU
from app.network.recurrent import Recurrent
from app.network.rnn import TracedRNN
from app.network.traced import TracedLSTM
from app.network.train import linear, optimiser, update
from app.network.weights import of

Kind = Literal["rnn", "gru", "lstm"]
Start = Literal["default", "forget-bias", "chrono", "orthogonal"]
Layer = TracedLSTM | TracedGRU | TracedRNN
SETS = {"rnn": 1, "gru": 3, "lstm": 4}  # weight sets of a cell


def size(kind: Kind, inputs: int, hidden: int) -> int:
    """Parameters of one layer with PyTorch's two biases: G · (h(h + x) + 2h)."""
    return SETS[kind] * (hidden * (hidden + inputs) + 2 * hidden)


def width(kind: Kind, inputs: int, hidden: int) -> int:
    """The hidden size at which `kind` comes nearest to an LSTM of `hidden` units in parameters."""
    wanted = size("lstm", inputs, hidden)
    return min(range(1, 4 * hidden + 8), key=lambda h: abs(size(kind, inputs, h) - wanted))


@dataclass
class Contestant:
    """One cell with its linear read-out and optimiser."""

    lane: str
    layer: Layer
    head: nn.Linear
    optimiser: torch.optim.Optimizer
    parameters: list[Tensor]
    plain: bool  # run PyTorch's own GRU and RNN, where their time is what is asked

    def every(self, x: Tensor) -> Tensor:
        """Read-out of every step, (B, T, K) for x (B, T, I)."""
        read: Tensor = self.head(self._output(x))
        return read

    def last(self, x: Tensor) -> Tensor:
        """Read-out of the last step, (B, K)."""
        read: Tensor = self.head(self._output(x)[:, -1])
        return read

    def _output(self, x: Tensor) -> Tensor:
        layer = self.layer.inner if self.plain and isinstance(self.layer, Recurrent) else self.layer
        output: Tensor = layer(x)[0]
        return output

    def learn(self, loss: Tensor) -> None:
        """One update with the gradient's norm clipped to 1."""
        update(loss, self.optimiser, self.parameters, clip=1.0)

    def rate(self, lr: float) -> None:
        """Set the learning rate."""
        for group in self.optimiser.param_groups:
            group["lr"] = lr


def contestant(
    lane: str,
    kind: Kind,
    *,
    inputs: int,
    outputs: int,
    hidden: int,
    lr: float,
    source: torch.Generator,
    start: Start = "default",
    reach: int = 100,
    plain: bool = False,
) -> Contestant:
    """A fresh cell of `hidden` units, all its weights drawn from `source`; `reach` is the chrono start's T."""
    layer: Layer
    if kind == "lstm":
        init = start if start in ("forget-bias", "chrono") else "default"
        layer = TracedLSTM(inputs, hidden, init=init, chrono_t_max=reach, generator=source)
    elif kind == "gru":
        layer = TracedGRU(inputs, hidden, generator=source)
        if start in ("forget-bias", "chrono"):
            _keep(layer, start, reach, source)
    else:
        layer = TracedRNN(inputs, hidden, generator=source)
        if start == "orthogonal":
            nn.init.orthogonal_(of(layer.inner, 0).w_hh, generator=source)
    head = linear(hidden, outputs, source)
    parameters: list[Tensor] = [*layer.parameters(), *head.parameters()]
    return Contestant(lane, layer, head, optimiser("adam", parameters, lr), parameters, plain)


def _keep(layer: TracedGRU, start: Start, reach: int, source: torch.Generator) -> None:
    """The LSTM's forget-gate starts, for the update gate z (z = 1 keeps); gates stand in the order r, z, n."""
    _, _, first, second = of(layer.inner, 0)
    assert first is not None
    assert second is not None
    z = slice(layer.hidden_size, 2 * layer.hidden_size)
    with torch.no_grad():
        second[z] = 0.0
        if start == "chrono":
            drawn = torch.empty(layer.hidden_size).uniform_(1.0, reach - 1.0, generator=source)
            first[z] = drawn.log()
        else:
            first[z] = 1.0
