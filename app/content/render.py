"""Markdown to HTML: equations as MathML, code in classes, Chinese emphasis and line breaks as readers expect.

No raw HTML passes, and no style attribute is written: the pages' policy allows neither.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markupsafe import Markup
from math_core import LatexError, LatexToMathML
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight as pygments_highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

_WIDE = "　-〿一-鿿＀-￯“”‘’—…"
_CITATION = re.compile(r"\[@(S\d+)\]")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_GATED = re.compile(r"<(msub|msubsup)>(<mi>([ifgoch])</mi>)(?=<m(?:i>t|row><mi>t|row><mi>T|i>T|n>|row><mi>k|i>k))")
_MATH = LatexToMathML()
_FORMAT: HtmlFormatter[str] = HtmlFormatter(nowrap=True, classprefix="t-")
ALERTS = {"Note": "说明", "Tip": "提示", "Important": "要紧", "Warning": "当心", "Caution": "小心"}
_ALERT = re.compile(r'(<p class="markdown-alert-title">)(\w+)')


class MathError(ValueError):
    """LaTeX that cannot be rendered."""


def _scan(self: StateInline, start: int, can_split_word: bool) -> Scanned:
    """CommonMark's rule for * and _, but Chinese punctuation does not stop an emphasis from closing.

    By the letter of the rule `**注意：**中文` is no emphasis, because a punctuation mark stands
    inside and a letter outside; Chinese writes no space there.
    """
    found = _commonmark_scan(self, start, can_split_word)
    before = self.src[start - 1] if start else " "
    end = start + found.length
    after = self.src[end] if end < self.posMax else " "
    wide = re.compile(f"[{_WIDE}]")
    if self.src[start] == "*" and (wide.match(before) or wide.match(after)):
        return Scanned(found.can_open or not after.isspace(), found.can_close or not before.isspace(), found.length)
    return found


_commonmark_scan = StateInline.scanDelims





def math(source: str, display: bool) -> str:
    """LaTeX to MathML, each gate in its colour. Raises MathError naming the fault."""
    try:
        text = _MATH.convert_with_local_state(source, displaystyle=display)
    except LatexError as error:
        raise MathError(f"{source!r}: {error}") from None
    return _GATED.sub(r'<\1 class="gate-\3">\2', text)


def _math_renderer(content: str, options: dict[str, Any]) -> str:
    return math(content, bool(options.get("display_mode")))


def _code(text: str, language: str, _attributes: str) -> str:
    try:
        lexer = get_lexer_by_name(language or "text")
    except ClassNotFound:
        return ""
    return pygments_highlight(text, lexer, _FORMAT)


def _softbreak(
    self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: MutableMapping[str, Any]
) -> str:
    """A line break in the source is a space, but not between Chinese characters."""
    before = tokens[index - 1].content[-1:] if index else ""
    after = tokens[index + 1].content[:1] if index + 1 < len(tokens) else ""
    wide = re.compile(f"[{_WIDE}]")
    return "" if wide.match(before) and wide.match(after) else "\n"


def _cell(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    """Alignment of table cells as a class."""
    token = tokens[index]
    style = str(token.attrGet("style") or "")
    if style:
        del token.attrs["style"]
        token.attrJoin("class", "align-" + style.rpartition(":")[2])
    return self.renderToken(tokens, index, options, env)


def _table(opening: bool) -> Any:
    def rule(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: MutableMapping[str, Any]) -> str:
        label = "表格" if env.get("lang") == "zh" else "table"
        box = f'<div class="table-box" tabindex="0" role="region" aria-label="{label}"><table>\n'
        return box if opening else "</table></div>\n"

    return rule


def _link(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    href = str(tokens[index].attrGet("href") or "")
    if href.startswith("http"):
        tokens[index].attrSet("rel", "noopener noreferrer")
    return self.renderToken(tokens, index, options, env)


def _make() -> MarkdownIt:
    made = MarkdownIt("gfm-like2", {"html": False, "linkify": False, "highlight": _code})
    made.use(dollarmath_plugin, allow_space=False, renderer=_math_renderer)
    for name, rule in (
        ("softbreak", _softbreak),
        ("td_open", _cell),
        ("th_open", _cell),
        ("table_open", _table(True)),
        ("table_close", _table(False)),
        ("link_open", _link),
    ):
        made.add_render_rule(name, rule)
    return made


_MARKDOWN = _make()
StateInline.scanDelims = _scan  # type: ignore[method-assign]  # the parser makes its own states


def _finish(html: str, lang: str) -> str:
    """Citations as links, alert titles in the page's language, code boxes reachable by keyboard."""
    html = _CITATION.sub(r'<sup class="cite"><a href="#source-\1">\1</a></sup>', html)
    html = html.replace("<pre>", '<pre tabindex="0">')
    if lang == "zh":
        html = _ALERT.sub(lambda found: found[1] + ALERTS.get(found[2], found[2]), html)
    return html


@lru_cache(maxsize=8192)
def render(text: str, lang: str) -> Markup:
    """Block Markdown as HTML. Comments vanish; raw HTML is shown as text. Raises MathError."""
    return Markup(_finish(_MARKDOWN.render(_COMMENT.sub("", text), {"lang": lang}), lang))  # noqa: S704 - html is off


@lru_cache(maxsize=8192)
def render_inline(text: str, lang: str) -> Markup:
    """One paragraph's Markdown without the paragraph."""
    return Markup(_finish(_MARKDOWN.renderInline(_COMMENT.sub("", text), {"lang": lang}), lang))  # noqa: S704 - html is off


def plain_text(text: str) -> str:
    """Markdown without its marks, for search and for measuring."""
    return re.sub(r"[*_`#>$\\|{}\[\]]+|<!--.*?-->", " ", text)


__all__ = ["MathError", "math", "plain_text", "render", "render_inline"]
