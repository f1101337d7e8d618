"""Synthetic tasks as batches. Every batch is drawn from the generator that is handed in, and from nothing else."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

TEMPORAL_ORDER_SYMBOLS = ("X", "Y", "a", "b", "c", "d")


class Batch(NamedTuple):
    """Inputs (B, T, I) in float32 and targets: class indexes (B,) or values (B,)."""

    x: Tensor
    y: Tensor


def one_hot(index: Tensor, size: int) -> Tensor:
    return torch.nn.functional.one_hot(index, size).float()


def temporal_order(batch: int, steps: int, generator: torch.Generator) -> Batch:
    """Two relevant symbols, X or Y each, stand at unknown places among distractors: say in which order they came.

    Hochreiter & Schmidhuber 1997, experiment 6a, scaled to `steps` ≥ 10: the first within steps 10–20 %,
    the second within 50–60 %; four classes XX, XY, YX, YY; chance is 0.25. x (B, T, 6) one-hot.
    """
    if steps < 10:
        raise ValueError(f"steps must be at least 10, not {steps}")
    symbols = torch.randint(2, 6, (batch, steps), generator=generator)
    first = torch.randint(steps // 10, max(steps // 5, steps // 10 + 1), (batch,), generator=generator)
    second = torch.randint(steps // 2, max(6 * steps // 10, steps // 2 + 1), (batch,), generator=generator)
    a = torch.randint(0, 2, (batch,), generator=generator)
    b = torch.randint(0, 2, (batch,), generator=generator)
    rows = torch.arange(batch)
    symbols[rows, first], symbols[rows, second] = a, b
    return Batch(one_hot(symbols, 6), 2 * a + b)


def recall(batch: int, steps: int, generator: torch.Generator) -> Batch:
    """The first step shows one of four symbols, noise follows; name the symbol at the end. x (B, T, 5); chance 0.25."""
    symbol = torch.randint(0, 4, (batch,), generator=generator)
    x = torch.zeros(batch, steps, 5)
    x[:, 0, :4] = one_hot(symbol, 4)
    x[:, 1:, 4] = torch.randn(batch, steps - 1, generator=generator)
    return Batch(x, symbol)


def adding(batch: int, steps: int, generator: torch.Generator) -> Batch:
    """Add the two marked numbers of a sequence. x (B, T, 2): value in [0, 1) and mark; y in [0, 2).

    Hochreiter & Schmidhuber 1997, experiment 4. Always answering 1 gives a mean squared error of 1/6.
    """
    if steps < 4:
        raise ValueError(f"steps must be at least 4, not {steps}")
    values = torch.rand(batch, steps, generator=generator)
    half = steps // 2
    first = torch.randint(0, half, (batch,), generator=generator)
    second = torch.randint(half, steps, (batch,), generator=generator)
    marks = torch.zeros(batch, steps)
    rows = torch.arange(batch)
    marks[rows, first] = marks[rows, second] = 1.0
    return Batch(torch.stack([values, marks], -1), values[rows, first] + values[rows, second])
