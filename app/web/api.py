"""The JSON API of questions, attempts and progress. Described in OpenAPI at /api/openapi.json."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from app.content import Item, Library, Question, plain_blanks
from app.protocol import Bilingual, Lang
from app.quiz.grading import shown_order
from app.store import Attempt, Card
from app.web.errors import Problem, language
from app.web.house import house
from app.web.learners import identity
from app.web.marking import MAX_KEY, Response, mark
from app.web.standing import standings

router = APIRouter(prefix="/api", tags=["questions"])
Wish = Annotated[Lang, Query(description="zh or en")]


# ── questions ──


class QuestionOut(BaseModel):
    """One question in the list; `items` counts its items."""

    number: int
    slug: str
    title: str
    topic: str
    level: int
    demo: str | None
    duplicate_of: int | None
    items: int


class ItemOut(BaseModel):
    """An item without its key. Indexes in responses count `options` as listed here."""

    id: str
    kind: str
    prompt: str
    options: list[str] | None = None
    code: str | None = None
    unit: str | None = None
    hint: str | None = None


class FollowUpOut(BaseModel):
    question: str
    answer: str


class KeyPointOut(BaseModel):
    text: str
    weight: float
    essential: bool


class QuestionDetail(BaseModel):
    """A question with its source (Markdown, verbatim), its review and its items without keys."""

    number: int
    slug: str
    title: str
    topic: str
    level: int
    demo: str | None
    duplicate_of: int | None
    source: str  # "" where the question is beyond the source: then there is an answer
    answer: str
    review: str
    key_points: list[KeyPointOut]
    follow_ups: list[FollowUpOut]
    items: list[ItemOut]


@router.get("/questions")
async def questions(
    request: Request, lang: Wish = "zh", beyond: Annotated[bool, Query()] = False
) -> list[QuestionOut]:
    """The 30 questions; with beyond=1 also those beyond the source."""
    library = house(request).library
    return [_brief(question, lang) for question in library.questions if beyond or not question.beyond]


@router.get("/questions/{slug}")
async def question(request: Request, slug: str, lang: Wish = "zh") -> QuestionDetail:
    library: Library = house(request).library
    found = library.by_slug.get(slug)
    if found is None:
        raise Problem(404, "no-question")
    text = found.text[lang]
    return QuestionDetail(
        **_brief(found, lang).model_dump(exclude={"items"}),
        source=text.source,
        answer=text.answer,
        review=text.review or "",
        key_points=[
            KeyPointOut(text=p.text, weight=p.weight, essential=p.essential) for p in text.key_points
        ],
        follow_ups=[FollowUpOut(question=f.question, answer=f.answer) for f in text.follow_ups],
        items=[_item(item) for item in text.items],
    )


def _brief(question: Question, lang: str) -> QuestionOut:
    return QuestionOut(
        number=question.number,
        slug=question.slug,
        title=question.text[lang].title,
        topic=question.topic,
        level=question.level,
        demo=question.demo.slug if question.demo else None,
        duplicate_of=question.duplicate_of,
        items=len(question.text[lang].items),
    )


def _item(item: Item) -> ItemOut:
    prompt = item.prompt
    if item.sentence:
        prompt = f"{prompt}\n\n{plain_blanks(item.sentence)}"
    options = [item.options[place].text for place in shown_order(item)] or None
    if item.kind == "free":
        options = [point.text for point in item.points]
    unit = item.numeric.unit if item.numeric and item.numeric.unit else None
    return ItemOut(
        id=item.id,
        kind=item.kind,
        prompt=prompt,
        options=options,
        code=item.code or None,
        unit=unit,
        hint=item.hint or None,
    )


# ── attempts ──


class AttemptIn(BaseModel):
    """A response: option indexes, strings, a number, or {text, confirmed}, by the item's kind."""

    model_config = ConfigDict(extra="forbid")

    response: Any
    hint_used: bool = False
    confidence: Annotated[int, Field(ge=0, le=100)] | None = None
    idempotency_key: Annotated[str, Field(min_length=1, max_length=MAX_KEY)] | None = None


class NoteOut(BaseModel):
    """What is said of one option, blank or key point."""

    index: int
    mark: str
    text: str


class AttemptOut(BaseModel):
    score: float
    max_score: float
    correct: bool
    feedback: list[NoteOut]
    explanation: str
    rating: int
    measured: float | None = None


@router.post("/items/{item_id}/attempts")
async def attempt(
    request: Request, item_id: Annotated[str, Path(max_length=16)], body: AttemptIn
) -> AttemptOut:
    """Mark a response. It is stored before this answers; the same idempotency key stores it once."""
    response = Response(body.response, body.hint_used, body.confidence, body.idempotency_key)
    marked = await mark(house(request), identity(request).need(), item_id, response, language(request.scope))
    return AttemptOut(
        score=marked.attempt.score,
        max_score=marked.attempt.max_score,
        correct=marked.attempt.correct,
        feedback=[NoteOut(index=n.index, mark=n.mark, text=n.text) for n in marked.grade.notes],
        explanation=marked.item.explanation,
        rating=marked.attempt.rating,
        measured=marked.measured,
    )


# ── the learner's own ──


@router.get("/progress")
async def progress(request: Request) -> JSONResponse:
    """Standing over everything, by topic and by question, and the ids that are due."""
    mine = await standings(house(request), identity(request).known)

    def line(standing: Any) -> dict[str, Any]:
        names = ("state", "items", "answered", "correct", "score", "max_score", "due")
        return {name: getattr(standing, name) for name in names}

    return JSONResponse(
        {
            **line(mine.overall),
            "topics": {topic: line(found) for topic, found in mine.by_topic.items()},
            "questions": {slug: line(found) for slug, found in mine.by_question.items()},
            "due_items": mine.due,
        },
        headers={"Cache-Control": "no-store"},
    )


class AttemptRecord(BaseModel):
    """One stored attempt, as exported and as imported."""

    model_config = ConfigDict(extra="forbid")

    item_id: Annotated[str, Field(max_length=16)]
    response: Any
    score: Annotated[float, Field(ge=0, le=1)]
    max_score: Annotated[float, Field(gt=0, le=1)] = 1.0
    correct: bool
    rating: Annotated[int, Field(ge=1, le=4)]
    hint_used: bool = False
    confidence: Annotated[int, Field(ge=0, le=100)] | None = None
    at: datetime
    idempotency_key: Annotated[str, Field(min_length=1, max_length=MAX_KEY)]


class CardRecord(BaseModel):
    """The FSRS state of one item."""

    model_config = ConfigDict(extra="forbid")

    item_id: Annotated[str, Field(max_length=16)]
    state: dict[str, Any]
    due: datetime


class Everything(BaseModel):
    """All that a learner owns."""

    model_config = ConfigDict(extra="forbid")

    version: int = 1
    attempts: Annotated[list[AttemptRecord], Field(max_length=20000)] = []
    cards: Annotated[list[CardRecord], Field(max_length=2000)] = []


@router.get("/export")
async def export(request: Request) -> JSONResponse:
    """Everything the learner owns."""
    rooms, learner = house(request), identity(request).known
    attempts = await run_in_threadpool(rooms.store.attempts, learner) if learner else []
    cards = await run_in_threadpool(rooms.store.cards, learner) if learner else []
    everything = Everything(
        attempts=[
            AttemptRecord.model_validate(a.model_dump(include=set(AttemptRecord.model_fields)))
            for a in attempts
        ],
        cards=[CardRecord(item_id=c.item_id, state=c.state, due=c.due) for c in cards],
    )
    headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="mendao.json"'}
    return JSONResponse(everything.model_dump(mode="json"), headers=headers)


@router.post("/import")
async def bring(request: Request, body: Everything) -> dict[str, int]:
    """Add an export to this learner's own attempts; those known already (by key) stay as they are."""
    rooms, learner, now = house(request), identity(request).need(), house(request).now()
    for index, record in enumerate(body.attempts):
        if record.at.tzinfo is None:
            field = f"attempts.{index}.at"
            words = Bilingual(f"{field} 缺少时区", f"{field} has no time zone")
            raise Problem(422, "invalid", message=words, field=field)
    attempts = [Attempt(learner_id=learner, **record.model_dump()) for record in body.attempts]
    cards = [Card(learner_id=learner, **record.model_dump()) for record in body.cards if record.due.tzinfo]
    added = await run_in_threadpool(rooms.store.bring, learner, attempts, cards, now)
    return {"added": added, "skipped": len(attempts) - added}
