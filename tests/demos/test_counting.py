"""Counting: its bar over the shipped seeds, its verdict rules and its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from app.demos.counting import CountingParams, bounded
from app.network.studies.counting import true_count
from app.protocol import AnyEvent, Bilingual, Gates, Metric, Scalar, Seed
from tests.demos.playing import measured, shipped

pytestmark = [pytest.mark.torch]


@pytest.fixture(scope="module")
def defaults() -> tuple[AnyEvent, ...]:
    """The run that ships: four seeds, trained on n ≤ 8."""
    return shipped("counting")


def test_lstm_extrapolates_and_gru_much_less_on_every_shipped_seed(defaults: tuple[AnyEvent, ...]) -> None:
    seeds = [event for event in defaults if isinstance(event, Seed)]
    reach = {lane: [e.value for e in seeds if e.lane == lane] for lane in ("rnn", "gru", "lstm")}
    largest = CountingParams().largest
    assert len(reach["lstm"]) == len(reach["gru"]) == 4
    assert min(reach["lstm"]) > largest + 2
    assert max(reach["gru"]) <= largest + 2
    assert all(e.said == Bilingual(f"数到 {e.value:.0f}", f"counts to {e.value:.0f}") for e in seeds)
    verdicts = {e.claim: e.verdict for e in defaults if isinstance(e, Metric) and e.claim}
    assert verdicts == {"counts": "holds", "bounded": "holds", "better": "fails"}


def test_the_counter_follows_the_lstm_past_the_training_length(defaults: tuple[AnyEvent, ...]) -> None:
    """On n = 24 the LSTM's unit gets within a quarter of the true count, the GRU's levels off."""
    metrics = measured(defaults)
    assert metrics["count_at_last_a_lstm"] == pytest.approx(24, rel=0.25)
    gru = metrics["count_at_last_a_gru"]
    assert gru is not None
    assert gru < 12
    true = [e.y for e in defaults if isinstance(e, Scalar) and e.panel == "counter" and e.series == "true"]
    assert max(y for y in true if y is not None) == 24
    assert len(true) == 49
    assert any(isinstance(event, Gates) and len(event.tokens) == 49 for event in defaults)


def test_true_count() -> None:
    assert np.array_equal(true_count(2), [0, 1, 2, 1, 0])


def test_verdict_rule() -> None:
    assert bounded(gru=[13, 13], lstm=[20, 22], largest=12) == "holds"
    assert bounded(gru=[17, 18], lstm=[20, 22], largest=12) == "depends"  # more than half the surplus
    assert bounded(gru=[13, 22], lstm=[40, 22], largest=12) == "depends"  # not in every seed
    assert bounded(gru=[25, 25], lstm=[20, 22], largest=12) == "fails"
    assert bounded(gru=[3, 4], lstm=[12, 12], largest=12) == "depends"  # nobody got beyond


@pytest.mark.parametrize(
    ("given", "named"), [({"n": 0}, "n"), ({"n": 101}, "n"), ({"largest": 21}, "largest"), ({"n": "x"}, "n")]
)
def test_bounds_name_the_field(given: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError) as error:
        CountingParams.model_validate(given)
    assert error.value.errors()[0]["loc"] == (named,)
