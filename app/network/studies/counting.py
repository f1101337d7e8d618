"""aⁿbⁿ: train on short sequences, test on longer ones, look at the unit that counts.

A finite-precision LSTM can count without bound because c is added to; a GRU's state is a weighted mean of values
in [−1, 1] (Weiss, Goldberg & Yahav 2018; the task: Gers & Schmidhuber 2001).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from app.network import data
from app.network.ruler import memory_ruler
from app.network.studies.cells import Contestant, Kind, contestant, width
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator

BATCH, SYMBOLS = 16, len(data.COUNTING_SYMBOLS)
LANES: tuple[Kind, ...] = ("rnn", "gru", "lstm")


@dataclass
class Runner:
    """A contestant and its reach: the largest N such that every n = 1 … N comes out right."""

    cell: Contestant
    hidden: int
    reach: int = 0
    right: bool = False  # on the learner's own n


class Frame(NamedTuple):
    """The LSTM's gates on S aⁿ bⁿ with the learner's n, and its memory ruler (2, T)."""

    trace: Trace
    ruler: Any


class Moment(NamedTuple):
    """After `step` updates; `measured` where reaches are new, a frame where one is due."""

    step: int
    measured: bool
    frame: Frame | None


class CountingRace:
    """RNN, GRU and LSTM of one seed at equal parameters, PyTorch's own start each, on the same batches.

    Trained on n ≤ `largest`, tested on every n ≤ `tested`; `own` is the learner's n. The learning rate falls
    linearly to a tenth, so that what is measured last does not depend on where the last wobble was.
    """

    def __init__(self, *, largest: int, tested: int, own: int, hidden: int, lr: float, seed: int) -> None:
        self._largest, self._lr, self._source = largest, lr, generator(seed, 99)
        self.runners = []
        for place, kind in enumerate(LANES):
            units = width(kind, SYMBOLS, hidden)
            cell = contestant(
                kind,
                kind,
                inputs=SYMBOLS,
                outputs=SYMBOLS,
                hidden=units,
                lr=lr,
                source=generator(seed, place),
            )
            self.runners.append(Runner(cell, units))
        self._test = data.counting_of(torch.arange(1, tested + 1))
        self._own = data.counting_of(torch.tensor([own]))
        self.tokens = [data.COUNTING_SYMBOLS[k] for k in self._own.x[0].argmax(-1).tolist()]

    def run(self, limit: int, measures: frozenset[int], frames: frozenset[int]) -> Iterator[Moment]:
        """`limit` updates; reaches are measured after those in `measures` and after the last."""
        for step in range(1, limit + 1):
            batch = data.counting(BATCH, self._largest, self._source)
            for each in self.runners:
                each.cell.rate(self._lr * (1.0 - 0.9 * (step - 1) / limit))
                scores = each.cell.every(batch.x).reshape(-1, SYMBOLS)
                each.cell.learn(nn.functional.cross_entropy(scores, batch.y.reshape(-1)))
            measured = step in measures or step == limit
            if measured:
                for each in self.runners:
                    each.reach, each.right = reach(each.cell, self._test), reach(each.cell, self._own) > 0
            yield Moment(step, measured, self._frame() if step in frames else None)

    def counter(self, lane: Kind) -> tuple[int, npt.NDArray[Any]]:
        """The unit that counts best and what it says on the learner's sequence, (T,), in symbols.

        It is the unit (of c for the LSTM, of h for the others) whose value goes along best with the true
        count while n = `largest` is read; a straight line fitted there turns values into counts.
        """
        cell = self.runners[LANES.index(lane)].cell
        near = data.counting_of(torch.tensor([self._largest]))
        seen, true = _states(cell, near.x), true_count(self._largest)
        varied = seen - seen.mean(0)
        scale = np.sqrt((varied**2).sum(0)) + 1e-9
        unit = int(np.abs(varied.T @ (true - true.mean()) / scale).argmax())
        slope, offset = np.polyfit(seen[:, unit], true, 1)
        return unit, slope * _states(cell, self._own.x)[:, unit] + offset

    def _lstm(self) -> TracedLSTM:
        layer = self.runners[-1].cell.layer
        assert isinstance(layer, TracedLSTM)
        return layer

    def _frame(self) -> Frame:
        with torch.no_grad():
            _, _, trace = self._lstm()(self._own.x)
        return Frame(trace, memory_ruler(self._lstm(), self._own.x))

    def subject(self) -> Subject:
        """The LSTM with the learner's sequence, to be operated on; judged on the second half."""
        head, own = self.runners[-1].cell.head, self._own

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            scores = head(output)[own.certain]
            right = (scores.argmax(-1) == own.y[own.certain]).float().mean()
            end = scores[-1].softmax(-1)[0]
            loss = float(nn.functional.cross_entropy(scores, own.y[own.certain]))
            return Answer(loss, [("accuracy", float(right)), ("P(S) at the end", float(end))])

        return Subject(self._lstm(), own.x, self.tokens, answer)


def reach(cell: Contestant, test: data.Counting) -> int:
    """How many of the sequences, from the first on, are right at every step whose next symbol is certain."""
    with torch.no_grad():
        said = cell.every(test.x).argmax(-1)
    wrong = ((said != test.y) & test.certain).any(1).nonzero()
    return int(wrong[0]) if len(wrong) else len(test.y)


def true_count(n: int) -> npt.NDArray[Any]:
    """(2n + 1,): 0 at S, up by one at every a, down by one at every b."""
    return np.concatenate([np.arange(n + 1), np.arange(n - 1, -1, -1)]).astype(float)


def _states(cell: Contestant, x: Tensor) -> npt.NDArray[Any]:
    """What carries the memory over x (1, T, I): c of an LSTM, h of the others, (T, H) in float64."""
    with torch.no_grad():
        if isinstance(cell.layer, TracedLSTM):
            state = cell.layer(x)[2].c[0, 0]
        else:
            state = cell.layer.inner(x)[0][0]
    return np.asarray(state.double())
