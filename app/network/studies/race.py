"""Cells racing on the same batches, seed by seed: temporal order (Hochreiter & Schmidhuber 1997, exp. 6a)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from app.network.data import TEMPORAL_ORDER_SYMBOLS, Batch, temporal_order
from app.network.gru import TracedGRU
from app.network.rnn import TracedRNN
from app.network.ruler import memory_ruler
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

BATCH, HELD_OUT, EVERY = 32, 256, 20
SOLVED, CHANCE = 0.99, 0.25
LANES = ("rnn", "gru", "lstm", "lstm_fb1", "lstm_fb3")
CLASSES = ("XX", "XY", "YX", "YY")


@dataclass
class Racer:
    """One cell of one seed, with its optimiser and how far it got."""

    lane: str
    layer: TracedLSTM | TracedGRU | TracedRNN
    head: nn.Linear
    optimiser: torch.optim.Optimizer
    parameters: list[Tensor]
    accuracy: float = CHANCE
    solved_at: int | None = None

    def logits(self, x: Tensor) -> Tensor:
        """(B, 4) from the last hidden state."""
        logits: Tensor = self.head(self.layer(x)[0][:, -1])
        return logits


class Moment(NamedTuple):
    """The race after `step` training steps; `measured` where accuracies are new, a frame where one is due."""

    step: int
    measured: bool
    frame: Frame | None


class Frame(NamedTuple):
    """The gates of the leading LSTM on the first held-out sequence, with its memory ruler (2, T)."""

    lane: str
    trace: Trace
    ruler: Any


def racer(lane: str, *, hidden: int, lr: float, seed: int) -> Racer:
    """A fresh cell of a lane: its weights depend on lane and seed alone."""
    source = generator(seed, LANES.index(lane))
    inputs = len(TEMPORAL_ORDER_SYMBOLS)
    layer: TracedLSTM | TracedGRU | TracedRNN
    if lane == "rnn":
        layer = TracedRNN(inputs, hidden, generator=source)
    elif lane == "gru":
        layer = TracedGRU(inputs, hidden, generator=source)
    elif lane == "lstm":
        layer = TracedLSTM(inputs, hidden, generator=source)
    else:
        bias = float(lane.removeprefix("lstm_fb"))
        layer = TracedLSTM(inputs, hidden, init="forget-bias", forget_bias=bias, generator=source)
    head = linear(hidden, len(CLASSES), source)
    parameters: list[Tensor] = [*layer.parameters(), *head.parameters()]
    return Racer(lane, layer, head, optimiser("adam", parameters, lr), parameters)


class Race:
    """All lanes of one seed. `probe` are the held-out sequences that accuracies are measured on."""

    def __init__(self, *, steps: int, hidden: int, lr: float, seed: int) -> None:
        self.racers = [racer(lane, hidden=hidden, lr=lr, seed=seed) for lane in LANES]
        self._steps, self._source = steps, generator(seed, 99)
        self.probe: Batch = temporal_order(HELD_OUT, steps, generator(seed, 100))
        self.tokens = [TEMPORAL_ORDER_SYMBOLS[index] for index in self.probe.x[0].argmax(-1).tolist()]

    def run(self, limit: int, frames: frozenset[int]) -> Iterator[Moment]:
        """Up to `limit` training steps on shared batches; a lane that has solved the task stops."""
        for step in range(1, limit + 1):
            batch = temporal_order(BATCH, self._steps, self._source)
            for each in self.racers:
                if each.solved_at is None:
                    loss = nn.functional.cross_entropy(each.logits(batch.x), batch.y)
                    update(loss, each.optimiser, each.parameters, clip=1.0)
            measured = step % EVERY == 0 or step == limit
            if measured:
                self._measure(step)
            yield Moment(step, measured, self._frame() if step in frames else None)
            if all(each.solved_at is not None for each in self.racers):
                return

    def _measure(self, step: int) -> None:
        for each in self.racers:
            if each.solved_at is None:
                with torch.no_grad():
                    right = each.logits(self.probe.x).argmax(1) == self.probe.y
                each.accuracy = float(right.float().mean())
                if each.accuracy >= SOLVED:
                    each.solved_at = step

    def leader(self) -> Racer:
        """The LSTM that solved it first, or is most accurate so far."""
        lstms = [each for each in self.racers if each.lane.startswith("lstm")]
        return max(
            lstms,
            key=lambda each: (each.solved_at is not None, each.accuracy, -(each.solved_at or 0), each.lane),
        )

    def _frame(self) -> Frame:
        leader = self.leader()
        assert isinstance(leader.layer, TracedLSTM)
        with torch.no_grad():
            _, _, trace = leader.layer(self.probe.x[:1])
        return Frame(leader.lane, trace, memory_ruler(leader.layer, self.probe.x[:1]))

    def subject(self) -> Subject:
        """The leading LSTM with the first held-out sequence, to be operated on."""
        leader = self.leader()
        assert isinstance(leader.layer, TracedLSTM)
        y = self.probe.y[:1]

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            logits = leader.head(output[:, -1])
            chances = logits.softmax(-1)[0].tolist()
            loss = float(nn.functional.cross_entropy(logits, y))
            return Answer(loss, [(f"P({name})", p) for name, p in zip(CLASSES, chances, strict=True)])

        return Subject(leader.layer, self.probe.x[:1], self.tokens, answer)
