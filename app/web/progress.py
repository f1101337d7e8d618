"""What a learner has done: the review of what is due, the progress page, the small fragments."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from app.protocol import Lang
from app.quiz import readiness
from app.web import views
from app.web.errors import Problem
from app.web.house import house
from app.web.item_view import ItemView
from app.web.learners import identity
from app.web.pages import STATE_NAMES
from app.web.standing import standings
from app.web.templating import PageInfo

router = APIRouter(include_in_schema=False)
Language = Annotated[Lang, Path()]


@dataclass(frozen=True)
class ReviewContext:
    """The item that is due longest, and how many wait."""

    view: ItemView | None
    title: str
    href: str
    due: int
    upcoming: list[tuple[str, int]]
    answered: int


@router.get("/{lang}/review")
async def review(request: Request, lang: Language) -> HTMLResponse:
    rooms, learner = house(request), identity(request).known
    mine = await standings(rooms, learner)
    view, title, href = None, "", ""
    if mine.due:
        found = rooms.library.find(mine.due[0])
        assert found is not None  # standings() keeps known items only
        question = found[0]
        view = views.asked(question, question.item(mine.due[0], lang), lang)
        title, href = question.text[lang].title, f"/{lang}/questions/{question.slug}"
    upcoming: dict[str, int] = {}
    now = rooms.now()
    for card in await run_in_threadpool(rooms.store.cards, learner) if learner else []:
        if card.due > now:
            day = card.due.strftime("%Y-%m-%d")
            upcoming[day] = upcoming.get(day, 0) + 1
    context = ReviewContext(
        view, title, href, len(mine.due), list(upcoming.items())[:14], mine.overall.answered
    )
    name = "复习 · 看门道" if lang == "zh" else "Review · Mendao"
    return rooms.templates.page("review", lang, PageInfo(name, "review"), context, nav="review")


@dataclass(frozen=True)
class TopicLine:
    title: str
    standing: readiness.Standing


@dataclass(frozen=True)
class QuestionLine:
    number: int
    title: str
    href: str
    state: str
    standing: readiness.Standing


@dataclass(frozen=True)
class CalibrationLine:
    confidence: int
    answers: int
    correct: float


@dataclass(frozen=True)
class ProgressContext:
    overall: readiness.Standing
    topics: list[TopicLine]
    questions: list[QuestionLine]
    calibration: list[CalibrationLine]


@router.get("/{lang}/progress")
async def progress(request: Request, lang: Language) -> HTMLResponse:
    rooms, learner = house(request), identity(request).known
    mine = await standings(rooms, learner)
    attempts = await run_in_threadpool(rooms.store.attempts, learner) if learner else []
    said: dict[int, list[bool]] = {}
    for attempt in attempts:
        if attempt.confidence is not None:
            said.setdefault(attempt.confidence, []).append(attempt.correct)
    context = ProgressContext(
        mine.overall,
        [TopicLine(rooms.library.topic(t).title.get(lang), found) for t, found in mine.by_topic.items()],
        [
            QuestionLine(
                question.number,
                question.text[lang].title,
                f"/{lang}/questions/{question.slug}",
                STATE_NAMES[lang][mine.by_question[question.slug].state],
                mine.by_question[question.slug],
            )
            for question in rooms.library.questions
            if not question.beyond or mine.by_question[question.slug].answered
        ],
        [CalibrationLine(level, len(hits), sum(hits) / len(hits)) for level, hits in sorted(said.items())],
    )
    name = "进度 · 看门道" if lang == "zh" else "Progress · Mendao"
    return rooms.templates.page("progress", lang, PageInfo(name, "progress"), context, nav="progress")


@router.get("/{lang}/fragments/score")
async def score(request: Request, lang: Language) -> HTMLResponse:
    mine = await standings(house(request), identity(request).known)
    return house(request).templates.fragment("score", lang, overall=mine.overall)


@router.get("/{lang}/fragments/standing/{slug}")
async def question_standing(request: Request, lang: Language, slug: str) -> HTMLResponse:
    rooms = house(request)
    if slug not in rooms.library.by_slug:
        raise Problem(404, "no-question")
    mine = await standings(rooms, identity(request).known)
    return rooms.templates.fragment("question_standing", lang, standing=mine.by_question[slug])
