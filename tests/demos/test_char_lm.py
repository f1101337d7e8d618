"""The character model's bar, its verdict rules, its own input, sampling."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from app.demos.char_lm import CharLMParams, demo, reach
from app.network.studies import char_lm as study
from app.network.train import generator
from app.protocol import AnyEvent, Metric

pytestmark = [pytest.mark.torch]


def metrics(events: list[AnyEvent]) -> dict[str, Metric]:
    return {event.name: event for event in events if isinstance(event, Metric)}


def test_every_shipped_seed_falls_below_the_bigram_model() -> None:
    """The bar, with half of the default's steps: each of the three seeds, on names it has not seen."""
    seen = metrics(list(demo.run(CharLMParams(steps=150))))
    lstm, bigram = seen["perplexity_lstm"], seen["perplexity_bigram"]
    assert lstm.value is not None
    assert bigram.value is not None
    assert lstm.value < bigram.value
    assert (lstm.verdict, lstm.solved, lstm.seeds) == ("holds", 3, 3)
    assert seen["context_used"].verdict == "fails"  # a handful of characters, far from 200 words
    assert seen["distinct_4grams_at_T=0"].verdict == "holds"


def test_a_tiny_corpus_is_learnt_by_heart() -> None:
    data = study.corpus(study.read("tang"))
    model = study.CharLM(data, hidden=48, lr=0.01, seed=0)
    found = [each.perplexity for each in model.run(150, frozenset({50}), frozenset(), 0) if each.perplexity]
    assert found[-1] > found[0]  # on held-out poems it gets worse
    assert found[-1] > study.grams(data)[1]


def test_the_bigram_model_is_what_counting_by_hand_gives() -> None:
    """Trained on ab ab …, tested on the same: almost no surprise; the unigram is at 2."""
    unigram, bigram, _ = study.grams(study.corpus("ab" * 600))
    assert unigram == pytest.approx(2.0, rel=0.01)
    assert bigram == pytest.approx(1.0, abs=0.01)


def test_picking_obeys_temperature_k_and_p() -> None:
    scores = np.log(np.array([0.05, 0.5, 0.3, 0.15]))
    draws = [k / 1000 for k in range(1000)]

    def shares(choice: study.Choice) -> list[float]:
        picked = [study.pick(scores, choice, draw) for draw in draws]
        return [picked.count(k) / 1000 for k in range(4)]

    assert shares(study.Choice(0.0)) == [0, 1, 0, 0]
    assert shares(study.Choice(1.0)) == pytest.approx([0.05, 0.5, 0.3, 0.15], abs=0.002)
    assert shares(study.Choice(0.5))[1] == pytest.approx(0.25 / 0.365, abs=0.002)
    assert shares(study.Choice(1.0, k=2)) == pytest.approx([0, 0.625, 0.375, 0], abs=0.002)
    # the nucleus of 0.9: three of them; the first has 10/19 (question 28)
    assert shares(study.Choice(1.0, p=0.9)) == pytest.approx([0, 10 / 19, 6 / 19, 3 / 19], abs=0.002)


def test_a_sample_depends_on_its_generator_alone() -> None:
    model = study.CharLM(study.corpus(study.read("names")), hidden=8, lr=0.01, seed=0)
    one, two = (model.sample(40, study.Choice(1.0), generator(0, 1)) for _ in range(2))
    assert one == two
    assert one.text != model.sample(40, study.Choice(1.0), generator(0, 2)).text


@pytest.mark.parametrize(("used", "verdict"), [(6, "fails"), (16, "depends"), (32, "depends"), (48, "holds")])
def test_the_rule_for_a_long_context(used: float, verdict: str) -> None:
    assert reach(used) == verdict


def test_own_text_is_bounded_and_runs() -> None:
    with pytest.raises(ValidationError, match=r"own.*至少 1000 个字符.* \| own: .*at least 1000"):
        CharLMParams(corpus="own", own="太短")
    with pytest.raises(ValidationError, match="20000"):
        CharLMParams(corpus="own", own="x" * 20_001)
    with pytest.raises(ValidationError, match=r"unit must be at most 11"):
        CharLMParams(hidden=12, unit=12)
    own = "从前有座山，山里有座庙。" * 84  # 1,008 characters: just enough
    seen = metrics(list(demo.run(CharLMParams(corpus="own", own=own, steps=20, seeds=1, hidden=8, free=60))))
    assert seen["perplexity_uniform"].value == len(set(own))
