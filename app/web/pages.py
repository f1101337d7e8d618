"""Pages of the questions: the first page, the list with its filters and search, one question."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field

from app.content import Linker, Question, Topic, render, search
from app.protocol import Lang
from app.quiz import readiness
from app.web import views
from app.web.errors import Problem, language
from app.web.house import House, house
from app.web.item_view import ItemView
from app.web.learners import identity
from app.web.page_cache import keep
from app.web.standing import Standings, standings
from app.web.templating import PageInfo

router = APIRouter(include_in_schema=False)
Language = Annotated[Lang, Path()]
VERDICTS = {
    "holds": ("成立", "holds"),
    "imprecise": ("不够准确", "imprecise"),
    "wrong": ("有错", "wrong"),
    "duplicate": ("重复题", "duplicate"),
}


@router.get("/")
async def choose_language(request: Request) -> RedirectResponse:
    return RedirectResponse(
        f"/{language(request.scope)}/", status_code=302, headers={"Vary": "Accept-Language"}
    )


@dataclass(frozen=True)
class HomeContext:
    counts: dict[str, int]
    featured: str


@router.get("/{lang}/")
async def home(request: Request, lang: Language) -> HTMLResponse:
    keep(request)
    rooms = house(request)
    items = sum(len(question.items) for question in rooms.library.of_source)
    counts = {"questions": len(rooms.library.of_source), "items": items, "demos": len(rooms.demos)}
    title = (
        "看门道 Mendao · 用实验检验 LSTM 面试题"
        if lang == "zh"
        else "Mendao · LSTM interview questions, put to the test"
    )
    return rooms.templates.page("home", lang, PageInfo(title, ""), HomeContext(counts, "temporal-order"))


# ── the list ──


class Filters(BaseModel):
    """What to show of the list; an empty choice means all."""

    model_config = ConfigDict(extra="ignore")

    q: str = Field("", max_length=200)
    topic: list[str] = Field(default_factory=list, max_length=20)
    level: list[Annotated[int, Field(ge=1, le=3)]] = Field(default_factory=list, max_length=3)
    state: list[readiness.State] = Field(default_factory=list, max_length=4)
    beyond: bool = False  # whether to show those that the source lacks


@dataclass(frozen=True)
class Row:
    """One question in the list."""

    question: Question
    title: str
    topic: Topic
    href: str
    twin: int | None
    standing: readiness.Standing


@dataclass(frozen=True)
class ListContext:
    rows: list[Row]
    total: int
    topics: tuple[Topic, ...]
    filters: Filters
    states: dict[str, str]
    overall: readiness.Standing
    personal: bool  # whether the standings are this learner's (else they arrive as a fragment)


STATE_NAMES = {
    "zh": {"new": "未做", "started": "做了一部分", "right": "全对", "wrong": "有错"},
    "en": {"new": "new", "started": "started", "right": "all right", "wrong": "some wrong"},
}


@router.get("/{lang}/questions/")
async def question_list(
    request: Request, lang: Language, filters: Annotated[Filters, Query()]
) -> HTMLResponse:
    context = await _list(request, lang, filters, personal=bool(request.url.query))
    if not request.url.query:
        keep(request)
    title = "30 道题 · 看门道" if lang == "zh" else "The 30 questions · Mendao"
    return house(request).templates.page(
        "questions", lang, PageInfo(title, "questions/"), context, nav="questions"
    )


@router.get("/{lang}/questions", include_in_schema=False)
async def question_list_bare(lang: Language) -> RedirectResponse:
    return RedirectResponse(f"/{lang}/questions/", status_code=307)


@router.get("/{lang}/fragments/questions")
async def question_rows(
    request: Request, lang: Language, filters: Annotated[Filters, Query()]
) -> HTMLResponse:
    """The rows for a filter as you type, with this learner's standings."""
    return house(request).templates.fragment(
        "question_rows", lang, await _list(request, lang, filters, personal=True)
    )


async def _list(request: Request, lang: str, filters: Filters, *, personal: bool) -> ListContext:
    rooms = house(request)
    mine = await standings(rooms, identity(request).known if personal else None)
    shown = rooms.library.questions if filters.beyond else rooms.library.of_source
    found = (
        [each for each in search(rooms.library, filters.q) if each in shown] if filters.q.strip() else shown
    )
    rows = [
        _row(rooms, question, lang, mine)
        for question in found
        if (not filters.topic or question.topic in filters.topic)
        and (not filters.level or question.level in filters.level)
        and (not filters.state or mine.by_question[question.slug].state in filters.state)
    ]
    return ListContext(
        rows,
        len(shown),
        rooms.library.topics,
        filters,
        STATE_NAMES[lang],
        mine.overall,
        personal,
    )


def _row(rooms: House, question: Question, lang: str, mine: Standings) -> Row:
    return Row(
        question=question,
        title=question.text[lang].title,
        topic=rooms.library.topic(question.topic),
        href=f"/{lang}/questions/{question.slug}",
        twin=question.duplicate_of or (question.near[0] if question.near else None),
        standing=mine.by_question[question.slug],
    )


# ── one question ──


@dataclass(frozen=True)
class Link:
    number: int
    title: str
    href: str


@dataclass(frozen=True)
class DemoTeaser:
    title: str
    look: str
    href: str
    built: bool


@dataclass(frozen=True)
class SourceNote:
    id: str
    text: str
    checked: str
    href: str


@dataclass(frozen=True)
class QuestionContext:
    question: Question
    title: str
    topic: Topic
    source: Markup
    answer: Markup | None
    review: Markup | None
    verdict: str
    verdict_name: str
    key_points: list[Markup]
    essential: list[bool]
    follow_ups: list[tuple[Markup, Markup]]
    items: list[ItemView]
    demo: DemoTeaser | None
    duplicate: Link | None
    twins: list[Link]
    previous: Link | None
    next: Link | None
    sources: list[SourceNote]
    minutes: int
    reveal: bool


@router.get("/{lang}/questions/{slug}")
async def question_page(
    request: Request, lang: Language, slug: str, attempt: Annotated[int | None, Query(ge=1)] = None
) -> HTMLResponse:
    """A question; with ?attempt= (after answering without JavaScript) that answer stands marked in its place."""
    rooms = house(request)
    question = rooms.library.by_slug.get(slug)
    if question is None:
        raise Problem(404, "no-question")
    if not request.url.query:
        keep(request)
    shown = await _shown_items(request, question, lang, attempt)
    context = await asyncio.to_thread(_question, rooms, question, lang, shown, attempt is not None)
    info = PageInfo(
        f"{question.number}. {context.title} · {'看门道' if lang == 'zh' else 'Mendao'}", f"questions/{slug}"
    )
    return rooms.templates.page("question", lang, info, context, nav="questions")


async def _shown_items(
    request: Request, question: Question, lang: str, attempt: int | None
) -> list[ItemView]:
    from app.web.items import stored_view

    learner = identity(request).known
    stored = None
    if attempt is not None and learner is not None:
        stored = await asyncio.to_thread(house(request).store.attempt, learner, attempt)
    return [
        stored_view(question, item, stored, lang)
        if stored and stored.item_id == item.id
        else views.asked(question, item, lang, key="")
        for item in question.text[lang].items
    ]


def _question(
    rooms: House, question: Question, lang: str, shown: list[ItemView], reveal: bool
) -> QuestionContext:
    library, text = rooms.library, question.text[lang]
    before, after = library.neighbours(question)
    linker = Linker(library.terms, lang)

    def link(other: Question) -> Link:
        return Link(other.number, other.text[lang].title, f"/{lang}/questions/{other.slug}")

    return QuestionContext(
        question=question,
        title=text.title,
        topic=library.topic(question.topic),
        source=render(text.source, lang),
        answer=linker.link(render(text.answer, lang)) if text.answer else None,
        review=linker.link(render(text.review, lang)) if text.review else None,
        verdict=question.verdict or "",
        verdict_name=VERDICTS[question.verdict][0 if lang == "zh" else 1] if question.verdict else "",
        key_points=[render(point.text, lang) for point in text.key_points],
        essential=[point.essential for point in text.key_points],
        follow_ups=[
            (render(follow.question, lang), linker.link(render(follow.answer, lang)))
            for follow in text.follow_ups
        ],
        items=shown,
        demo=_teaser(rooms, question, lang),
        duplicate=link(library.by_number[question.duplicate_of]) if question.duplicate_of else None,
        twins=[link(twin) for twin in library.twins(question)],
        previous=link(before) if before else None,
        next=link(after) if after else None,
        sources=[SourceNote(s.id, s.text, s.checked, s.href) for s in library.sources_of(question)],
        minutes=max(1, round(len(text.source + (text.review or "")) / (400 if lang == "zh" else 1100))),
        reveal=reveal,
    )


def _teaser(rooms: House, question: Question, lang: str) -> DemoTeaser | None:
    if question.demo is None:
        return None
    demo = rooms.demos.get(question.demo.slug)
    query = "&".join(f"{name}={value}" for name, value in question.demo.params.items())
    return DemoTeaser(
        title=demo.title.get(lang) if demo else question.demo.slug,
        look=question.demo.look.get(lang),
        href=f"/{lang}/demos/{question.demo.slug}" + (f"?{query}" if query else ""),
        built=demo is not None,
    )
