"""Forecasting a series honestly, and with three leaks: what a protocol promises and what it then delivers.

The honest way: targets in time order, 60 % to train, 20 % to stop on, the last 20 % scored once; the scale is that of
the training part. Leaks (Kapoor & Narayanan 2023): windows shuffled before the split, a scale from the whole series,
a centred smoother. The naive forecasts are those of Hyndman & Athanasopoulos, MASE that of Hyndman & Koehler (2006).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from app.network.ruler import memory_ruler
from app.network.studies.windows import (
    Array,
    Errors,
    Forecaster,
    Moment,
    Places,
    Scale,
    Transform,
    Windows,
    errors,
    rms,
    windows,
)
from app.network.surgery import Answer, Subject
from app.network.train import generator

DATA = Path(__file__).parent.parent / "datasets" / "series.json"
PROTOCOLS = ("honest", "shuffle", "scaler", "denoise")
WALK, SIDE = (
    600,
    2,
)  # steps of the random walk; a smoothed value is the mean of itself and SIDE on either side


class Setting(NamedTuple):
    """What all networks of a run share."""

    transform: Transform
    width: int
    hidden: int
    lr: float
    steps: int


class Naive(NamedTuple):
    """Over one stretch of targets: RMSE and MAE of 'as the last value' and of 'as a season ago'."""

    last: tuple[float, float]
    seasonal: tuple[float, float]


def series(name: str, seed: int, own: Sequence[float] = ()) -> Array:
    """The values (n,): a series that ships, `own`, or "walk", a Gaussian random walk of this seed."""
    if name == "own":
        return np.asarray(own, dtype=np.float64)
    if name == "walk":
        draws = torch.randn(WALK, generator=generator(seed, 32), dtype=torch.float64)
        return np.asarray(100 + draws.cumsum(0))
    found = json.loads(DATA.read_text(encoding="utf-8"))[name]
    return np.asarray(found["values"], dtype=np.float64)


def cuts(n: int) -> tuple[int, int]:
    """Where the validation part and the test part of n values begin."""
    return n * 6 // 10, n * 8 // 10


def smooth(y: Array) -> Array:
    """A centred moving average over 2 · SIDE + 1 values, fewer at the ends: it looks into the future."""
    total = np.concatenate([[0.0], y.cumsum()])
    at = np.arange(len(y))
    low, high = np.maximum(at - SIDE, 0), np.minimum(at + SIDE + 1, len(y))
    return np.asarray((total[high] - total[low]) / (high - low))


def naive(y: Array, season: int, places: Places) -> Naive:
    """Both naive forecasts of the targets at `places`."""
    pairs = []
    for lag in (1, season):
        miss = y[places] - y[places - lag]
        pairs.append((rms(miss), float(np.abs(miss).mean())))
    return Naive(pairs[0], pairs[1])


class Trial:
    """One network under one protocol; after `train` what it promised and delivered, both as Errors.

    Honest: promised is the validation error that chose the weights, delivered the test error. With a leak: promised
    is what that protocol takes for its test error, delivered the error on the last part when the future is not known.
    A scale from the whole series cannot be had then: that trial delivers what the honest one of its seed does.
    """

    promised: Errors
    delivered: Errors

    def __init__(self, y: Array, setting: Setting, *, seed: int, protocol: str = "honest",
                 parts: tuple[int, int] | None = None) -> None:  # fmt: skip
        self.y, self.setting, self.protocol = y, setting, protocol
        first, second = parts or cuts(len(y))
        start = setting.width + setting.transform.reach
        self.future: Places = np.arange(second, len(y))
        past = np.arange(start, second)
        self._base = smooth(y) if protocol == "denoise" else y
        z = setting.transform.of(self._base)
        reach = setting.transform.reach
        if protocol == "shuffle":
            order = torch.randperm(len(past), generator=generator(seed, 33)).numpy()
            low, high = cuts(len(past))
            train, held, own = past[order[:low]], past[order[low:high]], past[order[high:]]
            self.scale = Scale.of(z[reach:second])
        else:
            train, held, own = past[past < first], past[past >= first], self.future
            self.scale = Scale.of(z[reach:] if protocol == "scaler" else z[reach:first])
        if protocol == "honest":
            own = held
        self._z = z
        self.training, self.held, self._own = self._cut(train), self._cut(held), own
        self.forecaster = Forecaster(hidden=setting.hidden, lr=setting.lr, seed=seed, lane=0)
        self.in_sample = float(np.abs(np.diff(y[:first])).mean())  # MASE divides by this
        last = z[held - 1] if reach == 0 else np.zeros(len(held))  # of a difference, 'as before' is 0
        self.validation_naive = rms(np.nan_to_num((z[held] - last) / self.scale.deviation))

    def _cut(self, places: Places) -> Windows:
        return windows(self._z, self.setting.width, self.scale, places)

    def train(self) -> Iterator[Moment]:
        """Train, then judge."""
        yield from self.forecaster.train(self.training, self.held, self.setting.steps)
        base, own = self._base, self._own
        self.promised = errors(self.said(own), base[own], base[own - 1])
        self.forecast = self._in_time() if self.protocol == "denoise" else self.said(self.future)
        self.delivered = errors(self.forecast, self.y[self.future], self.y[self.future - 1])

    def said(self, places: Places) -> Array:
        """Forecasts (N,) of the targets at `places`, in the series' unit."""
        z = self.forecaster.forecast(self._cut(places).x, self.scale)
        transform = self.setting.transform
        return transform.back(z, self._base[places - transform.reach])

    def _in_time(self) -> Array:
        """Forecasts of the future where each is smoothed with what was known at its time, and no more."""
        transform, width = self.setting.transform, self.setting.width
        said = []
        for at in self.future:
            known = smooth(self.y[:at])
            z = transform.of(known)[-width:]
            x = torch.tensor((z - self.scale.mean) / self.scale.deviation, dtype=torch.float32).view(1, -1, 1)
            before = known[at - max(1, transform.reach)]
            said.append(transform.back(self.forecaster.forecast(x, self.scale), np.asarray([before]))[0])
        return np.asarray(said)

    def window(self) -> tuple[torch.Tensor, list[str]]:
        """The last window of the series, (1, W, 1), and its values as tokens."""
        at = self.future[-1:]
        return self._cut(at).x, [f"{value:.4g}" for value in self.y[at[0] - self.setting.width : at[0]]]

    def frame(self) -> tuple[Any, Any]:
        """Trace and memory ruler of the last window."""
        x, _ = self.window()
        return self.forecaster.look(x), memory_ruler(self.forecaster.layer, x)

    def subject(self) -> Subject:
        """The network with the last window, to be operated on; the loss is the squared error in the series' unit."""
        x, tokens = self.window()
        at = self.future[-1:]
        truth, last = float(self.y[at][0]), float(self.y[at - 1][0])
        transform = self.setting.transform

        def answer(output: torch.Tensor, _state: tuple[torch.Tensor, torch.Tensor]) -> Answer:
            z = np.asarray([float(self.forecaster.head(output[:, -1]))])
            z = z * self.scale.deviation + self.scale.mean
            said = float(transform.back(z, self._base[at - transform.reach])[0])
            return Answer((said - truth) ** 2, [("ŷ", said), ("y", truth), ("y_{t−1}", last)])

        return Subject(self.forecaster.layer, x, tokens, answer)


def optimism(trial: Trial, honest: Trial) -> float | None:
    """How many times larger the delivered error is than the promised one, each over persistence on its targets."""
    delivered = (honest if trial.protocol == "scaler" else trial).delivered.ratio
    return None if delivered is None or not trial.promised.ratio else delivered / trial.promised.ratio


def folds(n: int, count: int) -> list[tuple[int, int, int]]:
    """Rolling origins: (validation begins, test begins, test ends) of `count` folds over the last 40 % of n values.

    Each fold trains on the first 80 % of what lies before its origin, stops on the rest and scores what follows.
    """
    origins = [n * 6 // 10 + n * 4 * k // (10 * count) for k in range(count)] + [n]
    return [(at * 8 // 10, at, until) for at, until in itertools.pairwise(origins)]


class Score(NamedTuple):
    """Of one forecast over one stretch; `mase` and `ratio` (to persistence's RMSE) are None where the divisor is 0."""

    rmse: float
    mae: float
    mase: float | None
    ratio: float | None


class Leak(NamedTuple):
    """One protocol over the seeds: means of what it promised and delivered, and how many times too good that was."""

    promised: float
    promised_ratio: float | None
    delivered: float
    delivered_ratio: float | None
    factors: list[float | None]  # per seed

    @property
    def factor(self) -> float | None:
        return mean(self.factors)


class Summary(NamedTuple):
    """A run's outcome. `ahead_of_last` and `ahead` count the seeds whose LSTM beats persistence, and both naive."""

    scores: list[Score]  # per seed
    last: Score
    seasonal: Score
    leaks: dict[str, Leak]
    ahead_of_last: int
    ahead: int

    @property
    def skill(self) -> float | None:
        """1 − RMSE over persistence's, the mean over seeds."""
        ratio = mean([score.ratio for score in self.scores])
        return None if ratio is None else 1 - ratio


def summary(trials: dict[str, list[Trial]], season: int) -> Summary:
    """Of trained trials by protocol, one a seed. Naive scores are those of the first seed's series."""
    honest = trials["honest"]
    scores, ahead_of_last, ahead = [], 0, 0
    for each in honest:
        said = each.delivered
        scores.append(Score(said.rmse, said.mae, _over(said.mae, each.in_sample), said.ratio))
        simple = naive(each.y, season, each.future)
        ahead_of_last += said.rmse < simple.last[0]
        ahead += said.rmse < min(simple.last[0], simple.seasonal[0])
    first = honest[0]
    simple = naive(first.y, season, first.future)
    last, seasonal = (
        Score(rmse, mae, _over(mae, first.in_sample), _over(rmse, simple.last[0])) for rmse, mae in simple
    )
    leaks = {}
    for name, lane in trials.items():
        out = honest if name == "scaler" else lane
        leaks[name] = Leak(
            float(np.mean([one.promised.rmse for one in lane])), mean([one.promised.ratio for one in lane]),
            float(np.mean([one.delivered.rmse for one in out])), mean([one.delivered.ratio for one in out]),
            [optimism(one, two) for one, two in zip(lane, honest, strict=True)],
        )  # fmt: skip
    return Summary(scores, last, seasonal, leaks, ahead_of_last, ahead)


def mean(values: Sequence[float | None]) -> float | None:
    """Of those that are there; None where none is."""
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None


def _over(value: float, base: float) -> float | None:
    return value / base if base > 0 else None
