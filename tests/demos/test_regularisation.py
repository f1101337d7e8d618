"""Regularisation: a method closes the gap, L1's zeros, dropping c per step falls to chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from app.demos.regularisation import all_some_none, closed, demo, where
from app.network.data import recall
from app.network.studies import dropping, regularising
from app.network.train import generator
from app.protocol import Metric, Seed
from tests.demos.playing import shipped

pytestmark = [pytest.mark.torch]
ROOT = Path(__file__).resolve().parents[2] / "app/network"


def metrics() -> dict[str, Metric]:
    """Of the defaults."""
    return {event.name: event for event in shipped(demo.slug) if isinstance(event, Metric)}


def value(found: dict[str, Metric], name: str) -> float:
    number = found[name].value
    assert number is not None
    return number


def test_the_bar_at_the_defaults() -> None:
    """On all three seeds one method closes half of the gap; with c dropped per step recall stays near chance."""
    found = metrics()
    assert value(found, "gap_none") > 1.0
    assert (found["gap_closed_best"].solved, found["gap_closed_best"].seeds) == (3, 3)
    assert value(found, "gap_inout") < 0.5 * value(found, "gap_none")
    assert value(found, "gap_stopped") < value(found, "gap_none")
    assert value(found, "zero_weights_l1") > 0.1
    assert value(found, "recall_nowhere") > 0.95
    assert value(found, "recall_g_step") > 0.8
    assert value(found, "recall_c_step") < 0.4
    assert found["recall when c is dropped"].verdict == "depends"
    assert found["features_at_zero_l1"].verdict == "fails"


def test_only_l1_makes_exact_zeros() -> None:
    data = regularising.digits(60, 0.1, 0)
    for lane in regularising.LANES:
        learner = regularising.Learner(lane, data, hidden=8, decay=1.0, l1=1.0, rate=0.4, seed=0)
        list(learner.train(20))
        shares = learner.histogram()
        assert shares.sum() == pytest.approx(1.0)
        assert len(shares) == len(regularising.BINS) + 1
        assert (shares[0] > 0.05) == (lane == "l1")


def test_digits_are_apart_and_noise_is_the_share_asked_for() -> None:
    clean, noisy = regularising.digits(300, 0.0, 3), regularising.digits(300, 0.5, 3)
    assert torch.equal(clean.x, noisy.x)
    assert 0.3 < float((clean.y != noisy.y).float().mean()) < 0.6  # a random label may be the right one
    assert torch.equal(clean.test[1], noisy.test[1])
    assert (len(clean.validation[0]), len(clean.test[0])) == (regularising.VALIDATION, regularising.TEST)


def test_without_dropout_the_batch_of_models_is_an_lstm() -> None:
    """The model that drops nowhere against nn.LSTM with the same weights."""
    race = dropping.Dropping(steps=6, hidden=5, rate=0.3, seed=4, seeds=2)
    x = recall(7, 6, generator(0)).x
    logits = race._logits(x.expand(10, -1, -1, -1), training=False)[0]
    w_ih, w_hh, bias, head, head_bias = (p[0].detach() for p in race._parameters)
    lstm = nn.LSTM(5, 5, batch_first=True)
    order = torch.arange(20).view(4, 5)[[0, 1, 3, 2]].flatten()
    with torch.no_grad():
        lstm.weight_ih_l0[order], lstm.weight_hh_l0[order] = w_ih.T, w_hh.T
        lstm.bias_ih_l0[order], lstm.bias_hh_l0[:] = bias[0], 0.0
        assert torch.allclose(logits, lstm(x)[0][:, -1] @ head + head_bias, atol=1e-6)


def test_masks_fall_where_they_are_meant_to() -> None:
    race = dropping.Dropping(steps=4, hidden=8, rate=0.5, seed=0, seeds=1)
    masks = {name: mask.numpy() for name, mask in race._drawn(16, 4).items()}
    touched = {name: [bool((mask[:, m] != 1).any()) for m in range(5)] for name, mask in masks.items()}
    assert touched == {
        "h": [False, True, True, False, False],
        "g": [False, False, False, True, False],
        "c": [False, False, False, False, True],
    }
    assert np.array_equal(masks["h"][0, 1], masks["h"][3, 1])  # one mask for the sequence
    assert not np.array_equal(masks["c"][0, 4], masks["c"][3, 4])


def test_strips_say_how_much_was_closed_and_remembered() -> None:
    for cell in (event for event in shipped(demo.slug) if isinstance(event, Seed)):
        assert cell.said is not None
        share = f"{abs(cell.value):.0%}"
        if cell.panel == "places":
            assert cell.said == (f"答对 {share}", f"{share} right")
        elif cell.value < 0:
            assert cell.said == (f"拉大 {share}", f"wider by {share}")
        else:
            assert cell.said == (f"补上 {share}", f"{share} closed")


def test_verdicts() -> None:
    assert [all_some_none(k, 3) for k in (3, 2, 0)] == ["holds", "depends", "fails"]
    means = {"nowhere": 1.0, "h_step": 0.95, "c_step": 0.25}
    assert where(means) == "depends"
    assert where({**means, "c_step": 0.99}) == "holds"
    assert where({**means, "h_step": 0.5}) == "fails"
    plain, other = (regularising.Losses(1, 0.0, 0.0, test, 0.5) for test in (2.0, 0.5))
    assert closed(plain, other) == pytest.approx(0.75)
    assert closed(other._replace(test=0.05), plain) == 0.0
