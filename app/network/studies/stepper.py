"""A small random LSTM over the learner's own input: held, free, and against `torch.nn.LSTMCell`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from app.network.arithmetic import UnitStep, unit_step
from app.network.clamp import Clamp
from app.network.data import one_hot
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator

LONG = 100  # steps over which the carousel is put to the test


class Stepping(NamedTuple):
    """One pass with the clamps and one without, each trace of one layer and one sequence."""

    held: Trace
    free: Trace
    units: list[UnitStep]  # the watched unit's arithmetic at each step of the held pass
    worst: float  # largest |h − h′|, |c − c′| against torch.nn.LSTMCell, nothing held
    moved: float  # largest |c_t − c_0| over LONG steps with f = 1, i = 0
    left: float  # largest |c_1 − i_1 g_1| with f = 0: what is left of c_0 after one step


def numbers(values: Sequence[float], steps: int) -> Tensor:
    """(1, T, 1): the values, round and round for `steps` steps."""
    return _round(torch.tensor(values).view(1, -1, 1), steps)


def letters(text: str, steps: int) -> Tensor:
    """(1, T, I): one-hot over the distinct characters, round and round for `steps` steps."""
    known = sorted(set(text))
    return _round(one_hot(torch.tensor([known.index(char) for char in text]), len(known)).unsqueeze(0), steps)


def _round(x: Tensor, steps: int) -> Tensor:
    return x.repeat(1, -(-steps // x.shape[1]), 1)[:, :steps]


def step_through(
    x: Tensor, *, hidden: int, forget_bias: float, c0: float, clamps: Sequence[Clamp], unit: int, seed: int
) -> Stepping:
    """Run x (1, T, I) from h_0 = 0 and c_0 = `c0` everywhere. `forget_bias` 0 is PyTorch's own start."""
    layer = TracedLSTM(
        x.shape[2], hidden, init="forget-bias" if forget_bias > 0 else "default", forget_bias=forget_bias,
        generator=generator(seed),
    )  # fmt: skip
    c_0 = torch.full((1, 1, hidden), c0)
    state = (torch.zeros_like(c_0), c_0)
    with torch.no_grad():
        free = layer(x, state)[2]
        held = layer(x, state, clamp=clamps)[2] if clamps else free
        units = [unit_step(layer.lstm, held, x, t, unit) for t in range(x.shape[1])]
        kept = layer(_round(x, LONG), state, clamp=[Clamp("f", 1.0), Clamp("i", 0.0)])[2]
        gone = layer(x, state, clamp=[Clamp("f", 0.0)])[2]
    moved = float((kept.c - c0).abs().max())
    first = gone.parts[0]
    left = float((first.c[0, 0] - first.i[0, 0] * first.g[0, 0]).abs().max())
    return Stepping(held, free, units, _against_cell(layer, x, state, free), moved, left)


def _against_cell(layer: TracedLSTM, x: Tensor, state: tuple[Tensor, Tensor], free: Trace) -> float:
    cell = nn.LSTMCell(layer.input_size, layer.hidden_size)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    cell.load_state_dict({name: getattr(layer.lstm, f"{name}_l0") for name in names})
    h, c, worst = state[0][0], state[1][0], 0.0
    with torch.no_grad():
        for t in range(x.shape[1]):
            h, c = cell(x[:, t], (h, c))
            gaps = [float((h - free.h[0, :, t]).abs().max()), float((c - free.c[0, :, t]).abs().max())]
            worst = max(worst, *gaps)
    return worst if math.isfinite(worst) else math.inf
