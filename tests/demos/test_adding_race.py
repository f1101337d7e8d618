"""The adding race: its bar, its verdict rules, its bounds, and the script that is taken away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.demos.adding_race import LANES, AddingRaceParams, all_some_none, demo, sooner
from app.network.studies.adding import SOLVED, AddingRace
from app.network.studies.cells import size, width
from app.protocol import Finished, Gates, Metric, Scalar, Seed, Started

pytestmark = [pytest.mark.torch]
SCRIPT = Path(__file__).parents[2] / "app" / "network" / "scripts" / "adding_race.py"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_chrono_lstm_solves_t_200_on_every_shipped_seed(seed: int) -> None:
    """The bar at its full length: the settings of the preset 'two-hundred', the chrono lane alone."""
    preset = next(each for each in demo.presets if each.id == "two-hundred").params
    race = AddingRace(steps=200, hidden=preset["hidden"], lr=preset["lr"], seed=seed, lanes=["lstm_chrono"])
    for _ in race.run(preset["steps"], frozenset()):
        pass
    assert race.runners[0].error < SOLVED
    assert race.runners[0].solved_at is not None


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rnn_stays_at_its_baseline(seed: int) -> None:
    """At T = 50 and the default budget: no better than always answering 1."""
    defaults = AddingRaceParams()
    race = AddingRace(steps=defaults.T, hidden=defaults.hidden, lr=defaults.lr, seed=seed, lanes=["rnn"])
    for _ in race.run(defaults.steps, frozenset()):
        pass
    assert race.runners[0].error > 0.8 * race.baseline
    assert race.baseline == pytest.approx(1 / 6, rel=0.25)  # 256 sequences


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


@pytest.mark.parametrize("given", [{"T": 200, "steps": 1000}, {"T": 200, "seeds": 5}])
def test_too_much_work_is_refused_in_both_languages(given: dict[str, int]) -> None:
    """Also where the steps are the default's."""
    with pytest.raises(ValidationError, match=r"steps 最多 \d+ \| .*steps must be at most \d+") as error:
        AddingRaceParams.model_validate(given)
    assert error.value.errors()[0]["loc"] == ("steps",)


def test_quick_run_and_script_agree() -> None:
    """Every metric that the script prints is the demo's, from the same params."""
    events = list(demo.run(AddingRaceParams(**demo.quick)))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert any(isinstance(event, Gates) and event.ruler is not None for event in events)
    assert {event.lane for event in events if isinstance(event, Seed)} == set(LANES)
    assert any(isinstance(event, Scalar) and event.series == "one" for event in events)
    metrics = {event.name: event.value for event in events if isinstance(event, Metric)}
    claimed = {event.claim for event in events if isinstance(event, Metric) and event.claim and event.verdict}
    assert claimed == {claim.id for claim in demo.claims}
    printed = script(demo.quick)
    assert len(printed) == 3 * len(LANES)
    for name, value in printed.items():
        assert metrics[name] == pytest.approx(value, rel=1e-3), name


def script(params: object) -> dict[str, float]:
    """The script's metrics, run as a learner would run it."""
    assert isinstance(params, dict)
    given = [f"{name}={value}" for name, value in params.items()]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *given], check=True, capture_output=True, text=True, timeout=240
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["metric"]: line["value"] for line in lines}
