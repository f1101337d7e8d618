"""Temporal order over the shipped seeds at the defaults (T = 40, 300 steps): who solves it, and the verdict's rules."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.demos.temporal_order import LANES, TemporalOrderParams, _verdicts, demo
from app.network.studies.race import Race, racer
from app.protocol import AnyEvent, Gates, Metric, Scalar, Seed, encode
from tests.demos.playing import shipped

pytestmark = [pytest.mark.torch]


@pytest.fixture(scope="module")
def race() -> list[AnyEvent]:
    """The whole run at its defaults: three seeds, five lanes."""
    return list(shipped(demo.slug))


def strip(events: list[AnyEvent], lane: str) -> list[bool]:
    return [event.solved for event in events if isinstance(event, Seed) and event.lane == lane]


def test_a_forget_bias_of_three_solves_it_on_every_seed(race: list[AnyEvent]) -> None:
    assert strip(race, "lstm_fb3") == [True] * 3
    assert all(
        event.value >= 0.99 and event.step <= 300
        for event in race
        if isinstance(event, Seed) and event.lane == "lstm_fb3"
    )


def test_the_default_start_does_not_within_300_steps(race: list[AnyEvent]) -> None:
    assert strip(race, "lstm") == [False] * 3


def test_the_others_as_measured(race: list[AnyEvent]) -> None:
    """GRU 3 of 3 without a start of its own, RNN none, a forget bias of 1 one of three."""
    assert strip(race, "gru") == [True] * 3
    assert strip(race, "rnn") == [False] * 3
    assert sum(strip(race, "lstm_fb1")) in (1, 2)


def test_the_verdicts_are_of_this_run(race: list[AnyEvent]) -> None:
    judged = {event.claim: event for event in race if isinstance(event, Metric) and event.claim}
    assert {claim: event.verdict for claim, event in judged.items()} == {
        "lstm": "depends", "bias": "holds", "rnn": "holds",
    }  # fmt: skip
    sequences = [event.value for event in race if isinstance(event, Metric) and event.name == "sequences"]
    steps = [event.step for event in race if isinstance(event, Seed) and event.lane == "lstm_fb3"]
    assert sequences == [32 * sum(steps) / 3]


def test_the_pictures_are_bounded(race: list[AnyEvent]) -> None:
    frames = [event for event in race if isinstance(event, Gates)]
    assert 20 <= len(frames) <= 62
    assert [frame.step for frame in frames] == sorted({frame.step for frame in frames})
    assert len({frame.lane for frame in frames}) >= 2  # the lead changes hands
    assert all(sorted(set(frame.tokens) & {"X", "Y"}) for frame in frames)
    assert sum(isinstance(event, Scalar) for event in race) <= 1500
    assert sum(len(encode(event)) for event in race) <= 3_000_000


def test_accuracy_is_drawn_for_every_lane_of_the_first_seed(race: list[AnyEvent]) -> None:
    for lane, _ in LANES:
        points = [event for event in race if isinstance(event, Scalar) and event.series == lane]
        assert [event.x for event in points] == sorted({event.x for event in points})
        first = next(
            event for event in race if isinstance(event, Seed) and event.lane == lane and event.seed == 0
        )
        assert points[-1].y == pytest.approx(first.value)


# ── the rules, without training ─────────────────────────────────────────────


def verdicts(seeds: int, **solved: int) -> dict[str, Metric]:
    """What is said where so many seeds of a lane are solved, at step 100 each."""
    finished: Any = [
        SimpleNamespace(lane=lane, solved_at=100 if place < solved.get(lane, 0) else None)
        for lane, _ in LANES
        for place in range(seeds)
    ]
    events = _verdicts(TemporalOrderParams(seeds=seeds), finished)
    return {event.claim: event for event in events if isinstance(event, Metric) and event.claim}


@pytest.mark.parametrize(
    ("solved", "lstm", "bias", "rnn"),
    [
        ({}, "fails", "fails", "holds"),
        ({"lstm_fb3": 3}, "depends", "holds", "holds"),
        ({"lstm": 1, "lstm_fb3": 3}, "depends", "holds", "holds"),
        ({"lstm": 3, "lstm_fb3": 3, "rnn": 1}, "holds", "depends", "depends"),
        ({"lstm": 3, "rnn": 3}, "holds", "fails", "fails"),
        ({"lstm": 2, "lstm_fb3": 1}, "depends", "fails", "holds"),
    ],
)
def test_the_verdict_counts_seeds(solved: dict[str, int], lstm: str, bias: str, rnn: str) -> None:
    found = verdicts(3, **solved)
    assert (found["lstm"].verdict, found["bias"].verdict, found["rnn"].verdict) == (lstm, bias, rnn)
    assert found["lstm"].solved == solved.get("lstm", 0)
    assert found["rnn"].value == pytest.approx(solved.get("rnn", 0) / 3)


# ── the race itself ─────────────────────────────────────────────────────────


def test_a_lanes_start_depends_on_lane_and_seed_alone() -> None:
    import torch

    def first(lane: str, seed: int) -> Any:
        return next(iter(racer(lane, hidden=8, lr=0.01, seed=seed).parameters))

    torch.manual_seed(1)
    one = first("lstm", 3)
    torch.manual_seed(2)
    assert torch.equal(one, first("lstm", 3))
    assert not torch.equal(one, first("lstm", 4))
    assert not torch.equal(one, first("lstm_fb1", 3))


def test_a_lane_that_has_solved_it_trains_no_more() -> None:
    import torch

    study = Race(steps=10, hidden=8, lr=0.01, seed=0)
    done = study.racers[1]
    done.solved_at = 1
    before = [weight.detach().clone() for weight in done.parameters]
    others = [weight.detach().clone() for weight in study.racers[0].parameters]
    assert [moment.step for moment in study.run(3, frozenset())] == [1, 2, 3]
    assert all(torch.equal(a, b) for a, b in zip(before, done.parameters, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(others, study.racers[0].parameters, strict=True))


def test_the_race_ends_once_all_are_home() -> None:
    study = Race(steps=10, hidden=8, lr=0.01, seed=0)
    for each in study.racers:
        each.solved_at = 1
    assert len(list(study.run(50, frozenset()))) == 1


def test_the_leader_is_an_lstm_first_home_else_most_accurate() -> None:
    study = Race(steps=10, hidden=8, lr=0.01, seed=0)
    by_lane = {each.lane: each for each in study.racers}
    by_lane["gru"].accuracy, by_lane["gru"].solved_at = 1.0, 20
    by_lane["lstm"].accuracy = 0.9
    assert study.leader().lane == "lstm"
    by_lane["lstm_fb1"].accuracy, by_lane["lstm_fb1"].solved_at = 1.0, 60
    by_lane["lstm_fb3"].accuracy, by_lane["lstm_fb3"].solved_at = 1.0, 40
    assert study.leader().lane == "lstm_fb3"
