"""The adding problem as a race of five cells on the same batches (Hochreiter & Schmidhuber 1997, experiment 4).

All cells have the parameters of an LSTM of `hidden` units, within a few per cent. The tanh RNN gets its own best
known start: orthogonal recurrent weights and a tenth of the learning rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from app.network.data import Batch, adding
from app.network.ruler import memory_ruler
from app.network.studies.cells import Contestant, Kind, Start, contestant, size, width
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator

BATCH, HELD_OUT, EVERY, SOLVED = 32, 256, 10, 0.01
RNN_RATE = 0.1  # of the others' learning rate
LANES: dict[str, tuple[Kind, Start]] = {
    "rnn": ("rnn", "orthogonal"),
    "gru": ("gru", "default"),
    "lstm": ("lstm", "default"),
    "lstm_fb1": ("lstm", "forget-bias"),
    "lstm_chrono": ("lstm", "chrono"),
}


@dataclass
class Runner:
    """A contestant and how far it got: mean squared error on the held-out sequences, step at which it solved."""

    cell: Contestant
    parameters: int
    hidden: int
    error: float = float("nan")
    solved_at: int | None = None


class Frame(NamedTuple):
    """The chrono LSTM's gates on the first held-out sequence, with its memory ruler (2, T)."""

    trace: Trace
    ruler: Any


class Moment(NamedTuple):
    """After `step` updates; `measured` where errors are new, a frame where one is due."""

    step: int
    measured: bool
    frame: Frame | None


def runner(lane: str, *, steps: int, hidden: int, lr: float, seed: int, gru: Start) -> Runner:
    """A lane's cell; its first weights depend on lane and seed alone. `steps` is T, which chrono is told."""
    kind, start = LANES[lane]
    units = width(kind, 2, hidden)
    cell = contestant(
        lane, kind, inputs=2, outputs=1, hidden=units, source=generator(seed, list(LANES).index(lane)),
        lr=lr * RNN_RATE if kind == "rnn" else lr, start=gru if kind == "gru" else start, reach=steps,
    )  # fmt: skip
    return Runner(cell, size(kind, 2, units), units)


class AddingRace:
    """The lanes of one seed, the chrono LSTM last.

    `probe` are the held-out sequences; `baseline` is the error of always answering 1 on them.
    """

    def __init__(
        self, *, steps: int, hidden: int, lr: float, seed: int, gru: Start = "default",
        lanes: Sequence[str] = tuple(LANES),
    ) -> None:  # fmt: skip
        self.runners = [runner(lane, steps=steps, hidden=hidden, lr=lr, seed=seed, gru=gru) for lane in lanes]
        self._steps, self._source = steps, generator(seed, 99)
        self.probe: Batch = adding(HELD_OUT, steps, generator(seed, 100))
        self.baseline = float((self.probe.y - 1.0).pow(2).mean())
        self.tokens = [f"{value:.2f}{'+' if mark else ''}" for value, mark in self.probe.x[0].tolist()]
        self._chrono = self.runners[-1]

    def run(self, limit: int, frames: frozenset[int]) -> Iterator[Moment]:
        """Up to `limit` updates; a lane below SOLVED stops, the race when all have."""
        for step in range(1, limit + 1):
            batch = adding(BATCH, self._steps, self._source)
            running = [each for each in self.runners if each.solved_at is None]
            for each in running:
                each.cell.learn((each.cell.last(batch.x).squeeze(-1) - batch.y).pow(2).mean())
            measured = step % EVERY == 0 or step == limit
            if measured:
                self._measure(running, step)
            due = step in frames and self._chrono in running
            due = due or (bool(frames) and self._chrono.solved_at == step)
            yield Moment(step, measured, self._frame() if due else None)
            if all(each.solved_at is not None for each in self.runners):
                return

    def _measure(self, running: list[Runner], step: int) -> None:
        for each in running:
            with torch.no_grad():
                each.error = float((each.cell.last(self.probe.x).squeeze(-1) - self.probe.y).pow(2).mean())
            if each.error < SOLVED:
                each.solved_at = step

    def _frame(self) -> Frame:
        layer = self._chrono.cell.layer
        assert isinstance(layer, TracedLSTM)
        x = self.probe.x[:1]
        with torch.no_grad():
            _, _, trace = layer(x)
        return Frame(trace, memory_ruler(layer, x))

    def subject(self) -> Subject:
        """The chrono LSTM with the first held-out sequence, to be operated on."""
        layer, head, y = self._chrono.cell.layer, self._chrono.cell.head, float(self.probe.y[0])
        assert isinstance(layer, TracedLSTM)

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            said = float(head(output[:, -1]))
            return Answer((said - y) ** 2, [("ŷ", said), ("y", y)])

        return Subject(layer, self.probe.x[:1], self.tokens, answer)
