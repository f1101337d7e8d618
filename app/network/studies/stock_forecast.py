"""Monthly share prices: an LSTM on levels and one on returns, against 'as last month'.

For a random walk the last value is the best forecast there is (Hyndman & Athanasopoulos), so a level that is forecast
with a high R² says little; what a rule that trades on the forecast earns is counted before and after costs, as
Fischer & Krauss (2018) do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
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
    errors,
    windows,
)
from app.network.surgery import Answer, Subject

DATA = Path(__file__).parent.parent / "datasets" / "stocks.json"
FIRMS = ("AAPL", "AMZN", "GOOG", "IBM", "MSFT")
LANES = ("level", "return")
LAGS = tuple(range(-3, 7))


class Prices(NamedTuple):
    """Monthly prices (n,) of a firm in US dollars; `start` is the first month as a year with a fraction."""

    values: Array
    start: float


class Trade(NamedTuple):
    """What became of 1 dollar over the test months, each (N,): before costs, after them, and held throughout."""

    gross: Array
    net: Array
    held: Array


class Judged(NamedTuple):
    """One lane on the test part. `correlations` are corr(ŷ_t, y_{t−k}) for k in LAGS; `hits` is a share."""

    errors: Errors
    r2: float
    correlations: list[float]
    hits: float
    trade: Trade


def prices(firm: str) -> Prices:
    """A firm's prices, January 2000 (GOOG: August 2004) to March 2010."""
    found = json.loads(DATA.read_text(encoding="utf-8"))[firm]
    year, month = (int(part) for part in found["first"].split("-"))
    return Prices(np.asarray(found["values"], dtype=np.float64), year + (month - 1) / 12)


class Lane:
    """One LSTM on one firm: 60 % of the months to train, 20 % to stop on, the last 20 % judged once."""

    def __init__(
        self, y: Array, lane: str, *, width: int, hidden: int, lr: float, steps: int, seed: int
    ) -> None:
        self.y, self.lane, self._width, self._steps = y, lane, width, steps
        first, second = parts(len(y))
        # a return is the difference of logarithms to one month before
        self._transform = (
            Transform("seasonal", 1, logarithm=True) if lane == "return" else Transform("level", 1)
        )
        self._z = self._transform.of(y)
        reach = self._transform.reach
        self._scale = Scale.of(self._z[reach:first])
        past = np.arange(width + reach, second)
        self.future: Places = np.arange(second, len(y))
        self._training = windows(self._z, width, self._scale, past[past < first])
        self._held = windows(self._z, width, self._scale, past[past >= first])
        self.forecaster = Forecaster(hidden=hidden, lr=lr, seed=seed, lane=1 + LANES.index(lane))

    def train(self) -> Iterator[Moment]:
        """Train; `forecast` (N,) are then the prices said for the test months."""
        yield from self.forecaster.train(self._training, self._held, self._steps)
        x = windows(self._z, self._width, self._scale, self.future).x
        said = self.forecaster.forecast(x, self._scale)
        self.forecast = self._transform.back(said, self.y[self.future - self._transform.reach])

    def judged(self, cost: float) -> Judged:
        """`cost` is what each half-turn takes, as a share."""
        return judge(self.y, self.future, self.forecast, cost)

    def frame(self) -> tuple[Any, Any]:
        """Trace and memory ruler of the last window."""
        x = self.window()[0]
        return self.forecaster.look(x), memory_ruler(self.forecaster.layer, x)

    def window(self) -> tuple[torch.Tensor, list[str]]:
        """The last window (1, W, 1) and its prices as tokens."""
        at = self.future[-1:]
        x = windows(self._z, self._width, self._scale, at).x
        return x, [f"{value:.4g}" for value in self.y[at[0] - self._width : at[0]]]

    def subject(self) -> Subject:
        """The network with the last window; the loss is the squared error of the price."""
        x, tokens = self.window()
        at = self.future[-1:]
        truth, last = float(self.y[at][0]), float(self.y[at - 1][0])

        def answer(output: torch.Tensor, _state: tuple[torch.Tensor, torch.Tensor]) -> Answer:
            z = np.asarray([float(self.forecaster.head(output[:, -1]))])
            z = z * self._scale.deviation + self._scale.mean
            said = float(self._transform.back(z, self.y[at - self._transform.reach])[0])
            return Answer((said - truth) ** 2, [("ŷ", said), ("y", truth), ("y_{t−1}", last)])

        return Subject(self.forecaster.layer, x, tokens, answer)


def parts(n: int) -> tuple[int, int]:
    """Where the validation months and the test months of n begin."""
    return n * 6 // 10, n * 8 // 10


def simple(y: Array) -> dict[str, Array]:
    """Forecasts without a network for the test months: "last", and "drift", last times the training part's mean growth.

    For a random walk with drift the second is the best there is (Hyndman & Athanasopoulos).
    """
    first, second = parts(len(y))
    last = y[second - 1 : -1]
    return {"last": last, "drift": last * np.exp(np.diff(np.log(y[:first])).mean())}


def judge(y: Array, places: Places, forecast: Array, cost: float) -> Judged:
    """Forecasts (N,) of the prices at `places`. A simple forecast may be judged too; "last" never trades."""
    actual, last = y[places], y[places - 1]
    spread = float(((actual - actual.mean()) ** 2).sum())
    r2 = 1 - float(((forecast - actual) ** 2).sum()) / spread
    lagged = [_correlation(forecast, y, places - k) for k in LAGS]
    hits = float((np.sign(forecast - last) == np.sign(actual - last)).mean())
    return Judged(errors(forecast, actual, last), r2, lagged, hits, trade(actual, last, forecast, cost))


def trade(actual: Array, last: Array, forecast: Array, cost: float) -> Trade:
    """Long where a rise is forecast, short where a fall is; a change of side is two half-turns, the entry one."""
    side = np.sign(forecast - last)
    earned = side * (actual / last - 1)
    turns = np.abs(np.diff(side, prepend=0.0))
    return Trade((1 + earned).cumprod(), (1 + earned - turns * cost).cumprod(), (actual / last).cumprod())


def _correlation(forecast: Array, y: Array, places: Places) -> float:
    """Over the places that lie within the series; 0 where one of the two is constant."""
    inside = (places >= 0) & (places < len(y))
    a, b = forecast[inside], y[places[inside]]
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
