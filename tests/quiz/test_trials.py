"""Suggested ticks against what trial answers truly say, over every question and both languages."""

from __future__ import annotations

from collections import Counter

import pytest

from app.content import Library
from app.protocol import LANGS
from tests.quiz.trials import SORTS, points, read, tally

TRIALS = read()


def test_every_question_has_trials_of_each_sort_in_both_languages(library: Library) -> None:
    counts = Counter((trial.number, trial.lang) for trial in TRIALS)
    kinds = {(trial.number, trial.lang, trial.sort) for trial in TRIALS}
    for question in library.questions:
        if not question.text["zh"].key_points:
            continue
        for lang in LANGS:
            assert counts[question.number, lang] >= 4, (question.number, lang)
            assert {sort for sort in SORTS if (question.number, lang, sort) in kinds} == set(SORTS)


def test_trials_name_points_that_there_are(library: Library) -> None:
    for trial in TRIALS:
        assert trial.said <= set(range(len(points(library, trial)))), (trial.number, trial.lang)


@pytest.mark.parametrize("lang", LANGS)
def test_suggested_ticks_agree_with_the_intended_ones(library: Library, lang: str) -> None:
    found = tally(library, [trial for trial in TRIALS if trial.lang == lang])
    print(
        f"\n{lang}: precision {found.precision:.3f}, recall {found.recall:.3f}", *found.differences, sep="\n"
    )
    assert found.precision >= 0.9
    assert found.recall >= 0.9


def test_wrong_and_nonsense_answers_earn_little(library: Library) -> None:
    """A fluent answer that makes no point must not be talked into one."""
    poor = [trial for trial in TRIALS if trial.sort in ("wrong", "nonsense")]
    found = tally(library, poor)
    assert found.spurious <= 0.1 * len(poor), found.differences
