"""A classifier on an imbalanced sequence task, and every usual number about it; then a forecaster of counts with zeros.

The task: a short blip, two steps up and two down, hides in noise in a given share of the sequences. Nothing marks its
place, and at low amplitude no classifier can be right on all of them, so the threshold has to choose.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from app.network.data import Batch
from app.network.ruler import memory_ruler
from app.network.studies.windows import Array, Forecaster, Scale, Transform, rms, windows
from app.network.surgery import Answer, Subject
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

STEPS, BATCH, HELD_OUT = 16, 64, 2000  # time steps; sequences of a batch, of validation and of test
SHAPE = (1.0, 1.0, -1.0, -1.0)
RATES = (0.2, 1.0, 2.0, 4.0, 6.0, 3.0, 0.1)  # mean sales on the days of a week
DAYS, WIDTH, WEEK = 560, 14, 7
Labels = npt.NDArray[np.bool_]


class Scores(NamedTuple):
    """Of a decision at one threshold. A ratio whose divisor is 0 counts as 0."""

    hits: int
    alarms: int  # false ones
    misses: int
    rest: int

    @property
    def accuracy(self) -> float:
        return (self.hits + self.rest) / sum(self)

    @property
    def precision(self) -> float:
        return self.hits / max(1, self.hits + self.alarms)

    @property
    def recall(self) -> float:
        return self.hits / max(1, self.hits + self.misses)

    @property
    def f1(self) -> float:
        return 2 * self.hits / max(1, 2 * self.hits + self.alarms + self.misses)

    @property
    def shares(self) -> Array:
        """The confusion matrix (2, 2): true positives and negatives by row, said to be so by column, rows sum to 1."""
        rows = np.array([[self.hits, self.misses], [self.alarms, self.rest]], dtype=np.float64)
        return np.asarray(rows / np.maximum(1, rows.sum(1, keepdims=True)))


class Moment(NamedTuple):
    """After `step` updates; `scores` and `entropy` (nats) of the test sequences where they are new."""

    step: int
    scores: Scores | None
    entropy: float


class Outcome(NamedTuple):
    """A trained network on the test sequences: at τ = 0.5, the learner's τ, and the one chosen on validation.

    `nothing` says no to all; `blind` is the cross-entropy (nats) of always telling the share of positives. `sweep` are
    scores at τ = 0, 1/40 … 1; `curve` are 60 (recall, precision) pairs by rising recall.
    """

    half: Scores
    given: Scores
    best: Scores
    nothing: Scores
    tau: float
    entropy: float
    blind: float
    average_precision: float
    auc: float
    sweep: list[tuple[float, Scores]]
    curve: list[tuple[float, float]]

    @property
    def span(self) -> float:
        """How far F1 moves while the threshold goes from 0.1 to 0.9."""
        found = [at.f1 for tau, at in self.sweep if 0.1 <= tau <= 0.9]
        return max(found) - min(found)


def blips(batch: int, share: float, amplitude: float, source: torch.Generator) -> Batch:
    """x (B, T, 1) of noise with standard deviation 1; y (B,) is 1.0 where a blip hides in it."""
    x = torch.randn(batch, STEPS, generator=source)
    y = torch.rand(batch, generator=source) < share
    place = torch.randint(0, STEPS - len(SHAPE) + 1, (batch,), generator=source)
    for k, height in enumerate(SHAPE):
        x[torch.arange(batch), place + k] += amplitude * height * y
    return Batch(x.unsqueeze(-1), y.float())


def scores(chances: Array, labels: Labels, threshold: float) -> Scores:
    """Positive is what has a chance of at least `threshold`."""
    said = chances >= threshold
    return Scores(
        int((said & labels).sum()), int((said & ~labels).sum()), int((~said & labels).sum()),
        int((~said & ~labels).sum()),
    )  # fmt: skip


def cross_entropy(chances: Array, labels: Labels) -> float:
    """Mean −log of the chance given to what is true, in nats."""
    given = np.where(labels, chances, 1 - chances)
    return float(-np.log(np.clip(given, 1e-12, 1)).mean())


def best_threshold(chances: Array, labels: Labels) -> float:
    """The threshold of highest F1 among 0.01 … 0.99; to be chosen on validation, never on test."""
    grid = [k / 100 for k in range(1, 100)]
    return max(grid, key=lambda threshold: scores(chances, labels, threshold).f1)


def precision_recall(chances: Array, labels: Labels) -> tuple[Array, Array]:
    """(recall, precision), each (N,): taking the n likeliest as positive, n = 1 … N."""
    order = np.argsort(-chances, kind="stable")
    found = labels[order].cumsum()
    return found / max(1, labels.sum()), found / np.arange(1, len(order) + 1)


def average_precision(chances: Array, labels: Labels) -> float:
    """Σ (R_n − R_{n−1}) P_n, the area under the precision–recall curve."""
    recall, precision = precision_recall(chances, labels)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def ranking(chances: Array, labels: Labels) -> float:
    """ROC AUC: the chance that a positive is ranked above a negative (ties count half)."""
    positive, negative = chances[labels], chances[~labels]
    if not len(positive) or not len(negative):
        return 0.5
    below = np.searchsorted(np.sort(negative), positive, "left")
    upto = np.searchsorted(np.sort(negative), positive, "right")
    return float((below + upto).mean() / 2 / len(negative))


class Detector:
    """An LSTM (forget bias 1) whose mean output says whether a blip was in the sequence.

    `weight` multiplies the loss of the positives.
    """

    def __init__(
        self, *, share: float, amplitude: float, weight: float, hidden: int, lr: float, seed: int
    ) -> None:
        source = generator(seed, 40)
        self.layer = TracedLSTM(1, hidden, init="forget-bias", generator=source)
        self.head: nn.Linear = linear(hidden, 1, source)
        self._parameters: list[Tensor] = [*self.layer.parameters(), *self.head.parameters()]
        self._optimiser = optimiser("adam", self._parameters, lr)
        self._share, self._amplitude, self._batches = share, amplitude, generator(seed, 41)
        self._weight = torch.tensor(weight)
        self._validation = blips(HELD_OUT, share, amplitude, generator(seed, 42))
        self._test = blips(HELD_OUT, share, amplitude, generator(seed, 43))
        self.labels: Labels = np.asarray(self._test.y > 0.5)
        self.blind = cross_entropy(
            np.full(HELD_OUT, self.labels.mean()), self.labels
        )  # telling the share alone
        # what is looked at: the first test sequence that holds a blip, or the first of all
        self._place = int(self._test.y.argmax())

    def train(self, steps: int, every: int, threshold: float) -> Iterator[Moment]:
        """`steps` updates; test scores every `every`, for drawing only: nothing is chosen by them."""
        for step in range(1, steps + 1):
            batch = blips(BATCH, self._share, self._amplitude, self._batches)
            logits = self._logits(self.layer(batch.x)[0])
            loss = nn.functional.binary_cross_entropy_with_logits(logits, batch.y, pos_weight=self._weight)
            update(loss, self._optimiser, self._parameters, clip=1.0)
            due = step % every == 0 or step == steps
            if due:
                chances = self._chances(self._test.x)
                now = scores(chances, self.labels, threshold)
                yield Moment(step, now, cross_entropy(chances, self.labels))
            else:
                yield Moment(step, None, 0.0)

    def outcome(self, threshold: float) -> Outcome:
        """Of the network as it is."""
        chances, labels = self._chances(self._test.x), self.labels
        tau = best_threshold(self._chances(self._validation.x), np.asarray(self._validation.y > 0.5))
        recall, precision = precision_recall(chances, labels)
        places = np.linspace(0, len(labels) - 1, 60).round().astype(int)
        if labels.any():  # as many points as there are, where recall still rises
            places = np.unique(np.searchsorted(recall, np.linspace(1 / labels.sum(), 1, 60)))
        return Outcome(
            scores(chances, labels, 0.5), scores(chances, labels, threshold), scores(chances, labels, tau),
            scores(np.zeros(len(labels)), labels, 0.5), tau,
            cross_entropy(chances, labels), self.blind,
            average_precision(chances, labels), ranking(chances, labels),
            [(k / 40, scores(chances, labels, k / 40)) for k in range(41)],
            [(float(recall[at]), float(precision[at])) for at in places],
        )  # fmt: skip

    def _logits(self, output: Tensor) -> Tensor:
        logits: Tensor = self.head(output.mean(1)).squeeze(-1)
        return logits

    def _chances(self, x: Tensor) -> Array:
        with torch.no_grad():
            return np.asarray(self._logits(self.layer.lstm(x)[0]).double().sigmoid())

    def window(self) -> tuple[Tensor, list[str]]:
        """The sequence looked at, (1, T, 1), and its values as tokens."""
        x = self._test.x[self._place : self._place + 1]
        return x, [f"{value:.1f}" for value in x.flatten().tolist()]

    def frame(self) -> tuple[Any, Any]:
        """Trace and memory ruler of that sequence."""
        x, _ = self.window()
        with torch.no_grad():
            return self.layer(x)[2], memory_ruler(self.layer, x)

    def subject(self) -> Subject:
        """The network with that sequence, to be operated on."""
        x, tokens = self.window()
        y = self._test.y[self._place : self._place + 1]

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            logit = self._logits(output)
            loss = nn.functional.binary_cross_entropy_with_logits(logit, y)
            return Answer(float(loss), [("P(+)", float(logit.sigmoid())), ("y", float(y))])

        return Subject(self.layer, x, tokens, answer)


class Misses(NamedTuple):
    """Of one forecast of the test days. `mape` is None where an actual value is 0; `mape_rest` skips those."""

    mae: float
    rmse: float
    mape: float | None
    mape_rest: float
    mase: float


class Demand(NamedTuple):
    """Daily sales with zeros: actual values and forecasts of the test days, and how they miss."""

    actual: Array
    said: dict[str, Array]
    misses: dict[str, Misses]

    @property
    def zeros(self) -> int:
        return int((self.actual == 0).sum())


def demand(*, hidden: int, lr: float, steps: int, seed: int) -> Iterator[int | Demand]:
    """Train an LSTM to forecast tomorrow's sales: the steps done, and at the end the Demand.

    Sales are Poisson with a rate by weekday; 60 % of the days train, 20 % stop, 20 % test. MASE divides by the mean
    absolute error of 'as yesterday' on the training days (Hyndman & Koehler 2006).
    """
    rates = torch.tensor(RATES, dtype=torch.float64)[torch.arange(DAYS) % WEEK]
    y = np.asarray(torch.poisson(rates, generator=generator(seed, 44)))
    first, second = DAYS * 6 // 10, DAYS * 8 // 10
    scale, places = Scale.of(y[:first]), np.arange(WIDTH, DAYS)
    train, held, test = (
        places[places < first],
        places[(places >= first) & (places < second)],
        places[places >= second],
    )
    forecaster = Forecaster(hidden=hidden, lr=lr, seed=seed, lane=3)
    samples, checked = windows(y, WIDTH, scale, train), windows(y, WIDTH, scale, held)
    for moment in forecaster.train(samples, checked, steps):
        yield moment.step
    said = {
        "lstm": Transform("level", 1).back(
            forecaster.forecast(windows(y, WIDTH, scale, test).x, scale), y[test]
        ),
        "week": y[test - WEEK],
        "last": y[test - 1],
        "zero": np.zeros(len(test)),
    }
    in_sample = float(np.abs(np.diff(y[:first])).mean())
    yield Demand(y[test], said, {name: misses(each, y[test], in_sample) for name, each in said.items()})


def misses(forecast: Array, actual: Array, in_sample: float) -> Misses:
    """The usual errors; MAPE in per cent."""
    miss = np.abs(forecast - actual)
    there = actual != 0
    rest = float((miss[there] / np.abs(actual[there])).mean() * 100) if there.any() else math.nan
    mae = float(miss.mean())
    return Misses(mae, rms(forecast - actual), rest if bool(there.all()) else None, rest, mae / in_sample)
