"""The forecast lab: LSTM against persistence, the leaks' optimism, own numbers, verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from app.demos.forecast import (
    LEAST,
    MOST,
    SEASONS,
    SIZES,
    TRANSFORMS,
    ForecastParams,
    demo,
    numbers,
    verdict,
)
from app.network.studies.forecast import (
    Setting,
    Trial,
    folds,
    naive,
    optimism,
    series,
    smooth,
)
from app.network.studies.windows import Scale, Transform
from app.protocol import Metric, Scalar, Seed

pytestmark = [pytest.mark.torch]


def trial(name: str, seed: int, protocol: str = "honest", transform: str = "") -> Trial:
    """Trained at the demo's defaults."""
    y, defaults = series(name, seed), ForecastParams()
    change = Transform(transform or TRANSFORMS[name], SEASONS[name], bool((y > 0).all()))
    made = Trial(
        y, Setting(change, defaults.window, defaults.hidden, defaults.lr, defaults.steps), seed=seed, protocol=protocol
    )  # fmt: skip
    for _ in made.train():
        pass
    return made


@pytest.mark.parametrize("name", ["sunspots", "airline"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_lstm_beats_both_naive_forecasts(name: str, seed: int) -> None:
    """The bar: sunspots and differenced airline, at the defaults, on every shipped seed."""
    made = trial(name, seed)
    simple = naive(made.y, SEASONS[name], made.future)
    assert made.delivered.rmse < 0.85 * min(simple.last[0], simple.seasonal[0])


def test_without_differencing_the_lstm_loses_on_passengers() -> None:
    made = trial("airline", 0, transform="level")
    assert made.delivered.rmse > made.delivered.persistence


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shuffling_hides_the_failure_on_a_random_walk(seed: int) -> None:
    """Shuffled windows promise about persistence's error and deliver far more; no protocol beats persistence."""
    shuffled, honest = trial("walk", seed, "shuffle"), trial("walk", seed)
    factor = optimism(shuffled, honest)
    assert factor is not None
    assert factor > 1.2
    assert shuffled.promised.rmse < honest.delivered.rmse
    assert shuffled.promised.rmse > shuffled.promised.persistence
    assert honest.delivered.rmse > honest.delivered.persistence


def test_denoising_first_promises_what_it_cannot_deliver() -> None:
    honest = trial("sunspots", 0)
    factor = optimism(trial("sunspots", 0, "denoise"), honest)
    assert factor is not None
    assert factor > 2


def test_honest_scale_and_split_know_nothing_of_the_future() -> None:
    """Another future leaves the trained network's windows, scale and weights as they were."""
    y = series("sunspots", 0)
    other = y.copy()
    other[len(y) * 8 // 10 :] += 1000
    setting = Setting(Transform("sqrt", 11), 12, 4, 0.01, 5)
    one, two = Trial(y, setting, seed=0), Trial(other, setting, seed=0)
    for each in (one, two):
        for _ in each.train():
            pass
    assert one.scale == two.scale
    assert one.promised == two.promised
    assert one.delivered != two.delivered
    assert (
        Trial(y, setting, seed=0, protocol="scaler").scale
        != Trial(other, setting, seed=0, protocol="scaler").scale
    )


def test_the_smoother_looks_ahead_and_the_future_is_smoothed_in_time() -> None:
    assert smooth(np.array([0.0, 0, 0, 5, 0, 0]))[1] == pytest.approx(
        1.25
    )  # of four values: the left end is short
    assert smooth(np.arange(9.0)) == pytest.approx([1, 1.5, 2, 3, 4, 5, 6, 6.5, 7])


@pytest.mark.parametrize("kind", ["level", "sqrt", "difference", "seasonal"])
@pytest.mark.parametrize("logarithm", [False, True])
def test_a_transform_goes_back(kind: str, logarithm: bool) -> None:
    y = series("airline", 0)
    change = Transform(kind, 12, logarithm)
    at = np.arange(20, 100)
    assert change.back(change.of(y)[at], y[at - change.reach]) == pytest.approx(y[at])


def test_folds_move_forward_and_end_with_the_series() -> None:
    made = folds(100, 4)
    assert made == [(48, 60, 70), (56, 70, 80), (64, 80, 90), (72, 90, 100)]


def test_a_constant_series_has_no_ratio() -> None:
    assert Scale.of(np.ones(9)) == (1.0, 1.0)
    text = "\n".join(["5"] * 80)
    events = list(demo.run(ForecastParams(series="own", values=text, seeds=1, steps=20, folds=2)))
    skill = [event for event in events if isinstance(event, Metric) and event.name == "skill"]
    assert [event.value for event in skill] == [None]


def test_verdict_rule() -> None:
    assert [verdict(k, 3) for k in range(4)] == ["holds", "depends", "depends", "fails"]


def test_sizes_are_those_of_the_data() -> None:
    assert {name: len(series(name, 0)) for name in SIZES} == SIZES


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\n".join(map(str, range(60))), 60),
        ("date,value\n" + "\n".join(f"2020-01-01,{k}.5" for k in range(61)), 61),
        ("\n".join(f"1；{k}，-2.5" for k in range(60)), 60),
        ("\ufeff" + "\n\n".join("1e3" for _ in range(1000)), 1000),
    ],
)
def test_own_numbers_are_read(text: str, found: int) -> None:
    assert len(numbers(text)) == found


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"series": "own"}, "values"),
        ({"series": "own", "values": "\n".join("1" * (LEAST - 1))}, "values"),
        ({"series": "own", "values": "\n".join(["1"] * (MOST + 1))}, "values"),
        ({"values": "\n".join(["1", "zwei"] * 40)}, "values"),
        ({"values": "\n".join(["1", "nan"] * 40)}, "values"),
        ({"values": "\n".join(["1", "1e10"] * 40)}, "values"),
        ({"season": 149}, "season"),
        ({"series": "airline", "season": 30, "window": 30}, "window"),
        ({"series": "own", "values": "\n".join("1" * 60), "window": 18}, "window"),
    ],
)
def test_refusals_name_the_field_in_both_languages(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=rf"{named}：.* \| {named}: ") as error:
        ForecastParams.model_validate(given)
    assert error.value.errors()[0]["loc"] == (named,)


def test_the_shortest_own_series_runs() -> None:
    """At the largest window that is let through, with six folds."""
    text = "\n".join(str((k * 37) % 11 - 5) for k in range(LEAST))
    events = list(demo.run(ForecastParams(series="own", values=text, window=17, folds=6, seeds=1, steps=20)))
    assert sum(isinstance(event, Scalar) and event.panel == "backtest" for event in events) == 18
    assert {event.lane for event in events if isinstance(event, Seed)} == {
        "honest",
        "shuffle",
        "scaler",
        "denoise",
    }
