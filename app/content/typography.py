"""The style guide's rules for Chinese text, as a lint: full-width punctuation, a space beside Latin."""

from __future__ import annotations

import re
from collections.abc import Iterator

_CJK = "一-鿿"
_HIDDEN = re.compile(
    r"`[^`]*`|\$\$.*?\$\$|\$[^$\n]+\$|<!--.*?-->|\]\([^)]*\)|\[@S\d+\]|https?://\S+|\{\{c\d+::.*?\}\}| :: |ANSWER:.*|MISTAKE: *\S+ *="
)
_HALF = re.compile(rf"(?<=[{_CJK}])\s?[,;:?!]|[,;:?!](?=[{_CJK}])|(?<=[{_CJK}])\.(?=\s|$)|\((?=[{_CJK}])|(?<=[{_CJK}])\)")
_TIGHT = re.compile(rf"[{_CJK}][A-Za-z0-9]|[A-Za-z0-9%°][{_CJK}]")


def faults(text: str) -> Iterator[tuple[int, str]]:
    """(line from 1, what is wrong) for each fault in Chinese Markdown; code, maths and keys are skipped."""
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
            continue
        if fenced:
            continue
        plain = _HIDDEN.sub(" ", line)
        if found := _HALF.search(plain):
            yield number, f"half-width {found[0].strip()!r} in a Chinese sentence: {_around(plain, found)}"
        if found := _TIGHT.search(plain):
            yield number, f"no space between Chinese and Latin: {_around(plain, found)}"


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - 6) : found.end() + 6].strip()
