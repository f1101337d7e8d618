"""Where Markdown's rules fail Chinese: emphasis beside full-width punctuation, and line breaks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar
from markdown_it.parser_inline import ParserInline
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline.state_inline import Scanned, StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_WIDE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60“”‘’—…]")
_STOP = re.compile(r"[\u3000-\u303f\uff01-\uff60]")  # full-width punctuation, which brings its own space


class _State(StateInline):
    """Inline text in which full-width characters neither stop an emphasis from opening nor from closing.

    By CommonMark's letter `**注意：**中文` is no emphasis, because punctuation stands inside and a
    letter outside; Chinese writes no space there. Here wide punctuation counts as a letter, and beside a
    wide character other punctuation may open and close as it may beside a space.
    """

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:
        found = super().scanDelims(start, canSplitWord)
        end = start + found.length
        before = self.src[start - 1] if start else " "
        after = self.src[end] if end < self.posMax else " "
        if not canSplitWord or not (_WIDE.match(before) or _WIDE.match(after)):
            return found
        opens = not after.isspace() and (not _stops(after) or _loose(before))
        closes = not before.isspace() and (not _stops(before) or _loose(after))
        return Scanned(opens, closes, found.length)


def _stops(char: str) -> bool:
    """Punctuation that is not wide."""
    return not _WIDE.match(char) and (isMdAsciiPunct(ord(char)) or isPunctChar(char))


def _loose(char: str) -> bool:
    return char.isspace() or bool(_WIDE.match(char)) or _stops(char)


class _Inline(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _softbreak(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    """A line break in the source is a space, but not between Chinese characters."""
    before, after = _edge(reversed(tokens[:index]), -1), _edge(iter(tokens[index + 1 :]), 0)
    if _STOP.match(before) or _STOP.match(after) or (_WIDE.match(before) and _WIDE.match(after)):
        return ""
    return "\n"


def _edge(tokens: object, at: int) -> str:
    """The nearest visible character: emphasis and links have none of their own, code and maths are Latin."""
    for token in tokens:  # type: ignore[attr-defined]
        if token.type == "text" and token.content:
            return str(token.content[at])
        if token.nesting == 0 and token.type != "text":
            return "x"
    return " "


def speak_chinese(markdown: MarkdownIt) -> MarkdownIt:
    """Gives a parser, all its plugins in use, both corrections."""
    inline = _Inline()
    inline.__dict__.update(markdown.inline.__dict__)  # its rules, enabled as the preset and plugins left them
    markdown.inline = inline
    markdown.add_render_rule("softbreak", _softbreak)
    return markdown
