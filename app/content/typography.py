"""The style guide's rules for Chinese text, as a lint: full-width punctuation, a space beside Latin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.content.item_rules import Fault

_CJK = "\u3400-\u9fff"
_OTHER = "\ufffc"  # stands for code, maths and keys: neither Chinese nor Latin
_HIDDEN = re.compile(
    r"`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$|<!--.*?-->|\]\([^)\s]*\)|\[@S\d+\]|https?://[^\s，。；）]+"
    r"|\{\{c\d+::.*?\}\}| :: | \| |^ANSWER:.*|^MISTAKE:[^=]*="
)
_BEFORE = rf"(?<=[{_CJK}])[,;:?!\"()]|(?<=[{_CJK}])\.(?=\s|$)"
_AFTER = rf"[,;:?!]\s*(?=[{_CJK}])|[\"()](?=[{_CJK}])"
_HALF = re.compile(f"{_BEFORE}|{_AFTER}")
_TIGHT = re.compile(rf"[{_CJK}][A-Za-z0-9]|[A-Za-z0-9][{_CJK}]")
_LOOSE = re.compile(r"[，。；：？！、（“] (?=\S)|\S [，。；：？！、）”]")
_FENCE = re.compile(r"\s*(?:```|~~~)")


def faults(text: str, skip: range = range(0)) -> Iterator[Fault]:
    """Faults of Chinese Markdown by line (from 1); code, maths, keys and the lines in `skip` are left out."""
    fenced = display = False
    for number, line in enumerate(text.split("\n"), 1):
        if _FENCE.match(line):
            fenced = not fenced
        elif line.count("$$") == 1:
            display = not display
        elif not (fenced or display or number in skip):
            yield from _line_faults(number, line)


def _line_faults(number: int, line: str) -> Iterator[Fault]:
    shown = _HIDDEN.sub(_OTHER, line).rstrip()
    plain = shown.replace("*", "")
    if found := _HALF.search(plain):
        yield (
            number,
            f"half-width {found[0].strip()!r} in Chinese: {_around(plain, found)}",
            "write it full-width",
        )
    if found := _TIGHT.search(plain):
        yield number, f"no space between Chinese and Latin: {_around(plain, found)}", "put one space there"
    if found := _LOOSE.search(shown):
        yield number, f"a space beside full-width punctuation: {_around(shown, found)}", "remove it"


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - 8) : found.end() + 8].strip()
