"""What a question must hold before it is shown to readers; while it is written it may hold less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.content.item_rules import Fault
from app.content.listing import missing
from app.content.models import ContentError, Library, Page, Question

LEAST_ITEMS, FOLLOW_UPS = 5, 3
SENTENCES = range(2, 5)  # of a follow-up's answer


@dataclass(frozen=True)
class Length:
    """How long a text is: English words, or Chinese characters with each Latin word as one."""

    en: tuple[int, int]
    zh: tuple[int, int]


# A Chinese text says in 1.5 characters what English says in a word; people speak 150 words or 230 characters a minute.
REVIEW, ANSWER, SPOKEN = (
    Length((150, 400), (225, 600)), Length((200, 450), (300, 675)), Length((140, 230), (210, 350)),
)  # fmt: skip
_UNREAD = re.compile(r"```.*?```|\$\$.*?\$\$|\[@[^\]]*\]|<!--.*?-->", re.DOTALL)
_WORD = re.compile(r"[A-Za-z0-9][\w'’.-]*|[\u4e00-\u9fff]")
_END = re.compile(r"[。！？]|[.!?][’”)]*(?=\s+[A-Z‘“(\d$`*]|\s*$)")


def completeness(library: Library) -> list[ContentError]:
    """What every question lacks, with file, line and remedy."""
    faults = []
    for question in library.questions:
        if lacks := missing(question):
            remedy = "write it, or check with --draft until it is there"
            faults.append(
                ContentError(question.folder / "question.toml", 1, f"without {', '.join(lacks)}", remedy)
            )
        for lang, page in question.text.items():
            path = question.folder / f"{lang}.md"
            faults += [ContentError(path, *fault) for fault in _page_faults(question, page, lang)]
    return faults


def words(text: str) -> int:
    """English words, or Chinese characters and Latin words, without code, displayed formulas and citations."""
    return len(_WORD.findall(_UNREAD.sub(" ", text)))


def sentences(text: str) -> int:
    """Sentences, by what ends them."""
    return len(_END.findall(_UNREAD.sub(" ", text).strip()))


def _page_faults(question: Question, page: Page, lang: str) -> Iterator[Fault]:
    if len(page.items) < LEAST_ITEMS:
        yield page.lines["items"], f"{len(page.items)} items", f"write at least {LEAST_ITEMS}"
    for name, text, length in (
        ("review", page.review, REVIEW), ("answer", page.answer, ANSWER), ("model_answer", page.model_answer, SPOKEN),
    ):  # fmt: skip
        low, high = length.zh if lang == "zh" else length.en
        unit = "characters" if lang == "zh" else "words"
        if text and not low <= words(text) <= high:
            fault = f"the {name.replace('_', ' ')} has {words(text)} {unit}"
            yield page.lines[name], fault, f"write {low} to {high}"
    if page.follow_ups and len(page.follow_ups) != FOLLOW_UPS:
        yield page.lines["follow_ups"], f"{len(page.follow_ups)} follow-ups", f"write {FOLLOW_UPS}"
    for place, each in enumerate(page.follow_ups, 1):
        if sentences(each.answer) not in SENTENCES:
            fault = f"the answer to follow-up {place} has {sentences(each.answer)} sentences"
            yield page.lines["follow_ups"], fault, "write two to four"
    twin = question.duplicate_of
    if twin is not None and page.review and not re.search(rf"(?<!\d){twin}(?!\d)", page.review):
        yield page.lines["review"], f"the review does not name its twin, question {twin}", "name it"
