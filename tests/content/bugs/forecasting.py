"""Forecasting: questions 8, 15 and 23."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.content.bugs import Run, bug


@bug("08-f", "model.state_dict()", "copy.deepcopy(model.state_dict())")
def keeps_the_last_weights(run: Run) -> bool:
    """The weight counts epochs; the validation loss is lowest after the sixth."""

    def train_epoch(model, _):
        with torch.no_grad():
            model.weight += 1

    def evaluate(model, _):
        return abs(model.weight.item() - 6)

    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    names = {"train_epoch": train_epoch, "evaluate": evaluate, "train_loader": None, "val_loader": None}
    run(model=model, best=math.inf, wait=0, copy=copy, **names)
    assert model.weight.item() in (6, 16), "ten epochs too many, or none"
    return model.weight.item() == 16


class Series(np.ndarray):
    """As much of a pandas Series as the backtest asks of it."""

    def shift(self, days: int) -> Series:
        return np.concatenate([np.full(days, np.nan), self[:-days]]).view(Series)

    def pct_change(self) -> Series:
        return self / self.shift(1) - 1

    def rolling(self, days: int) -> Rolling:
        return Rolling(self, days)


class Rolling:
    def __init__(self, series: Series, days: int) -> None:
        self.series, self.days = series, days

    def mean(self) -> Series:
        means = np.lib.stride_tricks.sliding_window_view(self.series, self.days).mean(-1)
        return np.concatenate([np.full(self.days - 1, np.nan), means]).view(Series)


@bug("15-f", "signal * ret", "signal.shift(1) * ret")
def earns_on_random_walks(run: Run) -> bool:
    """As stated: 200 walks, 0.31% a day and positive on every one, or 0.00% on average."""
    rng = np.random.default_rng(0)
    daily = []
    for _ in range(200):
        close = 100 * np.exp(np.cumsum(rng.normal(scale=0.01, size=1000)))
        daily.append(np.nanmean(run(np=np, close=close.view(Series)).pnl))
    mean = float(np.mean(daily))
    if min(daily) > 0:
        assert mean == pytest.approx(0.0031, abs=1e-4)
        return True
    assert mean == pytest.approx(0, abs=1e-4)
    return False


@bug("23-d", "y[i + width - 1]", "y[i + width]")
def the_target_stands_in_the_input(run: Run) -> bool:
    windows = run(np=np).windows
    X, Y = windows(np.arange(10), 3)
    assert X[0].tolist() == [0, 1, 2]
    assert Y[0] in (2, 3)
    series = np.random.default_rng(0).normal(size=500)
    X, Y = windows(series, 3)
    copied = float(np.mean((X[:, -1] - Y) ** 2))
    assert copied == 0 or copied > 1, "copying the last point of white noise"
    return copied == 0
