"""Pages to look things up: the notation that holds everywhere, and the glossary."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from app.content import render
from app.protocol import Lang
from app.web.errors import Problem
from app.web.house import house
from app.web.page_cache import keep
from app.web.templating import PageInfo

router = APIRouter(include_in_schema=False)
Language = Annotated[Lang, Path()]


@dataclass(frozen=True)
class NotationContext:
    text: Markup


@dataclass(frozen=True)
class TermLine:
    id: str
    name: str
    other: str  # the same term in the other language
    pinyin: str
    says: str
    number: int
    href: str


@dataclass(frozen=True)
class GlossaryContext:
    terms: list[TermLine]


@router.get("/{lang}/notation")
async def notation(request: Request, lang: Language) -> HTMLResponse:
    keep(request)
    text = house(request).library.notation.get(lang)
    if not text:
        raise Problem(404, "not-found")
    title = "记号 · 看门道" if lang == "zh" else "Notation · Mendao"
    context = NotationContext(render(text, lang))
    return house(request).templates.page("notation", lang, PageInfo(title, "notation"), context)


@router.get("/{lang}/glossary")
async def glossary(request: Request, lang: Language) -> HTMLResponse:
    keep(request)
    library = house(request).library
    other = "en" if lang == "zh" else "zh"
    lines = [
        TermLine(
            term.id,
            term.name.get(lang),
            term.name.get(other),
            term.pinyin,
            term.says.get(lang),
            term.question,
            f"/{lang}/questions/{library.by_number[term.question].slug}",
        )
        for term in library.terms
        if term.question in library.by_number
    ]
    lines.sort(
        key=lambda line: (line.pinyin or line.name).casefold() if lang == "zh" else line.name.casefold()
    )
    title = "术语表 · 看门道" if lang == "zh" else "Glossary · Mendao"
    return house(request).templates.page(
        "glossary", lang, PageInfo(title, "glossary"), GlossaryContext(lines)
    )
