"""Where a learner stands: per question, per topic, altogether. Pure functions of attempts and cards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from app.content import Library, Question

State = Literal["new", "started", "right", "wrong"]
STATES: tuple[State, ...] = ("new", "started", "right", "wrong")


class Marked(Protocol):
    """What this module needs of an attempt."""

    @property
    def item_id(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def max_score(self) -> float: ...
    @property
    def correct(self) -> bool: ...


class Dated(Protocol):
    """What this module needs of a card."""

    @property
    def item_id(self) -> str: ...
    @property
    def due(self) -> datetime: ...


@dataclass(frozen=True)
class Standing:
    """The latest answers to some items: how many there are, were answered, were right; points; due now."""

    state: State
    items: int
    answered: int
    correct: int
    score: float
    max_score: float
    due: int = 0

    @property
    def share(self) -> float:
        """Points of those that could be had in the items answered; 0 where none was."""
        return self.score / self.max_score if self.max_score else 0.0

    @property
    def covered(self) -> float:
        return self.answered / self.items if self.items else 0.0


def standing(
    item_ids: Iterable[str], latest: Mapping[str, Marked], due: frozenset[str] = frozenset()
) -> Standing:
    """The standing over `item_ids` from the latest attempt at each."""
    ids = list(item_ids)
    done = [latest[item_id] for item_id in ids if item_id in latest]
    correct = sum(attempt.correct for attempt in done)
    state: State
    if not done:
        state = "new"
    elif correct < len(done):
        state = "wrong"
    else:
        state = "right" if len(done) == len(ids) else "started"
    return Standing(
        state,
        items=len(ids),
        answered=len(done),
        correct=correct,
        score=sum(attempt.score for attempt in done),
        max_score=sum(attempt.max_score for attempt in done),
        due=sum(item_id in due for item_id in ids),
    )


def item_ids(question: Question) -> list[str]:
    return [item.id for item in question.text["zh"].items]


def by_question(
    library: Library, latest: Mapping[str, Marked], due: frozenset[str] = frozenset()
) -> dict[str, Standing]:
    """Slug → standing."""
    return {question.slug: standing(item_ids(question), latest, due) for question in library.questions}


def by_topic(
    library: Library, latest: Mapping[str, Marked], due: frozenset[str] = frozenset()
) -> dict[str, Standing]:
    """Topic id → standing over the source's questions, in the library's order of topics."""
    ids: dict[str, list[str]] = {topic.id: [] for topic in library.topics}
    for question in library.of_source:
        ids[question.topic] += item_ids(question)
    return {topic: standing(found, latest, due) for topic, found in ids.items()}


def overall(library: Library, latest: Mapping[str, Marked], due: frozenset[str] = frozenset()) -> Standing:
    """The standing over the source's questions."""
    return standing((i for question in library.of_source for i in item_ids(question)), latest, due)


def due_now(cards: Iterable[Dated], now: datetime) -> list[str]:
    """Ids of the items whose time has come, longest overdue first."""
    return [card.item_id for card in sorted(cards, key=lambda card: card.due) if card.due <= now]
