"""Summaries of match reports: the bar, the split, longer reports, verdict rules, bounds."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.demos.summarise import SummariseParams, demo, verdict
from app.network.studies import summarise as study
from app.network.train import generator
from app.protocol import AnyEvent, Metric

pytestmark = [pytest.mark.torch]


def metrics(events: list[AnyEvent]) -> dict[str, Metric]:
    return {event.name: event for event in events if isinstance(event, Metric)}


def test_attention_summarises_unseen_matches_and_the_fixed_vector_lags() -> None:
    """The bar over the first two shipped seeds, on reports with one filler sentence and 220 steps."""
    seen = metrics(list(demo.run(SummariseParams(fillers=1, steps=220, seeds=2))))
    attention, plain, facts = seen["exact_attention"], seen["exact_plain"], seen["wrong_facts_plain"]
    assert attention.value is not None
    assert plain.value is not None
    assert attention.value >= 0.9
    assert (attention.verdict, attention.solved) == ("holds", 2)
    assert plain.value < attention.value - 0.2
    assert (plain.verdict, facts.verdict) == ("holds", "holds")


def test_no_test_match_is_ever_trained_on() -> None:
    train = {study.draw_match(source, held=False) for source in [generator(0, 1)] for _ in range(2000)}
    test = {study.draw_match(source, held=True) for source in [generator(0, 2)] for _ in range(200)}
    assert not train & test
    assert all(study.is_held_out(match) for match in test)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_reports_hold_what_their_summary_says_and_fit_a_frame(language: study.Language) -> None:
    source, words = generator(0, 3), study.vocabulary(language)
    for _ in range(300):
        match = study.draw_match(source, held=False)
        text, line = study.report(match, 9, language, source), study.summary(match, language)
        assert len(text) <= 100
        assert len(line) <= study.PLACES
        assert set(text) <= words.read.keys()
        assert set(line) <= set(words.write)
        assert set(study.facts(match, language).values()) <= set(text)
    won, drawn = study.Match(0, 1, 2, (1, 3)), study.Match(0, 1, 2, (2, 2))
    assert " ".join(study.summary(won, "zh")) == "蓝队 3 - 1 击败 红队 ， 李明 最佳"
    assert " ".join(study.summary(drawn, "en")) == "reds and blues drew 2 - 2 , jones shone"


@pytest.mark.parametrize(("k", "n", "said"), [(3, 3, "holds"), (0, 3, "fails"), (1, 3, "depends")])
def test_the_rule_over_seeds(k: int, n: int, said: str) -> None:
    assert verdict(k, n) == said


def test_bounds_name_the_field() -> None:
    with pytest.raises(ValidationError, match="shown"):
        SummariseParams(shown=10)
    with pytest.raises(ValidationError, match="fillers"):
        SummariseParams(fillers=0)
