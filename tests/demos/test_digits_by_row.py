"""Digits by row: the bar at the shipped seeds, the verdicts' rules, one's own drawing."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from app.demos.digits_by_row import DigitsByRowParams, _verdicts, demo
from app.protocol import AnyEvent, Bilingual, Heatmap, Metric, Seed, Table
from tests.demos.playing import shipped

pytestmark = [pytest.mark.torch]
NAMES = ("lstm", "lstm_shuffled", "cnn", "cnn_scrambled", "logistic")
ONE = "0" * 3 + ("ff" + "0" * 6) * 7 + "ff" + "0" * 3  # a thick stroke down the middle


def metrics(events: Sequence[AnyEvent]) -> dict[str, Metric]:
    return {event.name: event for event in events if isinstance(event, Metric)}


def lanes(*accuracies: float) -> list[Any]:
    return [SimpleNamespace(accuracy=each) for each in accuracies]


def test_the_bar_at_the_shipped_params() -> None:
    """All the defaults: 0.95 on every seed, a fixed random order costs next to nothing, the CNN is ahead."""
    events = shipped(demo.slug)
    seen = metrics(events)
    solved = [event for event in events if isinstance(event, Seed) and event.lane == "lstm"]
    assert [event.seed for event in solved] == [0, 1, 2]
    assert all(event.value >= 0.95 and event.solved for event in solved)
    assert [event.said for event in solved] == [
        Bilingual(f"第 {event.step} 步达到", f"reached at {event.step}") for event in solved
    ]
    assert abs(seen["accuracy_lost_by_shuffling"].value or 1) < 0.03
    assert seen["accuracy_lost_by_shuffling"].verdict == "fails"
    assert seen["accuracy"].verdict == "holds"
    assert seen["accuracy_cnn_minus_lstm"].verdict == "holds"
    assert (seen["accuracy_cnn_scrambled"].value or 1) < (seen["accuracy_cnn"].value or 0)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([lanes(0.97, 0.96, 0.98, 0.96, 0.95)] * 2, ("fails", "holds", "holds")),
        ([lanes(0.97, 0.60, 0.96, 0.96, 0.95)] * 2, ("depends", "holds", "fails")),
        (
            [lanes(0.97, 0.96, 0.98, 0.9, 0.9), lanes(0.9, 0.5, 0.8, 0.9, 0.9)],
            ("depends", "depends", "depends"),
        ),
        ([lanes(0.12, 0.12, 0.98, 0.9, 0.9)], ("depends", "fails", "holds")),  # nothing learnt, nothing shown
    ],
)
def test_verdicts_follow_from_the_numbers(runs: list[list[Any]], expected: tuple[str, ...]) -> None:
    events = [event for event in _verdicts(runs) if isinstance(event, Metric) and event.claim]
    assert {event.claim: event.verdict for event in events} == dict(
        zip(("time", "order", "cnn"), expected, strict=True)
    )
    assert all(event.seeds == len(runs) for event in events)


def test_a_drawing_is_looked_at_and_has_no_label() -> None:
    events = shipped(demo.slug, seeds=1, steps=20, hidden=8, drawing=ONE.upper())
    picture = next(event for event in events if isinstance(event, Heatmap) and event.panel == "picture")
    assert picture.values.shape == (8, 8)
    assert picture.values.data != next(
        event.values.data
        for event in shipped(demo.slug, seeds=1, steps=20, hidden=8)
        if isinstance(event, Heatmap)
    )
    guesses = next(event for event in events if isinstance(event, Table) and event.panel == "guesses")
    assert guesses.caption is not None
    assert "?" in guesses.caption.en
    assert len(guesses.rows) == len(NAMES)


@pytest.mark.parametrize("drawing", ["f" * 63, "g" * 64, "0x" + "f" * 62, "f" * 65])
def test_a_drawing_that_is_none_is_refused_by_name(drawing: str) -> None:
    with pytest.raises(ValidationError) as caught:
        DigitsByRowParams(drawing=drawing)
    assert caught.value.errors()[0]["loc"] == ("drawing",)


def test_a_blank_pad_is_no_drawing() -> None:
    assert DigitsByRowParams(drawing="0" * 64) == DigitsByRowParams()


def test_every_order_shows_the_same_picture() -> None:
    """Rows, columns, upwards, pixels hold the same grey values, and surgery answers in each."""
    from app.network.studies.digits import digits
    from app.network.studies.digits_by_row import sequence

    images = digits().test_x[:2]
    for order in ("rows", "columns", "upwards", "pixels"):
        flat = sequence(images, order).flatten(1).sort(1).values  # type: ignore[arg-type]
        assert flat.equal(images.flatten(1).sort(1).values)
    held = metrics(shipped(demo.slug, seeds=1, steps=20, hidden=8, order="upwards", hold="i=0"))
    assert held["loss_operated"].value != held["loss_untouched"].value


def test_the_cut_between_training_and_test_is_clean() -> None:
    from app.network.studies.digits import digits

    mixed, writers = digits("mixed"), digits("writers")
    assert (len(mixed.x), len(mixed.test_x)) == (len(writers.x), len(writers.test_x)) == (1437, 360)
    assert sorted(mixed.x.sum((1, 2)).tolist() + mixed.test_x.sum((1, 2)).tolist()) == sorted(
        writers.x.sum((1, 2)).tolist() + writers.test_x.sum((1, 2)).tolist()
    )
    with pytest.raises(ValueError, match="split must be"):
        digits("time")  # type: ignore[arg-type]
