"""Moving digits: the bar at the shipped seeds, what a ring of frames can tell, the verdicts' rules."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from app.demos.moving_digits import LANES, _verdicts, demo
from app.protocol import AnyEvent, Metric
from tests.demos.playing import played, shipped

pytestmark = [pytest.mark.torch]
AWARE, BLIND = ("cnn_lstm", "lstm", "cnn_lstm2", "conv_lstm"), ("cnn_lstm_shuffled", "cnn_mean")


def metrics(events: Sequence[AnyEvent]) -> dict[str, Metric]:
    return {event.name: event for event in events if isinstance(event, Metric)}


def seed(ordered: float, mixed: float, mean: float, tested: float = 0.5, conv: float = 0.99) -> list[Any]:
    """The lanes of one seed: CNN + LSTM in order, trained on shuffled frames, mean pooling."""
    accuracies = dict.fromkeys((name for name, _ in LANES), ordered)
    accuracies |= {"cnn_lstm_shuffled": mixed, "cnn_mean": mean, "conv_lstm": conv}
    return [SimpleNamespace(accuracy=accuracy, shuffled=tested) for accuracy in accuracies.values()]


def verdicts(*seeds: list[Any], first: float = 1.0) -> dict[str, str]:
    layers: Any = [SimpleNamespace(features=0.5, first=first, second=1.0)] * len(seeds)
    return {
        event.claim: event.verdict
        for event in _verdicts(list(seeds), layers)
        if isinstance(event, Metric) and event.claim
    }


def test_the_bar_at_the_shipped_params() -> None:
    """All the defaults: order-aware models at 0.95 or better on every seed, those without order near chance."""
    seen = metrics(shipped(demo.slug))
    for name in AWARE:
        assert seen[f"accuracy_{name}"].value == pytest.approx(1, abs=0.02)
    for name in BLIND:
        assert seen[f"accuracy_{name}"].value == pytest.approx(0.5, abs=0.07)
    assert seen["accuracy_tested_shuffled"].value == pytest.approx(0.5, abs=0.07)
    assert (seen["accuracy_drop_shuffled"].verdict, seen["accuracy_drop_shuffled"].solved) == ("holds", 3)
    assert seen["gain_over_mean_pooling"].verdict == "depends"
    assert (seen["accuracy_layer_1"].verdict, seen["accuracy_conv_lstm"].verdict) == ("fails", "holds")


def test_where_order_is_of_no_use_mean_pooling_keeps_up() -> None:
    """One seed of the question ‘0 or 1’, three frames: all models above 0.9, the gain small, shuffling harmless."""
    seen = metrics(shipped(demo.slug, label="digit", T=3, seeds=1, steps=80))
    for name in ("cnn_lstm", "cnn_mean", "cnn_lstm_shuffled"):
        assert (seen[f"accuracy_{name}"].value or 0) > 0.9
    assert seen["gain_over_mean_pooling"].value == pytest.approx(0, abs=0.08)
    assert seen["accuracy_drop_shuffled"].value == pytest.approx(0, abs=0.05)
    assert seen["accuracy_drop_shuffled"].verdict == "fails"


def test_a_clip_and_its_reverse_have_the_same_frames_and_opposite_directions() -> None:
    """So no model that is blind to order can do better than chance, whatever it learns."""
    import torch

    from app.network.studies.digits import digits
    from app.network.studies.moving_digits import clips
    from app.network.train import generator

    data = digits()
    held = clips(64, 5, 2, "direction", (data.x, data.y), generator(3))
    step = (held.places[:, 1:] - held.places[:, :-1]) % 12
    assert torch.equal(step, torch.where(held.y == 1, 2, 10)[:, None].expand_as(step))
    for k in range(4):  # each frame is the one before, rolled by the direction
        rolled = torch.stack([
            frame.roll(2 if way else -2, 1) for frame, way in zip(held.x[:, k], held.y.tolist(), strict=True)
        ])  # fmt: skip
        assert torch.equal(rolled, held.x[:, k + 1])
    mixed = held.shuffled(generator(4))
    assert torch.equal(mixed.x.sum(1), held.x.sum(1))
    assert not torch.equal(mixed.x, held.x)


def test_verdicts_follow_from_the_numbers() -> None:
    assert verdicts(seed(1, 0.5, 0.5)) == {
        "order": "holds", "gain": "depends", "layers": "fails", "fusion": "holds",
    }  # fmt: skip
    assert verdicts(seed(1, 0.9, 0.5))["gain"] == "holds"
    assert verdicts(seed(0.97, 0.97, 0.96, tested=0.97, conv=0.5)) == {
        "order": "fails", "gain": "fails", "layers": "depends", "fusion": "fails",
    }  # fmt: skip
    two = verdicts(seed(1, 0.5, 0.5), seed(0.5, 0.5, 0.5, conv=0.5), first=0.6)
    assert two == {"order": "depends", "gain": "depends", "layers": "depends", "fusion": "depends"}
    assert verdicts(seed(0.6, 0.5, 0.5))["order"] == "depends"  # not learnt: nothing shown


def test_surgery_changes_the_answer() -> None:
    held = metrics(played(demo.slug, hold="f=0@2-3 o=1"))
    assert held["loss_operated"].value != held["loss_untouched"].value
