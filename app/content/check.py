"""What a question must hold to be published: every fault with file, line and remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from app.content import typography
from app.content.blocks import read_text
from app.content.item_rules import Fault, item_faults, point_faults
from app.content.models import ContentError, Library, Page, Question
from app.content.parity import parity_faults
from app.content.prose import citations, prose_faults, read_prose, sentence_faults
from app.content.tables import line_of

Demos = Mapping[str, Callable[[Mapping[str, Any]], object]]  # slug → raises ValueError on params it refuses
LEAST_MACHINE_MARKED = 2


def check(library: Library, demos: Demos | None = None) -> list[ContentError]:
    """All faults, by file and line. `demos` are those that exist; without it they are not looked at.

    This room stands below the demos and cannot import them, so its callers bring their validators.
    """
    faults: list[ContentError] = []
    for question in library.questions:
        table = question.folder / "question.toml"
        faults += _at(table, _table_faults(library, question, table))
        if demos is not None:
            faults += _demo_faults(library, question, demos)
        first, *others = question.text
        for lang in others:
            found = parity_faults(question.text[first], question.text[lang], f"{first}.md")
            faults += _at(question.folder / f"{lang}.md", found)
        for lang, page in question.text.items():
            path = question.folder / f"{lang}.md"
            faults += _at(path, _page_faults(library, question, page, lang, read_text(path)))
    return sorted(faults, key=lambda fault: (fault.file, fault.line))


def _at(path: Path, faults: Iterable[Fault]) -> list[ContentError]:
    return [ContentError(path, *fault) for fault in faults]


def _table_faults(library: Library, question: Question, path: Path) -> Iterator[Fault]:
    for key in question.sources:
        if key not in library.sources:
            yield (
                line_of(path, "sources"),
                f"source {key} is not in sources.toml",
                "add it there, or mend the key",
            )
    if question.demo is None:
        yield 1, "no [demo]", "name the experiment that proves it, or will"
    else:
        for _, fault, remedy in typography.faults(question.demo.look.zh):
            yield line_of(path, "look_zh", "demo"), fault, remedy
    if not question.verdict and not question.beyond:
        yield 1, "no verdict", "write holds, imprecise, wrong or duplicate"
    for field, numbers in (("duplicate_of", [question.duplicate_of]), ("near", question.near)):
        for number in numbers:
            if number is not None and (number not in library.by_number or number == question.number):
                yield line_of(path, field), f"there is no other question {number}", "give another's number"
    if question.duplicate_of in library.by_number:
        yield from _duplicate_faults(question, library.by_number[question.duplicate_of], path)


def _duplicate_faults(question: Question, other: Question, path: Path) -> Iterator[Fault]:
    """A duplicate has the title and the answer of its first; only the explanation may be worded otherwise."""
    line = line_of(path, "duplicate_of")
    for lang, page in question.text.items():
        first = other.text[lang]
        if page.title != first.title:
            yield line, f"the titles in {lang}.md differ from {other.slug}", "copy it, or write near = […]"
        if _answer(page) != _answer(first):
            yield line, f"the answers in {lang}.md differ from {other.slug}", "copy it, or write near = […]"


def _answer(page: Page) -> str:
    """The source before its explanation."""
    return page.source.rpartition("\n**")[0]


def _page_faults(library: Library, question: Question, page: Page, lang: str, text: str) -> Iterator[Fault]:
    source, prose = _source_lines(page, text), read_prose(text)
    machine = [item for item in page.items if item.kind not in ("free", "predict")]
    if len(machine) < LEAST_MACHINE_MARKED:
        remedy = f"write at least {LEAST_MACHINE_MARKED} besides free and predict"
        yield page.lines["items"], f"{len(machine)} items that a machine marks", remedy
    for item in page.items:
        for line, fault, remedy in item_faults(item):
            yield line, f"{item.id}: {fault}", remedy
        yield from sentence_faults(item.line, item.sentence)
    if page.key_points:
        yield from point_faults(page.key_points, page.lines["key_points"], least=3)
    yield from (each for each in prose_faults(prose, question.folder.parent) if each[0] not in source)
    for line, key in citations(prose):
        if key not in library.sources:
            yield line, f"[@{key}] is cited but not in sources.toml", "add it there, or mend the key"
        elif key not in question.sources:
            yield line, f"[@{key}] is cited but not listed", "add it to `sources` in question.toml"
    if lang == "zh":
        yield from typography.faults(text, range(1, source.stop))


def _source_lines(page: Page, text: str) -> range:
    """The lines of the source section, if there is one: verbatim, so no rule of ours holds there."""
    start = page.lines.get("source")
    if start is None:
        return range(1, 1)
    later = [line for line in page.lines.values() if line > start]
    return range(start, min(later, default=text.count("\n") + 2))


def _demo_faults(library: Library, question: Question, demos: Demos) -> Iterator[ContentError]:
    table = question.folder / "question.toml"
    asked = [(table, line_of(table, "slug", "demo"), question.demo)] if question.demo else []
    pages = question.text.items()
    predicts = [
        (question.folder / f"{lang}.md", i.line, i.predict) for lang, page in pages for i in page.items
    ]
    for file, line, slug, params, measured in [
        *((file, line, demo.slug, demo.params, False) for file, line, demo in asked),
        *((file, line, predict.demo, predict.params, True) for file, line, predict in predicts if predict),
    ]:
        if slug in demos:
            try:
                demos[slug](params)
            except ValueError as error:
                fault = f"demo {slug} refuses {dict(params)}: {_one_line(error)}"
                yield ContentError(file, line, fault, f"see python -m app demo {slug} --help")
        elif slug not in library.planned_demos:
            remedy = "name one that exists, or add it to planned_demos in topics.toml"
            yield ContentError(file, line, f"there is no demo {slug!r}", remedy)
        elif measured:
            remedy = "use a demo that exists"
            yield ContentError(file, line, f"demo {slug!r} is only planned and measures nothing yet", remedy)


def _one_line(error: ValueError) -> str:
    return " ".join(str(error).split("For further information")[0].split())
