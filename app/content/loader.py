"""Reading the questions folder into a Library, every fault collected before anything is raised."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from app.content.blocks import Document, Section, read, read_text, split
from app.content.glossary import glossary_faults, read_glossary
from app.content.items import read_item
from app.content.keys import read_points
from app.content.models import (
    SOURCE_QUESTIONS,
    ContentError,
    ContentErrors,
    FollowUp,
    Item,
    Library,
    Page,
    Question,
)
from app.content.sections import cut
from app.content.tables import FOLDER, read_question, read_sources, read_topics
from app.protocol import LANGS


def load(root: Path, languages: Sequence[str] = LANGS) -> Library:
    """The library under `root`. Raises ContentErrors with every fault found.

    `languages` are the files read for each question; the first is the one whose items are numbered.
    """
    faults: list[ContentError] = []
    topics, planned = read_topics(root / "topics.toml")
    sources = read_sources(root / "sources.toml")
    terms = read_glossary(root / "glossary.toml")
    questions = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        try:
            questions.append(_question(folder, {topic.id for topic in topics}, languages))
        except ContentErrors as several:
            faults += several.faults
        except ContentError as fault:
            faults.append(fault)
    faults += _clashes(questions)
    faults += glossary_faults(terms, {question.number for question in questions}, root / "glossary.toml")
    notation = {
        lang: read_text(page) for lang in languages if (page := root / f"notation.{lang}.md").exists()
    }
    if faults:
        raise ContentErrors(faults)
    ordered = tuple(sorted(questions, key=lambda q: q.number))
    return Library(ordered, topics, sources, planned, terms, notation)


def _question(folder: Path, topics: set[str], languages: Sequence[str]) -> Question:
    if not FOLDER.fullmatch(folder.name):
        raise ContentError(folder, 1, "not a question's folder", "name it NN-slug, in lower case")
    faults: list[ContentError] = []
    pages: dict[str, Page] = {}
    for lang in languages:
        try:
            pages[lang] = _page(
                read(folder / f"{lang}.md", lang), beyond=int(folder.name[:2]) > SOURCE_QUESTIONS
            )
        except ContentErrors as several:
            faults += several.faults
        except ContentError as fault:
            faults.append(fault)
    try:
        question = read_question(folder, topics, pages)
    except ContentErrors as several:
        faults += several.faults
    except ContentError as fault:
        faults.append(fault)
    if faults:
        raise ContentErrors(faults)
    return question


def _page(document: Document, *, beyond: bool) -> Page:
    title, sections = cut(document, beyond=beyond)
    faults: list[ContentError] = []
    items: list[Item] = []
    for each in _entries(document, sections["items"], "item"):
        try:
            items.append(read_item(document, each))
        except ContentError as fault:
            faults.append(fault)
    points = sections.get("key_points")
    try:
        key_points = read_points(document, points.parts) if points else ()
    except ContentError as fault:
        faults.append(fault)
    if faults:
        raise ContentErrors(faults)
    follow_ups = sections.get("follow_ups")
    return Page(
        title=title,
        source=_raw(document, sections["source"]) if "source" in sections else "",
        answer=_raw(document, sections["answer"]) if "answer" in sections else "",
        items=tuple(items),
        review=_raw(document, sections["review"]) if "review" in sections else "",
        model_answer=_raw(document, sections["model_answer"]) if "model_answer" in sections else "",
        key_points=key_points,
        follow_ups=tuple(
            FollowUp(each.title, _raw(document, each))
            for each in (_entries(document, follow_ups, "follow-up") if follow_ups else ())
        ),
        lines={name: section.line for name, section in sections.items()},
    )


def _raw(document: Document, section: Section) -> str:
    return document.raw(section.start, section.end)


def _entries(document: Document, section: Section, what: str) -> list[Section]:
    """The '### ' headings of a section; nothing may stand before the first."""
    before, found = split(document, section.parts, 3)
    if before:
        raise document.error(
            before[0].line, f"text before the first {what}", f"begin each {what} with '### '"
        )
    return found


def _clashes(questions: list[Question]) -> list[ContentError]:
    """Two questions of one number, two items of one id, ids that do not carry their question's number."""
    faults: list[ContentError] = []
    numbers: dict[int, Question] = {}
    for question in questions:
        other = numbers.setdefault(question.number, question)
        if other is not question:
            path = question.folder / "question.toml"
            faults.append(
                ContentError(path, 1, f"number {question.number} is taken by {other.slug}", "choose another")
            )
        for lang, page in question.text.items():
            faults += _ids(question, question.folder / f"{lang}.md", page)
    return faults


def _ids(question: Question, path: Path, page: Page) -> list[ContentError]:
    faults: list[ContentError] = []
    seen: set[str] = set()
    for item in page.items:
        if not re.match(rf"{question.number:02}-", item.id):
            fault = f"item id {item.id} must begin with {question.number:02}-"
            faults.append(ContentError(path, item.line, fault, "give it the next free letter"))
        if item.id in seen:
            remedy = "give the newer one the next free letter"
            faults.append(ContentError(path, item.line, f"item id {item.id} is used twice", remedy))
        seen.add(item.id)
    return faults
