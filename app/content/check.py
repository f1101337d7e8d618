"""What a question must hold to be published: each fault with file, line and remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from app.content import typography
from app.content.models import ContentError, Item, KeyPoint, Library, Page, Question
from app.content.render import MathError, render

Demos = Mapping[str, Callable[[Mapping[str, Any]], None]]  # slug → raises ValueError on params it refuses
_CITED = re.compile(r"\[@(S\d+)\]")
_RAW = re.compile(r"<(?!!--|https?:|mailto:)/?[a-zA-Z][^>\n]*>")
_COMMENT = re.compile(r"<!--\s*(\w+)")
_KNOWN_COMMENTS = {"item", "predict", "range", "check"}
_CODE = re.compile(r"```.*?```|`[^`]*`|\$[^$]*\$", re.DOTALL)


def check(library: Library, demos: Demos | None = None) -> list[ContentError]:
    """All faults; without `demos` the names and params of demos are not looked at."""
    faults: list[ContentError] = []
    for question in library.questions:
        faults += _question(library, question)
        faults += _parity(question)
        faults += _duplicate(library, question)
        if demos is not None:
            faults += _demos(library, question, demos)
        for lang, page in question.text.items():
            path = question.folder / f"{lang}.md"
            faults += _file(path, path.read_text(encoding="utf-8"), page, lang)
            for item in page.items:
                faults += [ContentError(path, item.line, f"{item.id}: {fault}") for fault in item_faults(item)]
                faults += _math(path, item.line, [item.prompt, item.hint, item.explanation, *_texts(item)], lang)
            faults += _math(path, page.lines.get("review", 0), [page.review], lang)
    return faults


def _texts(item: Item) -> list[str]:
    return [text for option in item.options for text in (option.text, option.feedback)]


def item_faults(item: Item) -> Iterator[str]:
    """What is wrong with one item by itself."""
    right = sum(option.right for option in item.options)
    wrong = len(item.options) - right
    if not item.explanation:
        yield "no explanation; write one to three sentences after the key"
    if item.kind in ("single", "bug") and right != 1:
        yield f"{right} options are marked [x]; exactly one must be"
    if item.kind in ("single", "bug") and wrong < 1:
        yield "there is no wrong option"
    if item.kind == "multi" and wrong < 2:
        yield "a multi needs at least two wrong options"
    if item.kind == "order" and not 3 <= len(item.options) <= 6:
        yield "an order has three to six entries"
    if item.kind in ("single", "multi", "bug"):
        for option in item.options:
            if not option.feedback:
                yield f"option {option.text[:30]!r} has no feedback; write '  > why' under it"
    if len({option.text for option in item.options}) < len(item.options):
        yield "two options read the same"
    if item.kind == "free":
        yield from _points_faults(item.points)
    if item.kind == "predict" and item.options:
        yield from _range_faults(item)


def _points_faults(points: tuple[KeyPoint, ...]) -> Iterator[str]:
    if not 2 <= len(points) <= 6:
        yield "a free item has two to six key points"
    if not any(point.essential for point in points):
        yield "no key point is essential; mark one (2!)"
    for point in points:
        if not 2 <= len(point.phrasings) <= 8:
            yield f"key point {point.text[:20]!r} has {len(point.phrasings)} phrasings; give two to eight"


def _range_faults(item: Item) -> Iterator[str]:
    spans = sorted(
        (
            option.range.low if option.range.low is not None else float("-inf"),
            option.range.high if option.range.high is not None else float("inf"),
        )
        for option in item.options
        if option.range
    )
    if len(spans) != len(item.options):
        yield "every option of a predict carries <!-- range: low..high -->"
    if any(after[0] < before[1] for before, after in zip(spans, spans[1:], strict=False)):
        yield "the ranges of two options overlap"
    if sum(option.right for option in item.options) != 1:
        yield "exactly one option is marked [x]: the one that runs are seen to give"


def _question(library: Library, question: Question) -> Iterator[ContentError]:
    path = question.folder / "question.toml"
    for key in question.sources:
        if key not in library.sources:
            yield ContentError(path, 0, f"source {key} is not in sources.toml")
    if question.demo is None:
        yield ContentError(path, 0, "no [demo]: name the experiment that will prove it")
    if not question.verdict:
        yield ContentError(path, 0, "no verdict: holds, imprecise, wrong or duplicate")
    machine = [item for item in question.text["zh"].items if item.kind not in ("free", "predict")]
    if len(machine) < 2:
        yield ContentError(question.folder / "zh.md", 0, f"{len(machine)} machine-marked items; at least two are needed")


def _duplicate(library: Library, question: Question) -> Iterator[ContentError]:
    path = question.folder / "question.toml"
    for number in (question.duplicate_of, *question.near):
        if number is not None and (number not in library.by_number or number == question.number):
            yield ContentError(path, 0, f"there is no other question {number}")
    other = library.by_number.get(question.duplicate_of or 0)
    if other and other.text["zh"].title != question.text["zh"].title:
        yield ContentError(path, 0, f"duplicate_of = {other.number}, but the titles differ")


def _shape(item: Item) -> dict[str, Any]:
    """What both languages must share."""
    return {
        "id": item.id,
        "kind": item.kind,
        "right options": [option.right for option in item.options],
        "ranges": [(o.range.low, o.range.high) if o.range else None for o in item.options],
        "blanks": len(item.blanks),
        "answer": (item.numeric.value, item.numeric.tolerance) if item.numeric else None,
        "key points": [(point.weight, point.essential) for point in item.points],
        "predict": (item.predict.demo, dict(item.predict.params), item.predict.metric) if item.predict else None,
        "check": item.check,
        "code": bool(item.code),
    }


def _parity(question: Question) -> Iterator[ContentError]:
    zh, en = question.text["zh"], question.text["en"]
    path = question.folder / "en.md"
    if [item.id for item in zh.items] != [item.id for item in en.items]:
        yield ContentError(path, 0, "the items' ids or their order differ from zh.md")
        return
    for ours, theirs in zip(zh.items, en.items, strict=True):
        before, after = _shape(ours), _shape(theirs)
        for name in before:
            if before[name] != after[name]:
                yield ContentError(path, theirs.line, f"{ours.id}: {name} differ from zh.md: {before[name]} and {after[name]}")
    for name, first, second in (
        ("Key points", [(p.weight, p.essential) for p in zh.key_points], [(p.weight, p.essential) for p in en.key_points]),
        ("Follow-ups", len(zh.follow_ups), len(en.follow_ups)),
        ("Review", bool(zh.review), bool(en.review)),
    ):
        if first != second:
            yield ContentError(path, 0, f"'## {name}' differs from zh.md: {first} and {second}")


def _file(path: Path, text: str, page: Page, lang: str) -> Iterator[ContentError]:
    lines = text.split("\n")
    prose = _CODE.sub(lambda found: "\n" * found[0].count("\n"), text)
    for number, line in enumerate(prose.split("\n"), 1):
        if found := _RAW.search(line):
            yield ContentError(path, number, f"raw HTML {found[0]!r}; write Markdown")
        for comment in _COMMENT.finditer(line):
            if comment[1] not in _KNOWN_COMMENTS:
                yield ContentError(path, number, f"comment {comment[1]!r} means nothing here")
    if lang == "zh":
        first = page.lines["source"]
        last = first + page.source.count("\n") + 3
        for number, fault in typography.faults(text):
            if not (first <= number <= last or lines[number - 1].startswith("# ")):
                yield ContentError(path, number, fault)


def _math(path: Path, line: int, texts: list[str], lang: str) -> Iterator[ContentError]:
    for text in texts:
        try:
            render(text, lang)
        except MathError as error:
            yield ContentError(path, line, f"maths cannot be rendered: {error}")


def _demos(library: Library, question: Question, demos: Demos) -> Iterator[ContentError]:
    path = question.folder / "question.toml"
    asked = [(path, 0, question.demo.slug, question.demo.params)] if question.demo else []
    for item in question.text["zh"].items:
        if item.predict:
            asked.append((question.folder / "zh.md", item.line, item.predict.demo, item.predict.params))
    for file, line, slug, params in asked:
        if slug in demos:
            try:
                demos[slug](params)
            except ValueError as error:
                yield ContentError(file, line, f"demo {slug} refuses {dict(params)}: {error}")
        elif slug not in library.planned_demos:
            yield ContentError(file, line, f"there is no demo {slug!r}, nor is it planned in topics.toml")
        elif file != path:
            yield ContentError(file, line, f"demo {slug!r} is only planned: it cannot measure a predict item yet")


def cited_but_unknown(library: Library) -> list[ContentError]:
    """Citations of keys that sources.toml lacks, or that question.toml does not list."""
    faults = []
    for question in library.questions:
        for lang, page in question.text.items():
            for key in set(_CITED.findall(page.review + " ".join(i.explanation for i in page.items))):
                if key not in question.sources or key not in library.sources:
                    remedy = "add it to `sources` in question.toml (and to sources.toml)"
                    faults.append(ContentError(question.folder / f"{lang}.md", 0, f"[@{key}] is cited; {remedy}"))
    return faults
