"""Counting: its bar over the shipped seeds, its verdict rules, its bounds, and the script that is taken away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from app.demos.counting import CountingParams, bounded, demo
from app.network.studies.counting import true_count
from app.protocol import AnyEvent, Finished, Gates, Metric, Scalar, Seed, Started

pytestmark = [pytest.mark.torch]
SCRIPT = Path(__file__).parents[2] / "app" / "network" / "scripts" / "counting.py"


@pytest.fixture(scope="module")
def defaults() -> list[AnyEvent]:
    """The run that ships: four seeds, trained on n ≤ 12."""
    return list(demo.run(CountingParams()))


def test_lstm_extrapolates_and_gru_much_less_on_every_shipped_seed(defaults: list[AnyEvent]) -> None:
    seeds = [event for event in defaults if isinstance(event, Seed)]
    reach = {lane: [e.value for e in seeds if e.lane == lane] for lane in ("rnn", "gru", "lstm")}
    largest = CountingParams().largest
    assert len(reach["lstm"]) == len(reach["gru"]) == 4
    assert min(reach["lstm"]) > largest + 2
    assert max(reach["gru"]) <= largest + 2
    verdicts = {e.claim: e.verdict for e in defaults if isinstance(e, Metric) and e.claim}
    assert verdicts == {"counts": "holds", "bounded": "holds", "better": "fails"}


def test_the_counter_follows_the_lstm_past_the_training_length(defaults: list[AnyEvent]) -> None:
    """On n = 32 the LSTM's unit gets within a quarter of the true count, the GRU's levels off."""
    metrics = {event.name: event.value for event in defaults if isinstance(event, Metric)}
    assert metrics["count_at_last_a_lstm"] == pytest.approx(32, rel=0.25)
    gru = metrics["count_at_last_a_gru"]
    assert gru is not None
    assert gru < 16
    true = [e.y for e in defaults if isinstance(e, Scalar) and e.panel == "counter" and e.series == "true"]
    assert max(y for y in true if y is not None) == 32
    assert len(true) == 65
    assert any(isinstance(event, Gates) and len(event.tokens) == 65 for event in defaults)


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


def test_quick_run_and_script_agree() -> None:
    """Every metric that the script prints is the demo's, from the same params."""
    events = list(demo.run(CountingParams(**demo.quick)))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    metrics = {event.name: event.value for event in events if isinstance(event, Metric)}
    given = [f"{name}={value}" for name, value in demo.quick.items() if name != "n"]  # n is for looking only
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *given], check=True, capture_output=True, text=True, timeout=240
    )
    printed = {line["metric"]: line["value"] for line in map(json.loads, done.stdout.splitlines())}
    assert set(printed) == {"reach_rnn", "reach_gru", "reach_lstm"}
    for name, value in printed.items():
        assert metrics[name] == pytest.approx(value, rel=1e-3), name
    assert metrics["reach_lstm"] > 0  # or the comparison would say little
