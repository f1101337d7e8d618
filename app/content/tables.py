"""The TOML files: topics.toml, sources.toml and each question.toml, field by field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.content.blocks import read_text
from app.content.models import ContentError, ContentErrors, DemoLink, Page, Question, Source, Topic
from app.protocol import Bilingual

FOLDER = re.compile(r"(\d\d)-[a-z0-9]+(?:-[a-z0-9]+)*")
VERDICTS = ("holds", "imprecise", "wrong", "duplicate")
CHECKED = ("verified", "claim verified", "from memory")
_SOURCE_KEY = re.compile(r"S\d+")
_SOURCE_NEEDED = {"authors": str, "year": int, "title": str, "venue": str, "checked": str}
_SOURCE_MORE = {"arxiv": str, "doi": str, "url": str, "also": str}
_DEMO_FIELDS: dict[str, type] = {"slug": str, "params": dict, "look_zh": str, "look_en": str}


def read_toml(path: Path) -> dict[str, Any]:
    """The table in `path`. Raises ContentError with the line where it is no TOML."""
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise ContentError(
            path, int(found[1]) if found else 1, f"not valid TOML: {error}", "mend the line"
        ) from None


def line_of(path: Path, name: str, table: str = "") -> int:
    """The line of field `name` (of [table]), the table's own line where it has no such field, or 1."""
    inside, best = table == "", 1
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if found := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            inside = found[1] == table
            best = number if inside else best
        elif inside and re.match(rf"\s*{re.escape(name)}\s*=", line):
            return number
    return best


def read_topics(path: Path) -> tuple[tuple[Topic, ...], tuple[str, ...]]:
    """(topics in their order, slugs of demos that may be named before they are built)."""
    whole = read_toml(path)
    topics = []
    for number, given in enumerate(whole.get("topics", ()), 1):
        if missing := {"id", "zh", "en"} - given.keys():
            field = sorted(missing)[0]
            raise ContentError(
                path, line_of(path, "id", "topics"), f"topic {number} has no {field}", "add it"
            )
        topics.append(Topic(given["id"], Bilingual(given["zh"], given["en"])))
    if not topics:
        raise ContentError(path, 1, "no topics", "write one [[topics]] table for each, with id, zh and en")
    return tuple(topics), tuple(whole.get("planned_demos", ()))


def read_sources(path: Path) -> dict[str, Source]:
    """What the reviews cite, by key."""
    sources = {}
    for key, given in read_toml(path).items():
        if not _SOURCE_KEY.fullmatch(key) or not isinstance(given, dict):
            raise ContentError(
                path, line_of(path, "", key), f"{key!r} is no source key", "use S and a number, as in [S66]"
            )
        for name, kind in (_SOURCE_NEEDED | _SOURCE_MORE).items():
            if name in given and not isinstance(given[name], kind):
                at = line_of(path, name, key)
                raise ContentError(path, at, f"{key}.{name} has the wrong type", f"write a {kind.__name__}")
        if missing := _SOURCE_NEEDED.keys() - given.keys():
            raise ContentError(
                path, line_of(path, "", key), f"{key} has no {sorted(missing)[0]}", "add the field"
            )
        if unknown := given.keys() - _SOURCE_NEEDED.keys() - _SOURCE_MORE.keys():
            raise ContentError(
                path, line_of(path, "", key), f"{key} has an unknown field {sorted(unknown)[0]}", "remove it"
            )
        if given["checked"] not in CHECKED:
            at = line_of(path, "checked", key)
            raise ContentError(path, at, f"{key}.checked is {given['checked']!r}", f"use one of {CHECKED}")
        sources[key] = Source(id=key, **given)
    return sources


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int for each in value)


def read_question(folder: Path, topics: set[str], pages: Mapping[str, Page]) -> Question:
    """question.toml with the pages that were read. Raises ContentErrors."""
    path = folder / "question.toml"
    meta = read_toml(path)
    number = int(folder.name[:2])
    rules: dict[str, tuple[bool, Callable[[Any], bool], str]] = {  # field: needed, fits, remedy
        "number": (True, lambda v: v == number, f"must be {number}, as the folder says"),
        "topic": (True, lambda v: v in topics, f"must be one of {', '.join(sorted(topics))}"),
        "level": (True, lambda v: v in (1, 2, 3), "must be 1, 2 or 3"),
        "verdict": (False, lambda v: v in VERDICTS, f"must be one of {', '.join(VERDICTS)}"),
        "duplicate_of": (
            False,
            lambda v: type(v) is int,
            "must be the number of the first of the duplicates",
        ),
        "near": (False, _numbers, "must be a list of question numbers"),
        "sources": (False, _strings, 'must be a list of keys, as in ["S5"]'),
        "demo": (False, lambda v: isinstance(v, dict), "must be a table, [demo]"),
    }
    faults = []
    for name in meta.keys() - rules.keys():
        remedy = f"known fields: {', '.join(rules)}"
        faults.append(ContentError(path, line_of(path, name), f"unknown field {name!r}", remedy))
    for name, (needed, fits, remedy) in rules.items():
        if name not in meta and needed:
            faults.append(ContentError(path, 1, f"{name} is missing", f"{name} {remedy}"))
        elif name in meta and not fits(meta[name]):
            faults.append(
                ContentError(
                    path, line_of(path, name), f"{name} = {meta[name]!r} does not fit", f"{name} {remedy}"
                )
            )
    if isinstance(meta.get("demo"), dict):
        faults += _demo_faults(path, meta["demo"])
    if faults:
        raise ContentErrors(faults)
    demo = meta.get("demo")
    return Question(
        number=number,
        slug=folder.name,
        topic=meta["topic"],
        level=meta["level"],
        text=pages,
        folder=folder,
        verdict=meta.get("verdict", ""),
        demo=demo
        and DemoLink(demo["slug"], demo.get("params", {}), Bilingual(demo["look_zh"], demo["look_en"])),
        duplicate_of=meta.get("duplicate_of"),
        near=tuple(meta.get("near", ())),
        sources=tuple(meta.get("sources", ())),
    )


def _demo_faults(path: Path, given: dict[str, Any]) -> list[ContentError]:
    faults = []
    for name in _DEMO_FIELDS.keys() | given.keys():
        if name not in _DEMO_FIELDS:
            fault = f"unknown field demo.{name}", f"known fields: {', '.join(_DEMO_FIELDS)}"
        elif name not in given and name != "params":
            fault = f"demo.{name} is missing", "add it"
        elif name in given and not isinstance(given[name], _DEMO_FIELDS[name]):
            fault = f"demo.{name} has the wrong type", f"write a {_DEMO_FIELDS[name].__name__}"
        else:
            continue
        faults.append(ContentError(path, line_of(path, name, "demo"), *fault))
    return faults
