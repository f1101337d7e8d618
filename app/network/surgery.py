"""Operating on a trained network: hold gates over some steps and see output and loss answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from app.network.clamp import Clamp
from app.network.trace import Trace
from app.network.traced import TracedLSTM


class Answer(NamedTuple):
    """What the network says at the end: its loss on this sequence, and (label, number) rows to show."""

    loss: float
    rows: list[tuple[str, float]]


@dataclass(frozen=True)
class Subject:
    """A trained network with one sequence to look at.

    `answer` turns output (1, T, H) and state (h_n, c_n), each (layers, 1, H), into what is said.
    """

    layer: TracedLSTM
    x: Tensor  # (1, T, I)
    tokens: list[str]  # length T
    answer: Callable[[Tensor, tuple[Tensor, Tensor]], Answer]


class Operation(NamedTuple):
    """One pass as it was trained and one with gates held."""

    untouched: Trace
    held: Trace
    before: Answer
    after: Answer


def operate(subject: Subject, clamps: Sequence[Clamp]) -> Operation:
    """Run the subject's sequence twice. Raises ValueError naming a clamp's field and bound."""
    with torch.no_grad():
        output, state, untouched = subject.layer(subject.x)
        before = subject.answer(output, state)
        output, state, held = subject.layer(subject.x, clamp=clamps)
        after = subject.answer(output, state)
    return Operation(untouched, held, before, after)
