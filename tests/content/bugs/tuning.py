"""Regularisation, evaluation, hyperparameters: questions 9, 13 and 14."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from tests.content.bugs import Run, bug


@bug("09-b", "num_layers=1", "num_layers=2")
def dropout_does_nothing(run: Run) -> bool:
    x = torch.randn(6, 4, 64)
    names = {"criterion": nn.CrossEntropyLoss(), "head": nn.Linear(128, 2), "target": torch.zeros(6).long()}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        after = run(nn=nn, x=x, **names)
    assert torch.equal(after.y[:, -1], after._[0][-1]), "what the head reads is the last step"
    idle = torch.equal(after.lstm(x)[0], after.lstm(x)[0])
    assert idle == any("dropout" in str(one.message) for one in said), "PyTorch warns"
    return idle


@bug("13-g", "f1_score(y_test, p_test > t)", "f1_score(y_val, p_val > t)")
def reports_too_good_an_f1(run: Run) -> bool:
    """On average over many draws, against plenty of fresh data at the chosen threshold."""

    def draw(n):
        y = rng.random(n) < 0.3
        return rng.normal(size=n) + y, y

    def f1_score(y, said):
        return 2 * (y & said).sum() / max(1, y.sum() + said.sum())

    rng = np.random.default_rng(0)
    fresh, grid = draw(20_000), np.linspace(-1, 2, 31)
    names = {"grid": grid, "f1_score": f1_score, "fit": lambda *a, **k: None, "predict": lambda _, X: X}
    at = {threshold: f1_score(fresh[1], fresh[0] > threshold) for threshold in grid}
    excess = []
    for _ in range(200):
        (X_val, y_val), (X_test, y_test) = draw(60), draw(60)
        data = {"X_val": X_val, "y_val": y_val, "X_test": X_test, "y_test": y_test}
        said: list[float] = []
        after = run(model=None, X_train=None, y_train=None, print=said.append, **data, **names)
        excess.append(said[0] - at[after.best])
    mean = float(np.mean(excess))
    assert mean > 0.04 or abs(mean) < 0.02
    return mean > 0.04


@bug("14-f", "random.uniform(1e-5, 1e-1)", "10 ** random.uniform(-5, -1)")
def small_rates_are_hardly_tried(run: Run) -> bool:
    """As stated: about five of 50 tries below 0.01, on average over 40 searches."""

    def train(lr, h):
        tried.append((lr, h))
        return lr, h

    tried: list[tuple[float, int]] = []
    losses = random.Random(1)
    draws = random.Random(0)
    for _ in range(40):
        run(random=draws, train=train, validate=lambda *_: losses.random(), val_set=None)
    assert len(tried) == 40 * 50
    assert {h for _, h in tried} == {32, 64, 128, 256, 512}
    small = sum(lr < 0.01 for lr, _ in tried) / 40
    assert small == pytest.approx(5, abs=1) or small == pytest.approx(37.5, abs=1)
    return small < 10
