"""From a response to a stored attempt: mark, measure where the item asks for a run, remember."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from app.content import Item, Question
from app.protocol import Bilingual, Metric
from app.quiz import schedule
from app.quiz.grading import Grade, ResponseError, grade
from app.runs import QueueFull
from app.store import Attempt, KeyTaken, Scheduled
from app.web.errors import Problem
from app.web.house import House

MEASURE_SECONDS = 20.0
MAX_KEY = 64


@dataclass(frozen=True)
class Response:
    """What came in for one item, before it is judged."""

    value: Any
    hint_used: bool = False
    confidence: int | None = None
    key: str | None = None
    selftest_id: str | None = None


@dataclass(frozen=True)
class Marked:
    """A stored attempt with its grade; `measured` is what a live run gave (predict items only)."""

    attempt: Attempt
    grade: Grade
    item: Item
    measured: float | None = None


def find(house: House, item_id: str) -> tuple[Question, Item]:
    """The item (its Chinese form) and its question; 404 where there is none."""
    found = house.library.find(item_id)
    if found is None:
        raise Problem(404, "no-item")
    return found


async def mark(house: House, learner: str, item_id: str, response: Response, lang: str) -> Marked:
    """Mark and store one response; the attempt is committed when this returns.

    Raises Problem 404 for an unknown item, 422 for a response of the wrong shape, 409 for a used key.
    """
    question, _ = find(house, item_id)
    item = question.item(item_id, lang)
    key = response.key or secrets.token_urlsafe(12)
    if len(key) > MAX_KEY:
        words = Bilingual(
            f"幂等键最多 {MAX_KEY} 个字符", f"idempotency_key must have at most {MAX_KEY} characters"
        )
        raise Problem(422, "invalid", message=words, field="idempotency_key", bound=MAX_KEY)
    measured = await _measure(house, item) if item.kind == "predict" else None
    try:
        graded = grade(item, response.value, measured)
    except ResponseError as error:
        words = Bilingual(f"作答（response）：{error.message.zh}", f"response: {error.message.en}")
        raise Problem(422, "invalid", message=words, field="response", bound=error.bound) from None
    rated = schedule.rating(graded.score, correct=graded.correct, hint_used=response.hint_used)
    now = house.now()
    attempt = Attempt(
        learner_id=learner,
        item_id=item_id,
        response=response.value,
        score=graded.score,
        max_score=graded.max_score,
        correct=graded.correct,
        rating=rated,
        hint_used=response.hint_used,
        confidence=response.confidence,
        selftest_id=response.selftest_id,
        idempotency_key=key,
        at=now,
    )

    def reschedule(state: dict[str, Any] | None) -> Scheduled:
        return Scheduled(*schedule.after(item_id, state, rated, now))

    try:
        stored, _new = await run_in_threadpool(house.store.record, attempt, reschedule)
    except KeyTaken:
        raise Problem(409, "key-taken", field="idempotency_key") from None
    return Marked(stored, graded, item, measured)


async def _measure(house: House, item: Item) -> float | None:
    """The metric that a live run gives, or None where no run could be had in time."""
    asked = item.predict
    demo = house.demos.get(asked.demo) if asked else None
    if asked is None or demo is None or not house.engine.ready:
        return None
    with contextlib.suppress(QueueFull, TimeoutError, ValidationError):
        submitted = await house.engine.submit(demo.slug, demo.params(**asked.params))
        for event in await house.engine.outcome(submitted.run_id, MEASURE_SECONDS):
            if isinstance(event, Metric) and event.name == asked.metric:
                return event.value
    return None
