"""A learner's standings for pages and fragments, in one read of the database."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from app.quiz import readiness
from app.store import Attempt
from app.web.house import House


@dataclass(frozen=True)
class Standings:
    """Where one learner stands; a newcomer stands at nothing."""

    latest: dict[str, Attempt]
    due: list[str]
    by_question: dict[str, readiness.Standing]
    by_topic: dict[str, readiness.Standing]
    overall: readiness.Standing


async def standings(house: House, learner: str | None) -> Standings:
    """The standings of `learner` now; None is somebody who has not answered anything yet."""
    latest: dict[str, Attempt] = {}
    due: list[str] = []
    if learner is not None:
        latest = await run_in_threadpool(house.store.latest, learner)
        known = {item.id for question in house.library.questions for item in question.text["zh"].items}
        cards = await run_in_threadpool(house.store.cards, learner)
        due = [item_id for item_id in readiness.due_now(cards, house.now()) if item_id in known]
    soon = frozenset(due)
    return Standings(
        latest,
        due,
        readiness.by_question(house.library, latest, soon),
        readiness.by_topic(house.library, latest, soon),
        readiness.overall(house.library, latest, soon),
    )
