"""Markdown to HTML: equations as MathML, code in classes, Chinese emphasis and line breaks as readers expect.

No raw HTML passes, and no style attribute is written: the pages' policy allows neither.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from app.content.chinese import speak_chinese
from app.content.equations import MathError, equation

_CITATION = re.compile(r"\[@(S\d+)\]")
_COMMENT = re.compile(r"(```.*?```|`[^`\n]*`)|[ \t]*<!--.*?-->", re.DOTALL)
_QUESTION = re.compile(r"\.\./(\d\d-[a-z0-9-]+)/(?:(?:zh|en)\.md)?")
_FORMAT = HtmlFormatter(nowrap=True, classprefix="t-")  # type: ignore[no-untyped-call]
_ALERTS = {"Note": "说明", "Tip": "提示", "Important": "重要", "Warning": "注意", "Caution": "当心"}


def _highlight(text: str, language: str, _attributes: str) -> str:
    try:
        lexer = get_lexer_by_name(language or "text")  # type: ignore[no-untyped-call]  # pygments has no types
    except ClassNotFound:
        return ""
    return str(highlight(text, lexer, _FORMAT))  # type: ignore[no-untyped-call]


def _cite(state: StateInline, silent: bool) -> bool:
    """[@S5] is a token of its own: no link, and no citation inside code."""
    found = _CITATION.match(state.src, state.pos)
    if not found:
        return False
    if not silent:
        state.push("citation", "", 0).content = found[1]
    state.pos = found.end()
    return True


def _citation(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    key = tokens[index].content
    return f'<sup class="cite"><a href="#source-{key}">{key}</a></sup>'


def _cell(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """Alignment of table cells as a class."""
    style = str(tokens[index].attrs.pop("style", ""))
    if style:
        tokens[index].attrJoin("class", "align-" + style.rpartition(":")[2])
    return renderer.renderToken(tokens, index, options, env)


def _table_open(
    _renderer: RendererHTML, _tokens: Sequence[Token], _index: int, _options: OptionsDict, env: EnvType
) -> str:
    """Wide tables scroll in a box of their own, by keyboard too."""
    label = "表格" if env.get("lang") == "zh" else "table"
    return f'<div class="table-box" tabindex="0" role="group" aria-label="{label}"><table>\n'


def _table_close(*_arguments: object) -> str:
    return "</table></div>\n"


def _link(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """Links out carry no referrer; ../07-gradient-clipping/zh.md, good on a forge, is a page here."""
    href = str(tokens[index].attrGet("href") or "")
    if href.startswith("http"):
        tokens[index].attrSet("rel", "noopener noreferrer")
    elif found := _QUESTION.fullmatch(href):
        tokens[index].attrSet("href", f"/{env.get('lang', 'zh')}/questions/{found[1]}")
    return renderer.renderToken(tokens, index, options, env)


def _fence(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """Code boxes scroll by keyboard."""
    return renderer.fence(tokens, index, options, env).replace("<pre>", '<pre tabindex="0">', 1)


def _alert_title(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """The title of a note or a warning, in the page's language."""
    for word in tokens[index + 1].children or ():
        if env.get("lang") == "zh":
            word.content = _ALERTS.get(word.content, word.content)
    return renderer.renderToken(tokens, index, options, env)


def parser() -> MarkdownIt:
    """The site's Markdown. Rendering raises MathError; raw HTML comes out as text."""
    made = MarkdownIt("gfm-like2", {"html": False, "linkify": False, "highlight": _highlight})

    def maths(content: str, options: dict[str, Any]) -> str:
        return equation(content, display=bool(options.get("display_mode")))

    made.use(dollarmath_plugin, allow_labels=False, allow_space=False, allow_digits=False, renderer=maths)
    made.inline.ruler.before("link", "citation", _cite)
    for name, rule in (
        ("citation", _citation),
        ("td_open", _cell),
        ("th_open", _cell),
        ("table_open", _table_open),
        ("table_close", _table_close),
        ("link_open", _link),
        ("fence", _fence),
        ("alert_title_open", _alert_title),
    ):
        made.add_render_rule(name, rule)
    return speak_chinese(made)


_MARKDOWN = parser()


def _clean(text: str) -> str:
    """Without comments: keys and ids must never reach a page."""
    return _COMMENT.sub(lambda found: found[1] or "", text) if "<!--" in text else text


@lru_cache(maxsize=8192)
def render(text: str, lang: str) -> Markup:
    """Block Markdown as HTML. Comments vanish; raw HTML is shown as text. Raises MathError."""
    return Markup(_MARKDOWN.render(_clean(text), {"lang": lang}))  # noqa: S704 - html is off


@lru_cache(maxsize=8192)
def render_inline(text: str, lang: str) -> Markup:
    """One paragraph's Markdown without the paragraph. Raises MathError."""
    return Markup(_MARKDOWN.renderInline(_clean(text), {"lang": lang}))  # noqa: S704 - html is off


def plain_text(text: str) -> str:
    """What a reader sees of Markdown, without tags: for search and for measuring. Raises MathError."""
    return html.unescape(re.sub(r"<[^>]+>", "", _MARKDOWN.render(_clean(text), {"lang": "zh"}))).strip()


__all__ = ["MathError", "parser", "plain_text", "render", "render_inline"]
