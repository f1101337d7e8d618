"""Three cells on three tasks: the bar over the shipped seeds and the verdict rules."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.demos.cell_comparison import TASKS, CellComparisonParams, changes, of_all
from app.network.studies.comparison import UPDATES, Trial, winners
from app.protocol import AnyEvent, Bilingual, Metric, Scalar, Seed, Table
from tests.demos.playing import shipped

pytestmark = [pytest.mark.torch]
CELLS = ("rnn", "gru", "lstm")


@pytest.fixture(scope="module")
def defaults() -> tuple[AnyEvent, ...]:
    """The run that ships, three seeds."""
    return shipped("cell-comparison")


def values(events: tuple[AnyEvent, ...], lane: str) -> list[float]:
    return [event.value for event in events if isinstance(event, Seed) and event.lane == lane]


def test_three_tasks_three_seeds_each(defaults: tuple[AnyEvent, ...]) -> None:
    for task in TASKS:
        for cell in CELLS:
            assert len(values(defaults, f"{task}-{cell}")) == 3
        drawn = {e.series for e in defaults if isinstance(e, Scalar) and e.panel == task}
        assert drawn == {*CELLS, "baseline"}


def test_the_winner_changes_with_the_task(defaults: tuple[AnyEvent, ...]) -> None:
    """Seed by seed: the LSTM last on recall, the GRU alone on adding, the LSTM ahead on counting."""
    assert max(values(defaults, "recall-lstm")) < 0.6
    assert min(values(defaults, "recall-rnn") + values(defaults, "recall-gru")) >= 0.99
    assert min(values(defaults, "adding-gru")) > 0.9
    assert max(values(defaults, "adding-rnn") + values(defaults, "adding-lstm")) < 0.1
    for mine, theirs in zip(values(defaults, "counting-lstm"), values(defaults, "counting-gru"), strict=True):
        assert mine > theirs
    verdicts = {e.claim: e.verdict for e in defaults if isinstance(e, Metric) and e.claim}
    assert verdicts == {"task": "holds", "gru": "holds", "lstm": "depends", "fewer": "holds"}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_from_a_matching_start_the_lstm_draws_level_on_recall(seed: int) -> None:
    trial = Trial("recall", hidden=CellComparisonParams().hidden, matched=True, pace=1.0, seed=seed)
    for _ in trial.run(UPDATES["recall"], frozenset()):
        pass
    assert [each.quality >= 0.99 for each in trial.runners] == [True, True, True]


def test_the_strip_says_how_far_a_cell_counts(defaults: tuple[AnyEvent, ...]) -> None:
    for event in defaults:
        if isinstance(event, Seed):
            n = int(event.value)
            counted = Bilingual(f"数到 {n}", f"counts to {n}")
            assert event.said == (counted if event.lane.startswith("counting") else None)


def test_time_and_parameters_are_in_the_table(defaults: tuple[AnyEvent, ...]) -> None:
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
