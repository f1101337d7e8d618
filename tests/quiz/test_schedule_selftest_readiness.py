"""Scheduling, drawing self-tests and standings: pure functions of their arguments."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from app.content import Library
from app.quiz import readiness, schedule, selftest

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_right_is_good_wrong_is_again_and_a_hint_caps() -> None:
    assert schedule.rating(1.0, correct=True, hint_used=False) == schedule.GOOD
    assert schedule.rating(1.0, correct=True, hint_used=True) == schedule.HARD
    assert schedule.rating(0.6, correct=False, hint_used=False) == schedule.HARD
    assert schedule.rating(0.0, correct=False, hint_used=False) == schedule.AGAIN


def test_a_right_answer_comes_back_later_than_a_wrong_one_and_intervals_grow() -> None:
    good, good_due = schedule.after("01-a", None, schedule.GOOD, NOW)
    _, again_due = schedule.after("01-a", None, schedule.AGAIN, NOW)
    assert NOW < again_due < good_due
    _, second_due = schedule.after("01-a", good, schedule.GOOD, good_due)
    assert second_due - good_due > good_due - NOW
    assert 0.85 < schedule.retrievability(good, good_due) < 0.95


def test_the_same_seed_draws_the_same_selftest_spread_over_questions(library: Library) -> None:
    drawn = selftest.draw(library, (), (), 20, seed=3)
    assert drawn == selftest.draw(library, (), (), 20, seed=3)
    assert drawn != selftest.draw(library, (), (), 20, seed=4)
    assert len(set(drawn)) == 20
    assert max(Counter(item_id.split("-")[0] for item_id in drawn).values()) == 1


def test_a_selftest_keeps_to_topics_levels_and_machine_marked_kinds(library: Library) -> None:
    for item_id in selftest.draw(library, ["gradients"], [2], 50, seed=1):
        found = library.find(item_id)
        assert found is not None
        question, item = found
        assert question.topic == "gradients"
        assert question.level == 2
        assert item.kind in selftest.MACHINE_MARKED
    assert selftest.draw(library, ["nothing"], (), 5, seed=1) == []
    for number in (0, selftest.MAX_ITEMS + 1):
        with pytest.raises(ValueError, match="number"):
            selftest.draw(library, (), (), number, seed=1)


@dataclass
class Mark:
    item_id: str
    score: float
    correct: bool
    max_score: float = 1.0


@dataclass
class Due:
    item_id: str
    due: datetime


def test_states_of_a_question() -> None:
    ids = ["a", "b"]
    assert readiness.standing(ids, {}).state == "new"
    assert readiness.standing(ids, {"a": Mark("a", 1, True)}).state == "started"
    assert readiness.standing(ids, {"a": Mark("a", 1, True), "b": Mark("b", 1, True)}).state == "right"
    half = readiness.standing(ids, {"a": Mark("a", 0.5, False)}, frozenset({"a"}))
    assert (half.state, half.share, half.covered, half.due) == ("wrong", 0.5, 0.5, 1)


def test_standings_cover_every_question_and_topic(library: Library) -> None:
    assert set(readiness.by_question(library, {})) == set(library.by_slug)
    assert list(readiness.by_topic(library, {})) == [topic.id for topic in library.topics]
    total = sum(len(question.text["zh"].items) for question in library.of_source)
    assert readiness.overall(library, {}).items == total


def test_what_is_due_comes_longest_overdue_first() -> None:
    cards = [
        Due("x", NOW - timedelta(days=1)),
        Due("y", NOW - timedelta(days=3)),
        Due("z", NOW + timedelta(days=1)),
    ]
    assert readiness.due_now(cards, NOW) == ["y", "x"]
