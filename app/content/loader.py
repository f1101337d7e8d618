"""Reading the questions folder into a Library, every fault collected before anything is raised."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from app.content.items import read_item, read_points
from app.content.models import (
    ContentError,
    ContentErrors,
    DemoLink,
    FollowUp,
    Library,
    Page,
    Question,
    Source,
    Topic,
)
from app.content.sections import Block, blocks, cut
from app.protocol import LANGS, Bilingual

_FOLDER = re.compile(r"^(\d\d)-[a-z0-9]+(?:-[a-z0-9]+)*$")
_FIELDS = {"number", "topic", "level", "duplicate_of", "near", "verdict", "sources", "demo"}
_DEMO_FIELDS = {"slug", "params", "look_zh", "look_en"}
VERDICTS = ("holds", "imprecise", "wrong", "duplicate")


def load(root: Path) -> Library:
    """The library under `root`. Raises ContentErrors with every fault found."""
    faults: list[ContentError] = []
    topics, planned = _topics(root / "topics.toml")
    sources = _sources(root / "sources.toml")
    questions = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        try:
            questions.append(_question(folder, {topic.id for topic in topics}))
        except ContentErrors as several:
            faults += several.faults
        except ContentError as fault:
            faults.append(fault)
    faults += _clashes(questions)
    if faults:
        raise ContentErrors(faults)
    return Library(tuple(sorted(questions, key=lambda q: q.number)), topics, sources, planned)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContentError(path, 0, "the file is missing") from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise ContentError(path, int(found[1]) if found else 0, f"not valid TOML: {error}") from None


def _topics(path: Path) -> tuple[tuple[Topic, ...], tuple[str, ...]]:
    whole = _toml(path)
    try:
        topics = tuple(Topic(t["id"], Bilingual(t["zh"], t["en"])) for t in whole["topics"])
    except KeyError as missing:
        raise ContentError(path, 0, f"a topic has no {missing}") from None
    return topics, tuple(whole.get("planned_demos", ()))


def _sources(path: Path) -> dict[str, Source]:
    try:
        return {key: Source(id=key, **fields) for key, fields in _toml(path).items()}
    except TypeError as error:
        raise ContentError(path, 0, f"a source has a wrong or missing field: {error}") from None


def _question(folder: Path, topics: set[str]) -> Question:
    named = _FOLDER.match(folder.name)
    if not named:
        raise ContentError(folder, 0, "a question's folder is named NN-slug, in lower case")
    path = folder / "question.toml"
    meta = _toml(path)
    faults = [ContentError(path, 0, f"unknown field {name!r}; known: {', '.join(sorted(_FIELDS))}") for name in meta.keys() - _FIELDS]
    for name, fits, remedy in (
        ("number", meta.get("number") == int(named[1]), f"number must be {int(named[1])}, as the folder says"),
        ("topic", meta.get("topic") in topics, f"topic must be one of {', '.join(sorted(topics))}"),
        ("level", meta.get("level") in (1, 2, 3), "level must be 1, 2 or 3"),
        ("verdict", meta.get("verdict", "") in ("", *VERDICTS), f"verdict must be one of {', '.join(VERDICTS)}"),
    ):
        if not fits:
            faults.append(ContentError(path, _line_of(path, name), remedy))
    pages: dict[str, Page] = {}
    for lang in LANGS:
        try:
            pages[lang] = _page(folder / f"{lang}.md", lang)
        except ContentError as fault:
            faults.append(fault)
    try:
        demo = _demo(path, meta.get("demo"))
    except ContentError as fault:
        faults.append(fault)
    if faults:
        raise ContentErrors(faults)
    return Question(
        number=meta["number"],
        slug=folder.name,
        topic=meta["topic"],
        level=meta["level"],
        text=pages,
        folder=folder,
        verdict=meta.get("verdict", ""),
        demo=demo,
        duplicate_of=meta.get("duplicate_of"),
        near=tuple(meta.get("near", ())),
        sources=tuple(meta.get("sources", ())),
    )


def _line_of(path: Path, field: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((i for i, line in enumerate(lines, 1) if line.startswith(field)), 0)


def _demo(path: Path, given: dict[str, Any] | None) -> DemoLink | None:
    if given is None:
        return None
    if unknown := given.keys() - _DEMO_FIELDS:
        raise ContentError(path, 0, f"unknown field demo.{sorted(unknown)[0]}; known: {', '.join(sorted(_DEMO_FIELDS))}")
    if missing := {"slug", "look_zh", "look_en"} - given.keys():
        raise ContentError(path, 0, f"demo.{sorted(missing)[0]} is missing")
    return DemoLink(given["slug"], given.get("params", {}), Bilingual(given["look_zh"], given["look_en"]))


def _page(path: Path, lang: str) -> Page:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContentError(path, 0, "the file is missing") from None
    title, sections = cut(path, text, lang)
    before, found = blocks(sections["items"].lines, 3)
    stray = next((line for line in before if line.text.strip()), None)
    if stray:
        raise ContentError(path, stray.number, "text before the first '### ' item; move it under an item")
    faults, items = [], []
    for block in found:
        try:
            items.append(read_item(path, block))
        except ContentError as fault:
            faults.append(fault)
    points = sections.get("key_points")
    try:
        key_points = read_points(path, points.lines) if points else ()
    except ContentError as fault:
        faults.append(fault)
    if faults:
        raise ContentErrors(faults)
    return Page(
        title=title,
        source=sections["source"].text,
        items=tuple(items),
        review=sections["review"].text if "review" in sections else "",
        key_points=key_points,
        follow_ups=_follow_ups(path, sections.get("follow_ups")),
        lines={name: block.line for name, block in sections.items()},
    )


def _follow_ups(path: Path, block: Block | None) -> tuple[FollowUp, ...]:
    if block is None:
        return ()
    before, found = blocks(block.lines, 3)
    stray = next((line for line in before if line.text.strip()), None)
    if stray:
        raise ContentError(path, stray.number, "a follow-up begins with a '### ' heading")
    return tuple(FollowUp(each.title, each.text) for each in found)


def _clashes(questions: list[Question]) -> list[ContentError]:
    """Two questions of one number, two items of one id, ids that do not carry their question's number."""
    faults, numbers, ids = [], {}, {}  # type: ignore[var-annotated]
    for question in questions:
        if (other := numbers.setdefault(question.number, question)) is not question:
            faults.append(ContentError(question.folder, 0, f"number {question.number} is taken by {other.slug}"))
        for item in question.text["zh"].items:
            path = question.folder / "zh.md"
            if int(item.id[:2]) != question.number:
                faults.append(ContentError(path, item.line, f"item id {item.id} must begin with {question.number:02}-"))
            if ids.setdefault(item.id, path) != path or [i.id for i in question.text["zh"].items].count(item.id) > 1:
                faults.append(ContentError(path, item.line, f"item id {item.id} is used twice"))
    return faults
