"""One step ahead over sliding windows: a series to samples and back, an LSTM with early stopping, its errors.

Split first, scale after: whoever calls says which targets a scale may be measured on. Loss is the mean squared
error of the scaled target; the weights of the best validation error are kept (Hewamalage et al. 2021 survey the
practice).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
BATCH, CLIP, LIMIT = 64, 1.0, 1e6


class Scale(NamedTuple):
    """What standardises a transformed series: (z − mean) / deviation."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, z: Array) -> Scale:
        """Measured on z alone; a constant one has deviation 1."""
        return cls(float(z.mean()), float(z.std()) or 1.0)


class Windows(NamedTuple):
    """Samples: x (N, W, 1) and y (N,) in float32, scaled; `places` (N,) are the targets' indexes in the series."""

    x: Tensor
    y: Tensor
    places: Places


class Errors(NamedTuple):
    """Over the same targets, in the series' own unit. `ratio` is RMSE over persistence's, None where that is 0."""

    rmse: float
    mae: float
    persistence: float  # RMSE of 'as the last value'

    @property
    def ratio(self) -> float | None:
        return self.rmse / self.persistence if self.persistence > 0 else None


class Moment(NamedTuple):
    """After `step` updates: the loss of the last batch; `validated` (RMSE of scaled targets) where it is new."""

    step: int
    loss: float
    validated: float | None


class Transform(NamedTuple):
    """How a series is made easier to learn, and back: "level" leaves it alone.

    "sqrt" keeps the sign; "difference" is to the value before, "seasonal" to the one a season before, of
    logarithms where `logarithm` (all values must be positive then).
    """

    kind: str
    season: int
    logarithm: bool = False

    @property
    def reach(self) -> int:
        """How many steps back the oldest value stands that a target needs."""
        return {"difference": 1, "seasonal": self.season}.get(self.kind, 0)

    def of(self, y: Array) -> Array:
        """z (n,) of y (n,), NaN where it would need what lies before the start."""
        if self.kind == "level":
            return y.copy()
        if self.kind == "sqrt":
            return np.asarray(np.sign(y) * np.sqrt(np.abs(y)))
        y = np.log(y) if self.logarithm else y
        z = np.full(len(y), np.nan)
        z[self.reach :] = y[self.reach :] - y[: -self.reach]
        return z

    def back(self, z: Array, before: Array) -> Array:
        """The values that forecasts z (N,) stand for; `before` (N,) are those `reach` steps earlier."""
        if self.kind == "level":
            return z
        if self.kind == "sqrt":
            return np.asarray(np.sign(z) * z**2)
        return np.asarray(before * np.exp(np.clip(z, -50, 50)) if self.logarithm else before + z)


def windows(z: Array, width: int, scale: Scale, places: Places) -> Windows:
    """The samples whose targets are `places`; each needs `width` finite values of z before it."""
    scaled = np.clip((z - scale.mean) / scale.deviation, -LIMIT, LIMIT)  # float32 overflows past 1e38
    rows = np.stack([scaled[at - width : at] for at in places])
    return Windows(torch.tensor(rows, dtype=torch.float32).unsqueeze(-1),
                   torch.tensor(scaled[places], dtype=torch.float32), places)  # fmt: skip


def errors(forecast: Array, actual: Array, last: Array) -> Errors:
    """Of forecasts (N,) of actual values (N,), beside `last` (N,), the values one step before."""
    miss = forecast - actual
    return Errors(rms(miss), float(np.abs(miss).mean()), rms(actual - last))


def rms(values: Array) -> float:
    """√ of the mean square."""
    return math.sqrt(float((values**2).mean()))


def pause(steps: int) -> int:
    """Steps between two validations: 40 of them in a run, fewer in a short one."""
    return max(3, steps // 40)


class Forecaster:
    """An LSTM (forget bias 1) with a linear head on its last hidden state; all draws come from seed and lane."""

    def __init__(self, *, hidden: int, lr: float, seed: int, lane: int) -> None:
        source = generator(seed, 30, lane)
        self.layer = TracedLSTM(1, hidden, init="forget-bias", generator=source)
        self.head: nn.Linear = linear(hidden, 1, source)
        self._parameters: list[Tensor] = [*self.layer.parameters(), *self.head.parameters()]
        self._optimiser = optimiser("adam", self._parameters, lr)
        self._batches = generator(seed, 31, lane)
        self.best_step = 0

    def train(self, samples: Windows, held_out: Windows, steps: int) -> Iterator[Moment]:
        """`steps` updates, validated after each `pause`; at the end the best weights are put back."""
        every = pause(steps)
        best = math.inf
        kept = [p.detach().clone() for p in self._parameters]
        for step in range(1, steps + 1):
            rows = torch.randint(0, len(samples.y), (BATCH,), generator=self._batches)
            output, _, _ = self.layer(samples.x[rows])
            loss = (self.head(output[:, -1]).squeeze(-1) - samples.y[rows]).pow(2).mean()
            update(loss, self._optimiser, self._parameters, clip=CLIP)
            validated = None
            if step % every == 0 or step == steps:
                validated = rms(self._scaled(held_out.x) - held_out.y.double().numpy())
                if validated < best:
                    best, self.best_step = validated, step
                    kept = [p.detach().clone() for p in self._parameters]
            yield Moment(step, float(loss.detach()), validated)
        with torch.no_grad():
            for parameter, value in zip(self._parameters, kept, strict=True):
                parameter.copy_(value)

    def _scaled(self, x: Tensor) -> Array:
        with torch.no_grad():
            output, _ = self.layer.lstm(x)
            return np.asarray(self.head(output[:, -1]).squeeze(-1).double())

    def forecast(self, x: Tensor, scale: Scale) -> Array:
        """(N,) in float64 of scaled windows x (N, W, 1): the transformed series' next values, unscaled."""
        return self._scaled(x) * scale.deviation + scale.mean

    def look(self, x: Tensor) -> Any:
        """The trace of one window (1, W, 1)."""
        with torch.no_grad():
            return self.layer(x)[2]
