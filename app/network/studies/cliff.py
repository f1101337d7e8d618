"""The loss as a landscape over two weights of a one-unit network, and gradient descent walking on it.

RNN: x_t = w·σ(x_{t−1}) + b from x_0 = 0.5, loss (σ(x_T) − 0.7)² (Pascanu, Mikolov & Bengio 2013, figure 6).
LSTM: one unit from h_0 = 0.4, c_0 = 0.5; every recurrent weight is w, b is the candidate's bias, the forget
gate's is 1; loss (h_T − 0.7)². All in float64: beside the wall a slope outgrows float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy.typing as npt
import torch
from torch import Tensor

from app.network.ruler import memory_ruler
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator
from app.network.weights import of

Cell = Literal["rnn", "lstm"]
W, B = (2.0, 8.0), (-4.0, 0.0)  # the page: what is drawn of the (w, b) plane
RNN_START, LSTM_START = 0.5, (0.4, 0.5)  # x_0; (h_0, c_0)
TARGET, FORGET_BIAS = 0.7, 1.0
OPEN = 20.0  # σ(20) = 1 in float32
LANES = ("none", "norm", "value")
GRID, SPREAD = 41, 0.05
PARTS, ROUNDS = 64, 8  # each round cuts the interval around the wall to 1/PARTS


class Landscape(NamedTuple):
    """loss (len(b), len(w)) over the page; `median` is the median ‖∇L‖ of these points."""

    loss: npt.NDArray[Any]
    w: list[float]
    b: list[float]
    median: float


class Walk(NamedTuple):
    """Where every lane's walkers stand after `step` updates: arrays (lanes, starts).

    `norm` is ‖∇L‖ here before clipping; `left` is the step at which the page was left, 0 while on it. A walker that
    left stands still.
    """

    step: int
    w: npt.NDArray[Any]
    b: npt.NDArray[Any]
    loss: npt.NDArray[Any]
    norm: npt.NDArray[Any]
    left: npt.NDArray[Any]


def loss(cell: Cell, w: Tensor, b: Tensor, steps: int) -> Tensor:
    """The loss at each point (w, b), any shape, after `steps` time steps."""
    if cell == "rnn":
        x = torch.full_like(w, RNN_START)
        for _ in range(steps):
            x = w * torch.sigmoid(x) + b
        return (torch.sigmoid(x) - TARGET) ** 2
    x, c = (torch.full_like(w, start) for start in LSTM_START)
    for _ in range(steps):
        z = w * x
        gate = torch.sigmoid(z)  # i and o alike
        c = torch.sigmoid(z + FORGET_BIAS) * c + gate * torch.tanh(z + b)
        x = gate * torch.tanh(c)
    return (x - TARGET) ** 2


def slope(cell: Cell, points: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """(loss (…), gradient (…, 2)) at points (…, 2) of (w, b)."""
    points = points.detach().requires_grad_()
    value = loss(cell, points[..., 0], points[..., 1], steps)
    value.sum().backward()  # type: ignore[no-untyped-call]
    assert points.grad is not None
    return value.detach(), points.grad


def landscape(cell: Cell, steps: int) -> Landscape:
    """Loss and typical slope over the page."""
    w, b = torch.linspace(*W, GRID, dtype=torch.float64), torch.linspace(*B, GRID, dtype=torch.float64)
    points = torch.stack([w.expand(GRID, GRID), b[:, None].expand(GRID, GRID)], -1)
    value, gradient = slope(cell, points, steps)
    return Landscape(value.numpy(), w.tolist(), b.tolist(), float(gradient.norm(dim=-1).median()))


def wall(cell: Cell, w: float, steps: int) -> tuple[float, float]:
    """(steepest ‖∇L‖, its b) on the line of constant w: the interval with the largest jump, cut again and again."""
    low, high = B
    steepest, place = 0.0, low
    for _ in range(ROUNDS):
        b = torch.linspace(low, high, PARTS + 1, dtype=torch.float64)
        value, gradient = slope(cell, torch.stack([torch.full_like(b, w), b], -1), steps)
        norm = gradient.norm(dim=-1)
        if float(norm.max()) > steepest:
            steepest, place = float(norm.max()), float(b[int(norm.argmax())])
        jump = int(value.diff().abs().argmax())
        low, high = float(b[jump]), float(b[jump + 1])
        if high - low < 1e-14:
            break
    return steepest, place


def starts(w: float, b: float, count: int, seed: int) -> Tensor:
    """(count, 2): the given start, then starts near it, N(0, SPREAD²) off and kept on the page."""
    near = torch.tensor([w, b], dtype=torch.float64).repeat(count, 1)
    off = torch.randn(count, 2, generator=generator(seed, 41), dtype=torch.float64)
    near[1:] += SPREAD * off[1:]
    return torch.stack([near[:, 0].clamp(*W), near[:, 1].clamp(*B)], -1)


def clipped(gradient: Tensor, threshold: float) -> Tensor:
    """(lanes, starts, 2): none as it is, by norm, by value, in the order of LANES."""
    none, norm, value = gradient
    length = norm.norm(dim=-1, keepdim=True).clamp_min(1e-300)
    return torch.stack([
        none, norm * (threshold / length).clamp(max=1.0), value.clamp(-threshold, threshold)
    ])  # fmt: skip


def descend(
    cell: Cell, first: Tensor, *, steps: int, lr: float, threshold: float, updates: int
) -> Iterator[Walk]:
    """Plain gradient descent of all lanes from the same starts (n, 2), before and after each update."""
    points = first.expand(len(LANES), -1, -1).clone()
    left = torch.zeros(points.shape[:2], dtype=torch.int64)
    for step in range(updates + 1):
        value, gradient = slope(cell, points, steps)
        w, b = points.detach().numpy().transpose(2, 0, 1)
        yield Walk(step, w, b, value.numpy(), gradient.norm(dim=-1).numpy(), left.numpy().copy())
        points = points - lr * clipped(gradient, threshold) * (left == 0)[..., None]
        off = (
            (points[..., 0] < W[0]) | (points[..., 0] > W[1]) | (points[..., 1] < B[0]) | (points[..., 1] > B[1])
        )  # fmt: skip
        left[off & (left == 0)] = step + 1


def unit(w: float, b: float) -> TracedLSTM:
    """The one-unit LSTM of this landscape at (w, b), in float32.

    Its input is 1 at a first step, which puts (h, c) where the landscape starts from, and 0 from then on.
    """
    layer = TracedLSTM(1, 1, generator=generator(0))
    w_ih, w_hh, b_ih, b_hh = of(layer.lstm, 0)
    assert b_ih is not None
    assert b_hh is not None
    h, c = LSTM_START
    opened = math.log(h / (math.tanh(c) - h))  # o = σ(this) makes o·tanh(c) = h
    with torch.no_grad():
        w_hh.fill_(w)
        b_hh.zero_()
        b_ih.copy_(torch.tensor([0.0, FORGET_BIAS, b, 0.0]))  # i, f, g, o
        w_ih.copy_(torch.tensor([[OPEN], [0.0], [math.atanh(c) - b], [opened]]))
    return layer


def gates(w: float, b: float, steps: int) -> tuple[Trace, npt.NDArray[Any]]:
    """The unit's trace over 1 + `steps` and its memory ruler (2, 1 + T)."""
    layer = unit(w, b)
    with torch.no_grad():
        _, _, trace = layer(_input(steps))
    return trace, memory_ruler(layer, _input(steps))


def _input(steps: int) -> Tensor:
    x = torch.zeros(1, 1 + steps, 1)
    x[0, 0] = 1.0
    return x


def tokens(steps: int) -> list[str]:
    """What the unit reads: a start, then nothing."""
    return ["start", *(str(t) for t in range(1, steps + 1))]


def subject(w: float, b: float, steps: int) -> Subject:
    """The unit at (w, b), to be operated on."""

    def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
        h = float(output[0, -1, 0])
        return Answer((h - TARGET) ** 2, [("h_T", h), ("target", TARGET)])

    return Subject(unit(w, b), _input(steps), tokens(steps), answer)
