"""Synthetic tasks as batches, each drawn from the generator that is handed in and from nothing else."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from app.network.arguments import ends, whole

TEMPORAL_ORDER_SYMBOLS = ("X", "Y", "a", "b", "c", "d")
COUNTING_SYMBOLS = ("S", "a", "b")
MAX_BATCH, MAX_STEPS = 100_000, 10_000


class Batch(NamedTuple):
    """Inputs (B, T, I) in float32 and targets: class indexes (B,) or values (B,)."""

    x: Tensor
    y: Tensor


class Counting(NamedTuple):
    """Next-symbol prediction. x (B, T, 3) one-hot, zero past the end; y (B, T) classes, −100 past the end.

    `certain` (B, T) marks the steps whose next symbol follows from what was read: those are to be judged.
    """

    x: Tensor
    y: Tensor
    lengths: Tensor
    certain: Tensor


def one_hot(index: Tensor, size: int) -> Tensor:
    """(…, size) in float32 of class indexes (…)."""
    return torch.nn.functional.one_hot(index, size).float()


def temporal_order(
    batch: int,
    steps: int,
    generator: torch.Generator,
    *,
    first: range | None = None,
    second: range | None = None,
) -> Batch:
    """Two symbols, X or Y each, stand at unknown places among distractors: say in which order they came.

    Hochreiter & Schmidhuber 1997, experiment 6a, scaled to `steps` ≥ 10: the first within steps 10–20 %,
    the second within 50–60 %, or within the given ranges (from 0, the first before the second).
    Four classes XX, XY, YX, YY; chance is 0.25. x (B, T, 6) one-hot over TEMPORAL_ORDER_SYMBOLS.
    """
    _sizes(batch, steps, 10)
    first = first if first is not None else range(steps // 10, max(steps // 5, steps // 10 + 1))
    second = second if second is not None else range(steps // 2, max(6 * steps // 10, steps // 2 + 1))
    if (
        first.step != 1
        or second.step != 1
        or not 0 <= first.start < first.stop <= second.start < second.stop <= steps
    ):
        raise ValueError(f"first, second must be ranges in order within 0 … {steps}, not {first}, {second}")
    symbols = torch.randint(2, 6, (batch, steps), generator=generator)
    place_1 = torch.randint(first.start, first.stop, (batch,), generator=generator)
    place_2 = torch.randint(second.start, second.stop, (batch,), generator=generator)
    a = torch.randint(0, 2, (batch,), generator=generator)
    b = torch.randint(0, 2, (batch,), generator=generator)
    rows = torch.arange(batch)
    symbols[rows, place_1], symbols[rows, place_2] = a, b
    return Batch(one_hot(symbols, 6), 2 * a + b)


def recall(batch: int, steps: int, generator: torch.Generator) -> Batch:
    """The first step shows one of four symbols, noise follows; name the symbol at the end.

    x (B, T, 5): the symbol one-hot, then noise; chance 0.25.
    """
    _sizes(batch, steps, 1)
    symbol = torch.randint(0, 4, (batch,), generator=generator)
    x = torch.zeros(batch, steps, 5)
    x[:, 0, :4] = one_hot(symbol, 4)
    x[:, 1:, 4] = torch.randn(batch, steps - 1, generator=generator)
    return Batch(x, symbol)


def adding(batch: int, steps: int, generator: torch.Generator) -> Batch:
    """Add the two marked numbers of a sequence. x (B, T, 2): value in [0, 1) and mark; y in [0, 2).

    After Hochreiter & Schmidhuber 1997, experiment 4, with one mark in each half of `steps` ≥ 4.
    Always answering 1 gives a mean squared error of 1/6.
    """
    _sizes(batch, steps, 4)
    values = torch.rand(batch, steps, generator=generator)
    half = steps // 2
    first = torch.randint(0, half, (batch,), generator=generator)
    second = torch.randint(half, steps, (batch,), generator=generator)
    marks = torch.zeros(batch, steps)
    rows = torch.arange(batch)
    marks[rows, first] = marks[rows, second] = 1.0
    return Batch(torch.stack([values, marks], -1), values[rows, first] + values[rows, second])


def counting(batch: int, largest: int, generator: torch.Generator) -> Counting:
    """S aⁿ bⁿ with n drawn from 1 … `largest`: predict the next symbol (Gers & Schmidhuber 2001)."""
    whole("batch", batch, 1, MAX_BATCH)
    whole("largest", largest, 1, MAX_STEPS // 2)
    return counting_of(torch.randint(1, largest + 1, (batch,), generator=generator), largest)


def counting_of(n: Tensor, largest: int | None = None) -> Counting:
    """The sequences S aⁿ bⁿ of the given n (B,), padded to T = 2 · largest + 1 (None: the largest of them).

    From the first b on the next symbol is certain: b until as many as there were a, then S.
    """
    limit = int(n.max()) if largest is None else largest
    counts = ends(n, len(n), limit)[:, None]
    place = torch.arange(2 * limit + 1)
    symbols = torch.where(place == 0, 0, torch.where(place <= counts, 1, 2))
    inside = place <= 2 * counts
    following = torch.where(place < counts, 1, torch.where(place < 2 * counts, 2, 0))
    x = one_hot(symbols, 3) * inside.unsqueeze(-1)
    y = torch.where(inside, following, -100)
    return Counting(x, y, 2 * counts[:, 0] + 1, inside & (place > counts))


def _sizes(batch: int, steps: int, least: int) -> None:
    whole("batch", batch, 1, MAX_BATCH)
    whole("steps", steps, least, MAX_STEPS)
