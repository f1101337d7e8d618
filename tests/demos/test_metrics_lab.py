"""The metrics lab: the accuracy that deceives, the threshold, MAPE at zero, each number by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from app.demos.metrics_lab import MetricsLabParams, demo, verdict
from app.network.studies.metrics_lab import (
    Demand,
    Detector,
    average_precision,
    best_threshold,
    blips,
    cross_entropy,
    demand,
    misses,
    precision_recall,
    ranking,
    scores,
)
from app.network.train import generator
from app.protocol import AnyEvent, Heatmap, Metric, Scalar
from tests.demos.playing import measured

pytestmark = [pytest.mark.torch]
DEFAULTS = MetricsLabParams()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_accurate_with_f1_of_zero_and_then_not(seed: int) -> None:
    """The bar, at the defaults: 95 % right with F1 = 0 is passed through, and left behind; another τ, another F1."""
    p = DEFAULTS
    made = Detector(
        share=p.share / 100, amplitude=p.amplitude, weight=p.weight, hidden=p.hidden, lr=p.lr, seed=seed
    )
    seen = [moment.scores for moment in made.train(p.steps, 25, p.threshold) if moment.scores]
    assert any(each.f1 == 0 and each.accuracy == pytest.approx(0.95, abs=0.01) for each in seen)
    outcome = made.outcome(p.threshold)
    assert outcome.nothing.f1 == 0
    assert outcome.nothing.accuracy == pytest.approx(0.95, abs=0.01)
    assert outcome.given.f1 > 0.4
    assert outcome.given.accuracy - outcome.nothing.accuracy < 0.04  # accuracy hardly noticed
    assert outcome.span > 0.2
    assert outcome.entropy < outcome.blind


@pytest.fixture(scope="module")
def beginning() -> list[AnyEvent]:
    """One seed's first twenty steps, with all else at the defaults."""
    return list(demo.run(demo.params.model_validate(demo.quick)))


def test_the_case_is_shown_live(beginning: list[AnyEvent]) -> None:
    """In the curves: a point with F1 = 0 and accuracy above 0.9, on the dashed line of all negative."""
    events = beginning
    lines: dict[str, list[float | None]] = {}
    for event in events:
        if isinstance(event, Scalar) and event.panel == "live":
            lines.setdefault(event.series, []).append(event.y)
    assert lines["f1"][-1] == 0
    assert lines["accuracy"][-1] == lines["nothing"][-1]
    assert (lines["accuracy"][-1] or 0) > 0.9
    assert sum(isinstance(event, Heatmap) for event in events) == len(lines["f1"])
    judged = {event.claim: event for event in events if isinstance(event, Metric) and event.claim}
    assert judged["accuracy"].verdict == "fails"
    assert judged["threshold"].verdict == "depends"  # nothing is found yet, so no threshold can matter


def test_scores_by_hand() -> None:
    chances, labels = np.array([0.9, 0.8, 0.4, 0.3, 0.1]), np.array([True, False, True, False, False])
    half = scores(chances, labels, 0.5)
    assert half == (1, 1, 1, 2)
    assert (half.accuracy, half.precision, half.recall, half.f1) == (0.6, 0.5, 0.5, 0.5)
    assert half.shares == pytest.approx(np.array([[0.5, 0.5], [1 / 3, 2 / 3]]))
    assert scores(chances, labels, 0.95).f1 == 0
    assert scores(chances, labels, 0.95).precision == 0
    assert cross_entropy(chances, labels) == pytest.approx(-np.log([0.9, 0.2, 0.4, 0.7, 0.9]).mean())
    recall, precision = precision_recall(chances, labels)
    assert recall == pytest.approx([0.5, 0.5, 1, 1, 1])
    assert precision == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2, 2 / 5])
    assert average_precision(chances, labels) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert ranking(chances, labels) == pytest.approx(5 / 6)
    assert ranking(np.full(5, 0.5), labels) == 0.5
    assert 0.3 < best_threshold(chances, labels) <= 0.4


def test_perplexity_is_e_to_the_cross_entropy(beginning: list[AnyEvent]) -> None:
    metrics = measured(beginning)
    assert metrics["perplexity"] == pytest.approx(math.exp(metrics["cross_entropy"] or 0))


def test_mape_breaks_at_zero_and_mase_does_not() -> None:
    made = misses(np.array([1.0, 2, 3]), np.array([0.0, 4, 2]), in_sample=2.0)
    assert made.mape is None
    assert made.mape_rest == pytest.approx(50)
    assert made.mae == pytest.approx(4 / 3)
    assert made.rmse == pytest.approx(math.sqrt(2))
    assert made.mase == pytest.approx(2 / 3)
    assert misses(np.array([1.0]), np.array([4.0]), 1.0).mape == pytest.approx(75)
    *_, found = demand(hidden=8, lr=0.01, steps=80, seed=0)
    assert isinstance(found, Demand)
    assert found.zeros > 0
    assert all(each.mape is None for each in found.misses.values())
    assert found.misses["zero"].mape_rest == pytest.approx(100)
    assert found.misses["lstm"].mase < found.misses["week"].mase < found.misses["last"].mase


def test_the_share_of_positives_is_as_wanted() -> None:
    batch = blips(20_000, 0.05, 2.0, generator(0, 1))
    assert float(batch.y.mean()) == pytest.approx(0.05, abs=0.01)
    assert float(batch.x[batch.y > 0].var()) > 1.5 > float(batch.x[batch.y == 0].var())


def test_verdict_rule() -> None:
    assert [verdict(k, 3) for k in range(4)] == ["holds", "depends", "depends", "fails"]


@pytest.mark.parametrize("given", [{"share": 0}, {"share": 51}, {"threshold": 1.0}, {"weight": 0.5}])
def test_bounds_name_the_field(given: dict[str, float]) -> None:
    with pytest.raises(ValidationError) as error:
        MetricsLabParams.model_validate(given)
    assert error.value.errors()[0]["loc"] == tuple(given)
