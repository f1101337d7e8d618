"""Answering an item from a page: by htmx the item comes back marked; without JavaScript, its page does."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from app.content import Item, Question
from app.protocol import Lang
from app.quiz.grading import MAX_TEXT, grade, parse_number
from app.store import Attempt
from app.web import views
from app.web.errors import Problem
from app.web.house import house
from app.web.item_view import ItemView, OneItem
from app.web.learners import identity
from app.web.marking import Marked, find, mark
from app.web.marking import Response as ItemResponse
from app.web.standing import standings

router = APIRouter(include_in_schema=False)
Language = Annotated[Lang, Path()]


def stored_view(question: Question, item: Item, attempt: Attempt, lang: str) -> ItemView:
    """The view of an item as it was answered; marked anew for its words, scored as stored."""
    marked = Marked(attempt, grade(item, attempt.response), item)
    return views.asked(question, item, lang, marked=marked, selftest=attempt.selftest_id or "")


@router.get("/{lang}/items/{item_id}")
async def fresh_item(request: Request, lang: Language, item_id: str) -> HTMLResponse:
    """An item to be answered (again)."""
    question, _ = find(house(request), item_id)
    view = views.asked(question, question.item(item_id, lang), lang)
    return house(request).templates.fragment("item", lang, view=view)


@router.post("/{lang}/items/{item_id}/attempts")
async def answer_item(request: Request, lang: Language, item_id: str) -> Response:
    """Mark what the form holds. A form that cannot be marked comes back with the reason, nothing lost."""
    rooms = house(request)
    question, _ = find(rooms, item_id)
    item = question.item(item_id, lang)
    form = await request.form(max_files=0, max_fields=100)
    partial = request.headers.get("hx-request") == "true"
    selftest = str(form.get("selftest", ""))[:32]
    if item.kind == "free" and "confirming" not in form:
        draft = str(form.get("text", ""))[:MAX_TEXT]
        return _answer(
            request,
            views.asked(question, item, lang, selftest=selftest, draft=draft),
            question,
            lang,
            partial,
        )
    learner = identity(request).need()
    if selftest and await run_in_threadpool(rooms.store.selftest, learner, selftest) is None:
        raise Problem(404, "no-selftest")
    response = ItemResponse(
        from_form(item, form),
        hint_used=form.get("hint_used") == "1",
        confidence=_confidence(form),
        key=str(form.get("key", ""))[:64] or None,
        selftest_id=selftest or None,
    )
    try:
        marked = await mark(rooms, learner, item_id, response, lang)
    except Problem as problem:
        if problem.status != 422:
            raise
        view = views.asked(question, item, lang, selftest=selftest, error=problem.message.get(lang))
        return _answer(request, view, question, lang, partial, status=422)
    if not partial:
        back = (
            f"/{lang}/exam/{selftest}"
            if selftest
            else f"/{lang}/questions/{question.slug}?attempt={marked.attempt.id}"
        )
        return RedirectResponse(f"{back}#item-{item_id}", status_code=303)
    view = views.asked(question, item, lang, marked=marked, selftest=selftest)
    mine = await standings(rooms, learner)
    return rooms.templates.fragment(
        "marked", lang, view=view, overall=mine.overall, standing=mine.by_question[question.slug]
    )


def _answer(
    request: Request, view: ItemView, question: Question, lang: str, partial: bool, status: int = 200
) -> Response:
    """The item alone for htmx, or a plain page around it."""
    templates = house(request).templates
    if partial:
        return templates.fragment("item", lang, status=status, view=view)
    from app.web.templating import PageInfo

    info = PageInfo(f"{question.number}. {question.text[lang].title}", f"questions/{question.slug}")
    context = OneItem(view, f"/{lang}/questions/{question.slug}", question.text[lang].title)
    return templates.page("item", lang, info, context, nav="questions", status=status)


def from_form(item: Item, form: FormData, prefix: str = "") -> Any:
    """The response in the API's shape; what cannot be read is passed on for marking to refuse."""
    shape = views.shape(item)
    if shape == "choice":
        return [_index(value) for value in form.getlist(f"{prefix}choice")]
    if shape == "order":
        places = {i: _index(form.get(f"{prefix}place-{i}", "")) for i in range(len(item.options))}
        if sorted(places.values()) != list(range(1, len(places) + 1)):
            return []  # two entries at one place: refused with the number of entries
        return sorted(places, key=lambda i: places[i])
    if shape == "cloze":
        return [str(value) for value in form.getlist(f"{prefix}blank")]
    if shape == "free":
        return {
            "text": str(form.get(f"{prefix}text", "")),
            "confirmed": [_index(v) for v in form.getlist(f"{prefix}confirmed")],
        }
    text = str(form.get(f"{prefix}number", ""))
    number = parse_number(text)
    return text if number is None else number


def _index(value: object) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1


def _confidence(form: FormData) -> int | None:
    value = _index(form.get("confidence", ""))
    return value if 0 <= value <= 100 else None
