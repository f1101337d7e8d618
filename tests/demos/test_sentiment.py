"""Sentiment: LSTM against bag of words, repeats out of the split, verdict rules, own sentence."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from app.demos.sentiment import SentimentParams, demo, order_used
from app.network.studies import sentiment as study
from app.protocol import AnyEvent, Metric, Text

pytestmark = [pytest.mark.torch]


def metrics(events: list[AnyEvent]) -> dict[str, Metric]:
    return {event.name: event for event in events if isinstance(event, Metric)}


def test_the_lstm_learns_and_the_bag_of_pairs_is_as_good() -> None:
    """As measured over the shipped seeds, with two thirds of the default's steps.

    The LSTM is far above chance; it stays below naive Bayes with pairs; shuffling the characters hardly matters.
    """
    seen = metrics(list(demo.run(SentimentParams(steps=200))))
    lstm, pairs = seen["accuracy_lstm"].value, seen["accuracy_bag_of_pairs"].value
    assert lstm is not None
    assert pairs is not None
    assert 0.74 < lstm < pairs < 0.85
    assert (seen["accuracy_lstm"].verdict, seen["accuracy_lstm"].solved) == ("fails", 0)
    assert seen["cost_of_shuffling"].verdict == "fails"


def test_no_line_stands_twice() -> None:
    data = study.load()
    keys = [re.sub(r"[\W_]+", "", text) for text, _ in (*data.train, *data.test)]
    assert len(keys) == len(set(keys)) == 6800
    assert sum(label for _, label in (*data.train, *data.test)) == 3400
    assert len(data.test) == study.TESTED


def test_naive_bayes_is_what_counting_by_hand_gives() -> None:
    train = [study.Review("好", 1), study.Review("好", 1), study.Review("差", 0), study.Review("差好", 0)]
    bag = study.Bayes(train, 1)
    # 好: (2 + 1) / (2 + 2) against (1 + 1) / (3 + 2)
    assert bag.weight("好") == pytest.approx(0.6286, abs=1e-4)
    assert bag.score("好?") == pytest.approx(bag.weight("好"))
    assert bag.accuracy([study.Review("好", 1), study.Review("差", 1)]) == 0.5


@pytest.mark.parametrize(
    ("cost", "said"), [(0.2, "holds"), (0.1, "holds"), (0.05, "depends"), (0.01, "fails")]
)
def test_the_rule_for_order(cost: float, said: str) -> None:
    assert order_used(cost) == said


def test_own_sentence_is_bounded_and_coloured_character_by_character() -> None:
    with pytest.raises(ValidationError, match="60"):
        SentimentParams(own="好" * 61)
    with pytest.raises(ValidationError, match=r"own：至少 2 个.* \| own: at least 2"):
        SentimentParams(own="好 ")
    own = SentimentParams(**{**demo.quick, "own": "好书 ，值得"})
    texts = [event for event in demo.run(own) if isinstance(event, Text)]
    assert all(text.tokens == list("好书，值得") for text in texts)
    assert {text.panel for text in texts} == {"bag", "sentence"}
