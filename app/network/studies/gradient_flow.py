"""How much of the gradient reaches each step at initialisation, in float64 (float32 underflows by T = 100)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from app.network.gru import TracedGRU
from app.network.rnn import TracedRNN
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear
from app.network.weights import of

INPUTS, BATCH = 8, 16
CELLS = ("rnn", "gru", "lstm")


class Flow(NamedTuple):
    """log₁₀ ‖∂L/∂x_t‖ for t = 1 … T over the batch (−inf where it is exactly zero); for an LSTM its trace."""

    norms: list[float]
    trace: Trace | None
    retention: list[float]  # log₁₀ of the mean over batch and units of ∏_{k>t} f_k; empty where no LSTM
    subject: Subject | None  # the LSTM in float32 with one sequence of the batch


def measure(
    cell: str, *, steps: int, hidden: int, forget_bias: float, scale: float, clip: float, seed: int
) -> Flow:
    """One forward and backward pass of a random linear read-out of h_T.

    `forget_bias` 0 is PyTorch's own start; `scale` multiplies the recurrent weights; `clip` > 0 scales the
    whole gradient down to that norm, as clip_grad_norm_ has it.
    """
    source = generator(seed, CELLS.index(cell))
    layer, recurrent = _layer(cell, hidden, forget_bias, source)
    head = linear(hidden, 1, source).double()
    x = torch.randn(BATCH, steps, INPUTS, generator=source, dtype=torch.float64).requires_grad_()
    with torch.no_grad():
        recurrent.mul_(scale)
    out = layer(x)
    head(out[0][:, -1]).sum().backward()
    gradient = x.grad
    assert gradient is not None
    if clip > 0:
        gradient = gradient * min(1.0, clip / (float(gradient.norm()) + 1e-6))
    norms = [_log(n) for n in gradient.norm(dim=(0, 2)).tolist()]
    trace = out[2] if isinstance(layer, TracedLSTM) else None
    retention = trace.retention().mean((0, 2)).log10().tolist() if trace is not None else []
    subject = _subject(layer, head, x.detach()) if isinstance(layer, TracedLSTM) else None
    return Flow(norms, trace, retention, subject)


def _log(value: float) -> float:
    return math.log10(value) if 0 < value < math.inf else (-math.inf if value == 0 else math.inf)


def _layer(
    cell: str, hidden: int, forget_bias: float, source: torch.Generator
) -> tuple[TracedLSTM | TracedGRU | TracedRNN, Tensor]:
    """The layer in float64 and its recurrent matrix."""
    if cell == "lstm":
        init: Any = "forget-bias" if forget_bias > 0 else "default"
        made = TracedLSTM(INPUTS, hidden, init=init, forget_bias=forget_bias, generator=source).double()
        return made, of(made.lstm, 0).w_hh
    other = (TracedGRU if cell == "gru" else TracedRNN)(INPUTS, hidden, generator=source).double()
    return other, other.weights(0).w_hh


def _subject(layer: TracedLSTM, head: nn.Linear, x: Tensor) -> Subject:
    tokens = [f"x{t}" for t in range(1, x.shape[1] + 1)]

    def answer(output: Tensor, state: tuple[Tensor, Tensor]) -> Answer:
        read_out = float(head(output[:, -1]))
        return Answer(read_out, [("w · h_T", read_out), ("‖c_T‖", float(state[1].norm()))])

    return Subject(layer, x[:1].contiguous(), tokens, answer)
