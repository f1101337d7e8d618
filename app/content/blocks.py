"""A Markdown file as a tree of blocks with line numbers: what CommonMark sees, before any of our words."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from app.content.models import ContentError

_NESTED = ("bullet_list", "ordered_list", "list_item", "blockquote")


class Part(NamedTuple):
    """One block. Lines count from 1; `end` is the line after its last."""

    kind: str  # heading, paragraph, bullet_list, list_item, blockquote, fence, html_block …
    line: int
    end: int
    raw: str  # as written, without blank lines after it
    text: str  # content of a heading, a paragraph, a fence or an HTML block
    depth: int  # 1 to 6 for headings, otherwise 0
    parts: tuple[Part, ...]  # what a list, an entry or a quotation holds


class Section(NamedTuple):
    """A heading and what stands beneath it, up to the next heading of its depth or above."""

    title: str
    line: int
    start: int  # first line after the heading
    end: int  # line of the next heading, or the line after the last
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Document:
    """A file that has been read."""

    path: Path
    lang: str
    lines: tuple[str, ...]
    parts: tuple[Part, ...]

    def raw(self, start: int, end: int) -> str:
        """Lines start … end − 1, byte for byte, without the blank ones at either end."""
        lines = self.lines[start - 1 : end - 1]
        kept = [i for i, line in enumerate(lines) if line.strip()]
        return "\n".join(lines[kept[0] : kept[-1] + 1]) if kept else ""

    def error(self, line: int, fault: str, remedy: str) -> ContentError:
        return ContentError(self.path, line, fault, remedy)


def read(path: Path, lang: str) -> Document:
    """The file's blocks. Raises ContentError where it is missing, is not UTF-8 or has CR line ends."""
    text = read_text(path)
    lines = tuple(text.split("\n"))
    return Document(path, lang, lines, _build(_PARSER.parse(text), lines))


def read_text(path: Path) -> str:
    """The file's text, nothing translated: line ends matter where the source is kept byte for byte."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ContentError(path, 1, "the file is missing", "write it") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ContentError(path, line, "the file is not UTF-8", "save it as UTF-8") from None
    if "\r" in text:
        line = text[: text.index("\r")].count("\n") + 1
        raise ContentError(path, line, "a line ends with CR", "save the file with LF line ends")
    return text


def split(document: Document, parts: Sequence[Part], depth: int) -> tuple[tuple[Part, ...], list[Section]]:
    """(parts before the first heading of that depth, one section for each such heading)."""
    starts = [i for i, part in enumerate(parts) if part.depth == depth]
    sections = []
    for start, after in itertools.pairwise([*starts, len(parts)]):
        head = parts[start]
        last = parts[after].line if after < len(parts) else _end(document, parts)
        sections.append(Section(head.text, head.line, head.end, last, tuple(parts[start + 1 : after])))
    return tuple(parts[: starts[0] if starts else len(parts)]), sections


def _end(document: Document, parts: Sequence[Part]) -> int:
    """The line of the block that follows `parts` in the document, or the line after the last."""
    last = parts[-1].line
    return next((part.line for part in document.parts if part.line > last), len(document.lines) + 1)


def _build(tokens: Sequence[Token], lines: tuple[str, ...]) -> tuple[Part, ...]:
    parts, at = [], 0
    while at < len(tokens):
        token, first = tokens[at], at
        at += 1
        if token.nesting == 1:
            while not (tokens[at].nesting == -1 and tokens[at].level == token.level):
                at += 1
            at += 1
        assert token.map is not None  # every block that is looked into carries its lines
        start, end = token.map
        while end > start + 1 and not lines[end - 1].strip():
            end -= 1
        kind, inner = token.type.removesuffix("_open"), tokens[first + 1 : at - 1]
        content = inner[0].content if inner and inner[0].type == "inline" else token.content
        depth = int(token.tag[1]) if kind == "heading" else 0
        nested = _build(inner, lines) if kind in _NESTED else ()
        raw = "\n".join(lines[start:end])
        parts.append(Part(kind, start + 1, end + 1, raw, content, depth, nested))
    return tuple(parts)


def _make() -> MarkdownIt:
    """The renderer's blocks, with HTML seen as such (our keys are comments) and inline text left alone."""
    made = MarkdownIt("gfm-like2", {"html": True, "linkify": False, "tasklists": False})
    made.use(dollarmath_plugin, allow_labels=False)
    made.core.ruler.enableOnly(["normalize", "block"])
    made.disable("reference")
    return made


_PARSER = _make()
