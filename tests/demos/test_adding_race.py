"""The adding race: its bar, its verdict rules and its bounds."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.demos.adding_race import LANES, AddingRaceParams, all_some_none, demo, sooner
from app.network.studies.adding import SOLVED, AddingRace
from app.network.studies.cells import size, width
from app.protocol import Metric, Scalar, Seed
from tests.demos.playing import shipped

pytestmark = [pytest.mark.torch]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_chrono_lstm_solves_t_200_on_every_shipped_seed(seed: int) -> None:
    """The bar at its full length: the settings of the preset 'two-hundred', the chrono lane alone."""
    preset = next(each for each in demo.presets if each.id == "two-hundred").params
    given = AddingRaceParams.model_validate(dict(preset))
    race = AddingRace(steps=given.T, hidden=given.hidden, lr=given.lr, seed=seed, lanes=["lstm_chrono"])
    for _ in race.run(given.steps, frozenset()):
        pass
    assert given.T == 200
    assert race.runners[0].error < SOLVED
    assert race.runners[0].solved_at is not None


def test_at_the_defaults_the_start_decides_on_every_shipped_seed() -> None:
    """Chrono and GRU solve it, the other LSTMs not within the budget, the RNN stays at its baseline."""
    events = shipped("adding-race")
    strip = [event for event in events if isinstance(event, Seed)]
    solved = {lane: sum(e.solved for e in strip if e.lane == lane) for lane in LANES}
    assert solved == {"rnn": 0, "gru": 3, "lstm": 0, "lstm_fb1": 0, "lstm_chrono": 3}
    (baseline,) = {e.y for e in events if isinstance(e, Scalar) and e.series == "one"}
    assert baseline == pytest.approx(1 / 6, rel=0.25)  # 256 sequences
    found = {event.claim: event for event in events if isinstance(event, Metric) and event.claim}
    assert {claim: event.verdict for claim, event in found.items()} == {
        "longterm": "depends", "rnn": "holds", "chrono": "holds", "gru": "holds",
    }  # fmt: skip
    assert found["rnn"].value is not None
    assert found["rnn"].value > 0.8


@pytest.mark.parametrize("seed", [0, 1])
def test_with_more_steps_the_default_lstm_solves_it_too(seed: int) -> None:
    """Not solved within the budget is not cannot; the same holds for the forget bias."""
    defaults = AddingRaceParams()
    race = AddingRace(
        steps=defaults.T, hidden=defaults.hidden, lr=defaults.lr, seed=seed, lanes=["lstm", "lstm_fb1"]
    )
    for _ in race.run(600, frozenset()):
        pass
    for each in race.runners:
        assert each.solved_at is not None
        assert each.solved_at > defaults.steps


def test_cells_have_equal_parameters() -> None:
    wanted = size("lstm", 2, 16)
    for kind in ("rnn", "gru"):
        assert size(kind, 2, width(kind, 2, 16)) == pytest.approx(wanted, rel=0.05)
    race = AddingRace(steps=10, hidden=16, lr=0.01, seed=0)
    for each in race.runners:
        assert sum(p.numel() for p in each.cell.layer.parameters()) == each.parameters


def test_verdict_rules() -> None:
    assert all_some_none(3, 3) == "holds"
    assert all_some_none(1, 3) == "depends"
    assert all_some_none(0, 3) == "fails"
    assert sooner(300, 3, 400, 0) == "holds"
    assert sooner(200, 3, 180, 3) == "fails"
    assert sooner(350, 1, 400, 2) == "fails"
    assert sooner(400, 0, 400, 0) == "depends"


@pytest.mark.parametrize(
    ("given", "named"),
    [({"T": 9}, "T"), ({"T": 201}, "T"), ({"hidden": 33}, "hidden"), ({"gru": "x"}, "gru")],
)
def test_bounds_name_the_field(given: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError) as error:
        AddingRaceParams.model_validate(given)
    assert error.value.errors()[0]["loc"] == (named,)


@pytest.mark.parametrize("given", [{"T": 200, "steps": 800}, {"T": 200, "seeds": 5}])
def test_too_much_work_is_refused_in_both_languages(given: dict[str, int]) -> None:
    """Also where the steps are the default's."""
    with pytest.raises(ValidationError, match=r"steps 最多 \d+ \| .*steps must be at most \d+") as error:
        AddingRaceParams.model_validate(given)
    assert error.value.errors()[0]["loc"] == ("steps",)
