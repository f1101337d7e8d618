"""The self-test: choose, answer one by one or all at once, see the result, try the wrong ones again."""

import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from app.content import Item, Question, Topic
from app.protocol import Bilingual, Lang
from app.quiz import readiness, selftest
from app.store import Attempt, SelfTest
from app.web import views
from app.web.errors import Problem
from app.web.house import House, house
from app.web.item_view import ItemView
from app.web.items import from_form, stored_view
from app.web.learners import identity
from app.web.marking import Response as ItemResponse
from app.web.marking import mark
from app.web.templating import PageInfo

router = APIRouter(include_in_schema=False)
Language = Annotated[Lang, Path()]


@dataclass(frozen=True)
class ExamContext:
    """The page where a self-test is chosen."""

    topics: tuple[Topic, ...]
    available: int
    maximum: int
    earlier: list["Earlier"]
    error: str = ""
    has_beyond: bool = False


@dataclass(frozen=True)
class Earlier:
    href: str
    at: str
    answered: int
    items: int
    score: float
    finished: bool


class Choice(BaseModel):
    """What the learner chose; empty topics or levels mean all."""

    model_config = ConfigDict(extra="forbid")

    topic: list[str] = Field(default_factory=list, max_length=20)
    level: list[Annotated[int, Field(ge=1, le=3)]] = Field(default_factory=list, max_length=3)
    number: int = Field(10, ge=1, le=selftest.MAX_ITEMS)
    mode: str = Field("one", pattern="^(one|all)$")
    beyond: bool = False
    wrong_of: str | None = Field(None, max_length=32)


@router.get("/{lang}/exam")
async def choose(request: Request, lang: Language) -> HTMLResponse:
    return await _choosing(request, lang)


async def _choosing(request: Request, lang: str, error: str = "", status: int = 200) -> HTMLResponse:
    rooms = house(request)
    learner = identity(request).known
    earlier: list[Earlier] = []
    if learner:
        for test in (await run_in_threadpool(rooms.store.selftests, learner))[:10]:
            done = await _answers(rooms, learner, test)
            score = sum(attempt.score for attempt in done.values())
            at = test.created_at.strftime("%Y-%m-%d %H:%M")
            here = f"/{lang}/exam/{test.id}"
            earlier.append(
                Earlier(here, at, len(done), len(test.item_ids), score, test.finished_at is not None)
            )
    context = ExamContext(
        rooms.library.topics,
        len(selftest.pool(rooms.library, (), ())),
        selftest.MAX_ITEMS,
        earlier,
        error,
        has_beyond=len(rooms.library.questions) > len(rooms.library.of_source),
    )
    title = "自测 · 看门道" if lang == "zh" else "Self-test · Mendao"
    return rooms.templates.page("exam", lang, PageInfo(title, "exam"), context, nav="exam", status=status)


@router.post("/{lang}/exam")
async def begin(request: Request, lang: Language, choice: Annotated[Choice, Form()]) -> Response:
    rooms, learner = house(request), identity(request).need()
    if choice.wrong_of:
        before = await _test(rooms, learner, choice.wrong_of)
        answers = await _answers(rooms, learner, before)
        ids = [i for i in before.item_ids if i not in answers or not answers[i].correct]
    else:
        ids = selftest.draw(
            rooms.library,
            choice.topic,
            choice.level,
            choice.number,
            secrets.randbelow(2**31),
            beyond=choice.beyond,
        )
    if not ids:
        error = Bilingual(
            "这样选没有题目：放宽专题（topic）或难度（level）。", "No items match: widen topic or level."
        )
        return await _choosing(request, lang, error.get(lang), status=422)
    test = SelfTest(
        id=secrets.token_hex(8), learner_id=learner, item_ids=ids, mode=choice.mode, created_at=rooms.now()
    )
    await run_in_threadpool(rooms.store.open_selftest, test)
    return RedirectResponse(f"/{lang}/exam/{test.id}", status_code=303)


# ── answering ──


@dataclass(frozen=True)
class SheetContext:
    """A self-test under way: one item, or all of them in one form."""

    id: str
    mode: str
    views: list[ItemView]
    place: int
    total: int
    answered: int
    action: str
    error: str = ""


@router.get("/{lang}/exam/{test_id}")
async def sheet(request: Request, lang: Language, test_id: str) -> Response:
    """The next item not answered yet (or the one just answered, with its result), or the whole sheet."""
    rooms, learner = house(request), identity(request).known
    test = await _test(rooms, learner, test_id)
    if test.finished_at is not None:
        return RedirectResponse(f"/{lang}/exam/{test_id}/result", status_code=303)
    answers = await _answers(rooms, learner or "", test)
    ids: list[str] = list(test.item_ids)
    if test.mode == "all":
        views_of_all = [_view(rooms, item_id, lang, test_id) for item_id in ids]
        return _sheet(request, lang, test, views_of_all, 1, len(answers))
    asked = request.query_params.get("at", "")
    open_places = [place for place, item_id in enumerate(ids) if item_id not in answers]
    place = int(asked) - 1 if asked.isascii() and asked.isdigit() and 1 <= int(asked) <= len(ids) else -1
    if place < 0:
        if not open_places:
            return await _finish(rooms, lang, test)
        place = open_places[0]
    item_id = ids[place]
    view = _view(rooms, item_id, lang, test_id, answers.get(item_id))
    return _sheet(request, lang, test, [view], place + 1, len(answers))


def _sheet(
    request: Request,
    lang: str,
    test: SelfTest,
    shown: list[ItemView],
    place: int,
    answered: int,
    error: str = "",
) -> HTMLResponse:
    context = SheetContext(
        test.id,
        test.mode,
        shown,
        place,
        len(test.item_ids),
        answered,
        f"/{lang}/exam/{test.id}/answers",
        error,
    )
    title = "自测进行中 · 看门道" if lang == "zh" else "Self-test · Mendao"
    info = PageInfo(title, f"exam/{test.id}")
    return house(request).templates.page(
        "exam_sheet", lang, info, context, nav="exam", status=422 if error else 200
    )


@router.post("/{lang}/exam/{test_id}/answers")
async def answer_all(request: Request, lang: Language, test_id: str) -> Response:
    """All answers of an 'all at once' sheet. Blank ones count as not answered: they are not stored."""
    rooms, learner = house(request), identity(request).known
    test = await _test(rooms, learner, test_id)
    form = await request.form(max_files=0, max_fields=1000)
    done = await _answers(rooms, learner or "", test)
    for item_id in test.item_ids:
        question, item = _item(rooms, item_id, lang)
        response = from_form(item, form, prefix=f"{item_id}.")
        if item_id in done or _blank(item, response):
            continue
        key = f"{test_id}.{item_id}"
        try:
            await mark(
                rooms, learner or "", item_id, ItemResponse(response, key=key, selftest_id=test_id), lang
            )
        except Problem as problem:
            if problem.status != 422:
                raise
            where = f"{item_id} · {question.text[lang].title}"
            shown = [_view(rooms, i, lang, test_id) for i in test.item_ids]
            return _sheet(request, lang, test, shown, 1, len(done), f"{where}: {problem.message.get(lang)}")
    return await _finish(rooms, lang, test)


@router.post("/{lang}/exam/{test_id}/finish")
async def finish(request: Request, lang: Language, test_id: str) -> Response:
    """End a self-test early."""
    return await _finish(house(request), lang, await _test(house(request), identity(request).known, test_id))


async def _finish(rooms: House, lang: str, test: SelfTest) -> Response:
    await run_in_threadpool(rooms.store.finish_selftest, test.learner_id, test.id, rooms.now())
    return RedirectResponse(f"/{lang}/exam/{test.id}/result", status_code=303)


# ── the result ──


@dataclass(frozen=True)
class TopicScore:
    title: str
    standing: readiness.Standing


@dataclass(frozen=True)
class ResultContext:
    id: str
    overall: readiness.Standing
    topics: list[TopicScore]
    wrong: list[tuple[str, str, ItemView]]  # question title, its address, the item as answered
    right: int
    unanswered: int


@router.get("/{lang}/exam/{test_id}/result")
async def result(request: Request, lang: Language, test_id: str) -> Response:
    rooms, learner = house(request), identity(request).known
    test = await _test(rooms, learner, test_id)
    if test.finished_at is None:
        return RedirectResponse(f"/{lang}/exam/{test_id}", status_code=303)
    answers = await _answers(rooms, learner or "", test)
    by_topic: dict[str, list[str]] = {}
    wrong = []
    for item_id in test.item_ids:
        question, item = _item(rooms, item_id, lang)
        by_topic.setdefault(question.topic, []).append(item_id)
        here = f"/{lang}/questions/{question.slug}"
        attempt = answers.get(item_id)
        if attempt is None:
            wrong.append((question.text[lang].title, here, views.left_blank(question, item, lang)))
        elif not attempt.correct:
            wrong.append((question.text[lang].title, here, stored_view(question, item, attempt, lang)))
    context = ResultContext(
        test_id,
        _standing(test.item_ids, answers),
        [
            TopicScore(rooms.library.topic(t).title.get(lang), _standing(ids, answers))
            for t, ids in by_topic.items()
        ],
        wrong,
        sum(attempt.correct for attempt in answers.values()),
        len(test.item_ids) - len(answers),
    )
    title = "自测结果 · 看门道" if lang == "zh" else "Self-test result · Mendao"
    return rooms.templates.page(
        "exam_result", lang, PageInfo(title, f"exam/{test_id}/result"), context, nav="exam"
    )


def _standing(ids: list[str], answers: dict[str, Attempt]) -> readiness.Standing:
    """Over a whole test an item left blank scores nothing, so the maximum is the number of items."""
    found = readiness.standing(ids, answers)
    return readiness.Standing(
        found.state, found.items, found.answered, found.correct, found.score, float(len(ids)), found.due
    )


# ── shared ──


async def _test(rooms: House, learner: str | None, test_id: str) -> SelfTest:
    test = await run_in_threadpool(rooms.store.selftest, learner, test_id) if learner else None
    if test is None:
        raise Problem(404, "no-selftest")
    return test


async def _answers(rooms: House, learner: str, test: SelfTest) -> dict[str, Attempt]:
    """The first attempt at each item within the test."""
    attempts = await run_in_threadpool(rooms.store.attempts, learner, selftest_id=test.id)
    return {attempt.item_id: attempt for attempt in reversed(attempts)}


def _item(rooms: House, item_id: str, lang: str) -> tuple[Question, Item]:
    found = rooms.library.find(item_id)
    if found is None:  # the content changed since the test was drawn
        raise Problem(404, "no-item")
    return found[0], found[0].item(item_id, lang)


def _view(rooms: House, item_id: str, lang: str, test_id: str, attempt: Attempt | None = None) -> ItemView:
    question, item = _item(rooms, item_id, lang)
    if attempt is not None:
        return stored_view(question, item, attempt, lang)
    return views.asked(question, item, lang, selftest=test_id)


def _blank(item: Item, response: object) -> bool:
    if item.kind == "cloze":
        return not any(str(text).strip() for text in response) if isinstance(response, list) else True
    if item.kind == "order" and response == list(range(len(item.options))):
        return True  # left as it was shown, which is never the right order
    return response in ([], "")
