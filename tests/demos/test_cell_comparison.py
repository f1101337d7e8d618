"""Three cells on three tasks: the bar over the shipped seeds, the verdict rules, and the script that is taken away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.demos.cell_comparison import TASKS, CellComparisonParams, changes, demo, of_all
from app.network.studies.comparison import winners
from app.protocol import AnyEvent, Metric, Scalar, Seed, Table

pytestmark = [pytest.mark.torch]
SCRIPT = Path(__file__).parents[2] / "app" / "network" / "scripts" / "cell_comparison.py"
CELLS = ("rnn", "gru", "lstm")


@pytest.fixture(scope="module")
def defaults() -> list[AnyEvent]:
    """The run that ships, three seeds."""
    return list(demo.run(CellComparisonParams()))


def values(events: list[AnyEvent], lane: str) -> list[float]:
    return [event.value for event in events if isinstance(event, Seed) and event.lane == lane]


def test_three_tasks_three_seeds_each(defaults: list[AnyEvent]) -> None:
    for task in TASKS:
        for cell in CELLS:
            assert len(values(defaults, f"{task}-{cell}")) == 3
        drawn = {e.series for e in defaults if isinstance(e, Scalar) and e.panel == task}
        assert drawn == {*CELLS, "baseline"}


def test_the_winner_changes_with_the_task(defaults: list[AnyEvent]) -> None:
    """Seed by seed: the LSTM last on recall, the GRU alone on adding, the LSTM ahead on counting."""
    assert max(values(defaults, "recall-lstm")) < 0.5
    assert min(values(defaults, "recall-rnn") + values(defaults, "recall-gru")) >= 0.99
    assert min(values(defaults, "adding-gru")) > 0.9
    assert max(values(defaults, "adding-rnn") + values(defaults, "adding-lstm")) < 0.1
    for mine, theirs in zip(values(defaults, "counting-lstm"), values(defaults, "counting-gru"), strict=True):
        assert mine > theirs
    verdicts = {e.claim: e.verdict for e in defaults if isinstance(e, Metric) and e.claim}
    assert verdicts == {"task": "holds", "gru": "holds", "lstm": "depends", "fewer": "holds"}


def test_time_and_parameters_are_in_the_table(defaults: list[AnyEvent]) -> None:
    table = [event for event in defaults if isinstance(event, Table)][-1]
    assert len(table.rows) == 9
    for row in table.rows:
        parameters, milliseconds = row[3], row[4]
        assert isinstance(parameters, float)
        assert 700 < parameters < 1000
        assert isinstance(milliseconds, float)
        assert milliseconds > 0


def test_verdict_rules() -> None:
    assert winners({"a": [1.0, 1.0], "b": [0.99, 1.0], "c": [0.2, 0.3]}, 0.02, 0.25) == {"a", "b"}
    assert winners({"a": [0.25], "b": [0.26]}, 0.02, 0.25) == set()  # nobody beats the baseline
    assert changes({"x": {"rnn", "gru"}, "y": {"gru"}, "z": {"lstm"}}) == "holds"
    assert changes({"x": {"gru"}, "y": {"gru"}, "z": {"gru", "lstm"}}) == "fails"
    assert changes({"x": set(), "y": {"gru"}, "z": {"lstm"}}) == "depends"
    assert (of_all(2, 2), of_all(1, 2), of_all(0, 2)) == ("holds", "depends", "fails")


def test_bounds_name_the_field() -> None:
    with pytest.raises(ValidationError) as error:
        CellComparisonParams.model_validate({"effort": 4})
    assert error.value.errors()[0]["loc"] == ("effort",)


def test_quick_run_and_script_agree() -> None:
    """Every metric that the script prints is the demo's; without the clock two runs are the same."""
    params = CellComparisonParams(**demo.quick)
    events = list(demo.run(params))
    assert events == list(demo.run(params))
    metrics = {event.name: event.value for event in events if isinstance(event, Metric)}
    given = [f"{name}={value}" for name, value in demo.quick.items() if name != "timing"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *given], check=True, capture_output=True, text=True, timeout=240
    )
    printed = {line["metric"]: line["value"] for line in map(json.loads, done.stdout.splitlines())}
    assert len(printed) == 9
    for name, value in printed.items():
        assert metrics[name] == pytest.approx(value, rel=1e-3, abs=1e-6), name
