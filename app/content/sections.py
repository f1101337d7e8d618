"""A question's Markdown cut into its sections by headings, with line numbers; fenced code is left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.content.models import ContentError

HEADINGS = {
    "zh": {"原文": "source", "点评": "review", "要点": "key_points", "追问": "follow_ups", "自测": "items"},
    "en": {
        "Source": "source",
        "Review": "review",
        "Key points": "key_points",
        "Follow-ups": "follow_ups",
        "Items": "items",
    },
}
ORDER = ("source", "review", "key_points", "follow_ups", "items")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")


@dataclass(frozen=True)
class Line:
    """A line of the file, its number (from 1), and whether it stands in fenced code."""

    number: int
    text: str
    fenced: bool


@dataclass(frozen=True)
class Block:
    """A heading and the lines beneath it, up to the next heading of its level or above."""

    title: str
    line: int
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The lines without the blank ones at either end, byte for byte otherwise."""
        return "\n".join(line.text for line in self.lines).strip("\n").strip()


def lines_of(text: str) -> Iterator[Line]:
    fence = ""
    for number, line in enumerate(text.split("\n"), 1):
        mark = _FENCE.match(line)
        if fence:
            yield Line(number, line, True)
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        else:
            yield Line(number, line, bool(mark))
            fence = mark[1] if mark else ""


def blocks(lines: tuple[Line, ...], level: int) -> tuple[tuple[Line, ...], list[Block]]:
    """(lines before the first heading of that level, one block for each such heading)."""
    prefix = "#" * level + " "
    starts = [i for i, line in enumerate(lines) if not line.fenced and line.text.startswith(prefix)]
    ends = [*starts[1:], len(lines)][: len(starts)]
    found = [
        Block(lines[start].text[len(prefix) :].strip(), lines[start].number, lines[start + 1 : end])
        for start, end in zip(starts, ends, strict=True)
    ]
    return lines[: starts[0] if starts else len(lines)], found


def cut(path: Path, text: str, lang: str) -> tuple[str, dict[str, Block]]:
    """(title, section name → block). Raises ContentError for headings that are missing, unknown or out of order."""
    head, found = blocks(tuple(lines_of(text)), 2)
    titles = [line for line in head if line.text.startswith("# ")]
    if len(titles) != 1:
        raise ContentError(path, 1, "begin with exactly one '# title'")
    stray = next((line for line in head if line.text.strip() and line is not titles[0]), None)
    if stray:
        raise ContentError(path, stray.number, "text before the first '## ' heading; move it into a section")
    names = HEADINGS[lang]
    sections: dict[str, Block] = {}
    for block in found:
        name = names.get(block.title)
        if name is None:
            raise ContentError(path, block.line, f"unknown heading '## {block.title}'; known: {', '.join(names)}")
        if name in sections:
            raise ContentError(path, block.line, f"'## {block.title}' stands twice")
        if sections and ORDER.index(name) < ORDER.index(list(sections)[-1]):
            raise ContentError(path, block.line, f"'## {block.title}' is out of order; the order is {', '.join(names)}")
        sections[name] = block
    for needed in ("source", "items"):
        if needed not in sections:
            missing = next(title for title, name in names.items() if name == needed)
            raise ContentError(path, 0, f"'## {missing}' is missing")
    return titles[0].text[2:].strip(), sections
