"""What a file's running text may not hold: raw HTML, maths that cannot be rendered, marks left open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.content.equations import MathError, equation
from app.content.item_rules import Fault
from app.content.keys import BLANK
from app.content.render import parser

_COMMENT = re.compile(r"<!-- (?:item|predict|check|range): .+ -->")
_LINK = re.compile(r"https?://\S+|\.\./(\d\d-[a-z0-9-]+)/(?:zh|en)\.md")
_OPEN = re.compile(r"\*\*|\$|\[@|~~")
_OPEN_REMEDY = "close it, or escape it with a backslash"


def _reader() -> MarkdownIt:
    """The renderer's parser, but HTML and stray marks stay apart from the text around them."""
    made = parser()
    made.options["html"] = True
    return made.enable(["html_inline", "html_block"]).disable("text_join")


_READER = _reader()


def read_prose(text: str) -> list[tuple[int, Token]]:
    """Every token of a file that shows something, with its line."""
    tokens: list[tuple[int, Token]] = []
    for block in _READER.parse(text):
        if block.type == "inline" and block.map:
            tokens += _numbered(block.map[0] + 1, block.children or ())
        elif block.map:
            tokens.append((block.map[0] + 1, block))
    return tokens


def citations(tokens: Iterable[tuple[int, Token]]) -> list[tuple[int, str]]:
    """(line, key) of each [@S5]."""
    return [(line, token.content) for line, token in tokens if token.type == "citation"]


def prose_faults(tokens: Iterable[tuple[int, Token]], root: Path) -> Iterator[Fault]:
    """Faults of the running text; `root` holds the folders that relative links may name."""
    for line, token in tokens:
        yield from _token_faults(line, token, root)


def sentence_faults(line: int, sentence: str) -> Iterator[Fault]:
    """Faults of a cloze sentence, which is rendered in the pieces between its blanks."""
    for piece in BLANK.split(sentence)[::3]:
        for token in _READER.parseInline(piece)[0].children or ():
            if token.type == "text" and (found := _OPEN.search(token.content)):
                yield line, f"{found[0]!r} opens before a blank and closes after it", "keep marks on one side"


def _numbered(line: int, tokens: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    for token in tokens:
        yield line, token
        line += (token.type in ("softbreak", "hardbreak")) + token.content.count("\n")


def _token_faults(line: int, token: Token, root: Path) -> Iterator[Fault]:
    if token.type in ("html_block", "html_inline"):
        if not _COMMENT.fullmatch(token.content.strip()):
            known = "write Markdown; the only comments are item, predict, check and range"
            yield line, f"raw HTML {token.content.strip()[:40]!r}", known
    elif token.type in ("math_inline", "math_block"):
        yield from _math_faults(line, token)
    elif token.type == "text" and (found := _OPEN.search(token.content)):
        yield line, f"{found[0]!r} is shown as it stands: …{token.content[-20:]!r}", _OPEN_REMEDY
    elif token.type == "image":
        yield line, "an image", "draw it with a demo, or say it in words"
    elif token.type == "link_open":
        href = str(token.attrGet("href"))
        found = _LINK.fullmatch(href)
        if not found or (found[1] and not (root / found[1]).is_dir()):
            yield line, f"the link {href!r} leads nowhere", "use https://… or ../NN-slug/zh.md"


def _math_faults(line: int, token: Token) -> Iterator[Fault]:
    if BLANK.search(token.content):
        yield line, "a blank inside maths", "end the formula before the blank"
        return
    try:
        equation(token.content.strip(), display=token.type == "math_block")
    except MathError as error:
        yield line, f"maths cannot be rendered: {error}", "use commands that math-core knows"
