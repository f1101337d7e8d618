"""Speakers: the bar at the shipped seeds, what padding does, the verdicts' rules."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from app.demos.speaker_classification import SpeakerClassificationParams, _verdicts, demo
from app.protocol import AnyEvent, Gates, Metric, Scalar, Seed, Table
from tests.demos.playing import played, shipped

pytestmark = [pytest.mark.torch]


def metrics(events: Sequence[AnyEvent]) -> dict[str, Metric]:
    return {event.name: event for event in events if isinstance(event, Metric)}


def seed(last: float, padded: float, mean: float) -> list[Any]:
    return [
        SimpleNamespace(accuracy=accuracy, padded=read)
        for accuracy, read in ((last, padded), (mean, mean), (0.9, 0.9), (0.9, None), (0.8, None))
    ]


def test_the_bar_at_the_shipped_params() -> None:
    """All the defaults: 0.95 on every seed; the same weights lose accuracy to zeros, short utterances most."""
    events = shipped(demo.slug)
    seen = metrics(events)
    solved = [event for event in events if isinstance(event, Seed) and event.lane == "last"]
    assert [event.seed for event in solved] == [0, 1, 2]
    assert all(event.value >= 0.95 and event.solved for event in solved)
    assert (seen["accuracy"].verdict, seen["accuracy"].solved) == ("holds", 3)
    assert (seen["accuracy_lost_to_padding"].verdict, seen["accuracy_lost_to_padding"].solved) == ("holds", 3)
    assert (seen["accuracy_lost_to_padding"].value or 0) > 0.03
    assert (seen["packed_difference"].value or 1) < 1e-5
    assert (seen["accuracy_frame_mean"].value or 1) < (seen["accuracy_last"].value or 0) - 0.03
    lengths = next(event for event in events if isinstance(event, Table) and event.panel == "lengths")
    lost = [float(masked) - float(padded) for _, _, masked, padded in lengths.rows if masked and padded]
    assert lost[0] > lost[-1] + 0.1
    drift = {
        e.x: e.y for e in events if isinstance(e, Scalar) and (e.panel, e.series) == ("drift", "accuracy")
    }
    assert (drift[30.0] or 1) < (drift[0.0] or 0) - 0.1
    assert drift[0.0] == pytest.approx(solved[0].value)


def test_far_more_padding_than_speech_breaks_reading_it_and_not_masking_it() -> None:
    """One seed padded to 60 frames: with masks as good as ever, with the padding read far from it."""
    seen = metrics(shipped(demo.slug, pad_to=60, seeds=1, steps=80))
    assert (seen["accuracy_last"].value or 0) > 0.94
    assert (seen["accuracy_last_padded"].value or 0) < 0.6
    assert (seen["accuracy_lost_to_padding"].value or 0) > 0.3


def test_verdicts_follow_from_the_numbers() -> None:
    def verdicts(*seeds: list[Any]) -> tuple[str, ...]:
        claims = [each for each in _verdicts(list(seeds)) if isinstance(each, Metric) and each.claim]
        assert [each.claim for each in claims] == ["source", "padding", "pooling"]
        return tuple(each.verdict for each in claims)

    assert verdicts(seed(0.97, 0.8, 0.94)) == ("holds", "holds", "fails")
    assert verdicts(seed(0.94, 0.93, 0.95)) == ("fails", "fails", "holds")
    assert verdicts(seed(0.97, 0.8, 0.94), seed(0.9, 0.9, 0.95)) == ("depends", "depends", "depends")


def test_masked_gates_stand_still_past_the_end_and_padded_ones_do_not() -> None:
    from app.network.studies.speaker_classification import Speaking

    study = Speaking(pad_to=40, noise=0.3, hidden=8, lr=0.01, steps=1, seed=0, utterance=3)
    moment = next(study.run(frozenset({1})))
    end = int(study.chosen.lengths)
    assert moment.frame is not None
    masked, padded = moment.frame.masked, moment.frame.padded
    assert masked.c[0, 0, end:].eq(masked.c[0, 0, end - 1]).all()
    assert masked.c[0, 0, :end].sub(padded.c[0, 0, :end]).abs().max() < 1e-5
    assert padded.c[0, 0, end:].sub(padded.c[0, 0, end - 1]).abs().max() > 1e-3
    tokens = next(
        event.tokens for event in played(demo.slug, utterance=3, pad_to=29) if isinstance(event, Gates)
    )
    assert (tokens[0], tokens.count("0")) == ("1", 29 - end)


def test_pooling_over_the_valid_steps_does_not_see_the_padding() -> None:
    import torch

    from app.network.studies.speaker_classification import pooled, utterances

    short, long = utterances(29)[1].at(slice(0, 5)), utterances(50)[1].at(slice(0, 5))
    noise = torch.randn(5, 50, 3, generator=torch.Generator().manual_seed(0)).tanh()
    for how in ("last", "mean", "max"):
        assert torch.allclose(
            pooled(noise[:, :29], short, how, masked=True), pooled(noise, long, how, masked=True)
        )
        assert not torch.allclose(
            pooled(noise[:, :29], short, how, masked=False), pooled(noise, long, how, masked=False)
        )


@pytest.mark.parametrize(
    ("name", "value"), [("pad_to", 28), ("pad_to", 61), ("utterance", 370), ("noise", -1)]
)
def test_params_out_of_bounds_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValidationError) as caught:
        SpeakerClassificationParams(**{name: value})
    assert caught.value.errors()[0]["loc"] == (name,)


def test_surgery_changes_the_answer() -> None:
    held = metrics(played(demo.slug, hold="f=0@2-3 o=1"))
    assert held["loss_operated"].value != held["loss_untouched"].value
