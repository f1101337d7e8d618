"""All questions on one page, to be printed or read in one sitting."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from app.content import Question, render, render_inline
from app.protocol import Lang
from app.web.house import house
from app.web.page_cache import keep
from app.web.pages import VERDICTS
from app.web.templating import PageInfo

router = APIRouter(include_in_schema=False)
Language = Annotated[Lang, Path()]


@dataclass(frozen=True)
class Entry:
    """One question with everything but its items."""

    number: int
    title: str
    href: str
    verdict: str
    verdict_name: str
    source: Markup
    review: Markup | None
    model_answer: Markup | None
    key_points: list[Markup]
    follow_ups: list[tuple[Markup, Markup]]


@dataclass(frozen=True)
class BookContext:
    entries: list[Entry]


@router.get("/{lang}/book")
async def book(request: Request, lang: Language) -> HTMLResponse:
    keep(request)
    rooms = house(request)
    entries = await asyncio.to_thread(
        lambda: [_entry(question, lang) for question in rooms.library.of_source]
    )
    title = "全部题目 · 看门道" if lang == "zh" else "All questions · Mendao"
    return rooms.templates.page("book", lang, PageInfo(title, "book"), BookContext(entries), nav="questions")


def _entry(question: Question, lang: str) -> Entry:
    text = question.text[lang]
    return Entry(
        number=question.number,
        title=text.title,
        href=f"/{lang}/questions/{question.slug}",
        verdict=question.verdict,
        verdict_name=VERDICTS[question.verdict][0 if lang == "zh" else 1] if question.verdict else "",
        source=render(text.source, lang),
        review=render(text.review, lang) if text.review else None,
        model_answer=render(text.model_answer, lang) if text.model_answer else None,
        key_points=[render_inline(point.text, lang) for point in text.key_points],
        follow_ups=[
            (render_inline(each.question, lang), render(each.answer, lang)) for each in text.follow_ups
        ],
    )
