"""The parts of an item that hold its key: options, steps, blanks, a number, key points, a live metric."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from app.content import wording
from app.content.blocks import Document, Part
from app.content.models import Blank, KeyPoint, Mistake, Numeric, Option, Predict, Range

RANGE = re.compile(r"\s*<!-- range: (\S*?)\.\.(\S*?) -->\s*$")
BLANK = re.compile(r"\{\{c(\d+)::(.+?)\}\}")
_TASK = re.compile(r"\[([ xX])\] (.+)", re.DOTALL)
_ANSWER = re.compile(r"ANSWER: *([^±]+?) *± *([^\s%]+)(%)?(?: +(.+))?")
_MISTAKE = re.compile(r"MISTAKE: *([^=]+?) *= *(.+)")
_POINT = re.compile(r"\[ \] \((\d+(?:\.\d+)?)(!)?\) (.+?) :: (.+)")


def is_task_list(part: Part) -> bool:
    return part.kind == "bullet_list" and any(_task(entry) for entry in part.parts)


def _task(entry: Part) -> re.Match[str] | None:
    return _TASK.fullmatch(entry.parts[0].text) if entry.parts else None


def read_options(document: Document, part: Part) -> tuple[Option, ...]:
    """A task list: each entry one paragraph, then its feedback as a quotation."""
    options = []
    for entry in part.parts:
        found = _task(entry)
        if not found:
            raise document.error(
                entry.line, "an option without a box", "write '- [x] right' or '- [ ] wrong'"
            )
        if len(entry.parts) > 2 or any(inner.kind != "blockquote" for inner in entry.parts[1:]):
            remedy = "write one paragraph, then the feedback as one indented '  > why'"
            raise document.error(entry.parts[-1].line, "an option holds more than text and feedback", remedy)
        text, span = found[2], None
        if ranged := RANGE.search(text):
            text = text[: ranged.start()]
            span = Range(_bound(document, entry, ranged[1]), _bound(document, entry, ranged[2]))
            if span.low is not None and span.high is not None and span.low > span.high:
                raise document.error(entry.line, "a range that runs backwards", "write the lower bound first")
        feedback = quoted(document, entry.parts[1]) if len(entry.parts) == 2 else ""
        options.append(Option(text.strip(), found[1] in "xX", feedback, span, entry.line))
    return tuple(options)


def quoted(document: Document, part: Part) -> str:
    """What a quotation says, without its marks. A line that only lazily belongs to it is refused."""
    lines = part.raw.split("\n")
    for number, line in enumerate(lines, part.line):
        if not line.lstrip().startswith(">"):
            remedy = "begin it with '>', or put a blank line before it"
            raise document.error(number, "a line without '>' right under a quotation joins it", remedy)
    return "\n".join(re.sub(r"^\s*> ?", "", line) for line in lines).strip()


def read_steps(document: Document, part: Part) -> tuple[Option, ...]:
    """An ordered list: each entry one paragraph."""
    for entry in part.parts:
        if len(entry.parts) != 1 or entry.parts[0].kind != "paragraph":
            raise document.error(entry.line, "a step of an order item is one paragraph", "shorten or join it")
    return tuple(Option(entry.parts[0].text.strip(), True, "", None, entry.line) for entry in part.parts)


def read_blanks(document: Document, part: Part) -> tuple[Blank, ...]:
    """The blanks of a cloze paragraph, numbered from c1."""
    found = list(BLANK.finditer(part.text))
    blanks = [Blank(tuple(each.strip() for each in one[2].split("|"))) for one in found]
    if [int(one[1]) for one in found] != list(range(1, len(found) + 1)):
        raise document.error(part.line, "the blanks are not numbered c1, c2, … in order", "number them so")
    if any(not each for blank in blanks for each in blank.alternatives):
        raise document.error(part.line, "a blank with an empty alternative", "write {{c1::word|other word}}")
    return tuple(blanks)


def read_numeric(document: Document, part: Part) -> Numeric:
    """'ANSWER: 0.35 ± 0.01 unit' and the MISTAKE: lines right under it."""
    first, *rest = part.text.split("\n")
    found = _ANSWER.fullmatch(first.strip())
    value, tolerance = (number(found[1]), number(found[2])) if found else (None, None)
    if not found or value is None or tolerance is None or tolerance < 0:
        raise document.error(
            part.line, f"cannot read {first!r}", "write 'ANSWER: 0.35 ± 0.01 unit' or '± 2%'"
        )
    relative = found[3] is not None
    share = tolerance / 100 if relative else tolerance
    mistakes = read_mistakes(document, part.line + 1, rest)
    return Numeric(value, share, relative, found[1], (found[4] or "").strip(), mistakes)


def read_mistakes(document: Document, line: int, texts: Sequence[str]) -> tuple[Mistake, ...]:
    """'MISTAKE: 0.9 = what to tell', one a line."""
    mistakes = []
    for at, text in enumerate(texts, line):
        found = _MISTAKE.fullmatch(text.strip())
        value = number(found[1]) if found else None
        if not found or value is None:
            remedy = "write 'MISTAKE: 0.9 = what to tell'; the explanation follows a blank line"
            raise document.error(at, f"cannot read {text.strip()!r} under ANSWER:", remedy)
        mistakes.append(Mistake(value, found[2].strip()))
    return tuple(mistakes)


def number(text: str) -> float | None:
    """A finite number, with an ASCII or a true minus; None where it is none."""
    try:
        value = float(text.strip().replace("−", "-"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def read_points(document: Document, parts: Sequence[Part]) -> tuple[KeyPoint, ...]:
    """Lists of key points: '- [ ] (2!) text :: phrasing | phrasing'."""
    points = []
    remedy = "write '- [ ] (2!) text :: phrasing | phrasing' on one line"
    for part in parts:
        if part.kind != "bullet_list":
            raise document.error(part.line, "only key points may stand here", remedy)
        for entry in part.parts:
            found = _POINT.fullmatch(entry.parts[0].text) if len(entry.parts) == 1 else None
            if not found:
                raise document.error(entry.line, "cannot read this key point", remedy)
            phrasings = tuple(each.strip() for each in found[4].split(" | ") if each.strip())
            for phrasing in phrasings:
                try:
                    wording.check_braces(phrasing)
                except ValueError as error:
                    raise document.error(entry.line, str(error), "write two phrasings") from error
            points.append(KeyPoint(found[3], float(found[1]), found[2] is not None, phrasings, entry.line))
    return tuple(points)


def read_predict(document: Document, line: int, words: str) -> Predict:
    """'gradient-flow cell=lstm T=50 metric=log10_ratio': a demo, its params, the metric that is the key."""
    slug, *pairs = words.split()
    given = dict(pair.partition("=")[::2] for pair in pairs)
    metric = given.pop("metric", "")
    if not metric or not all("=" in pair for pair in pairs):
        raise document.error(line, "cannot read the predict line", "write 'slug param=value … metric=name'")
    return Predict(slug, {name: _value(text) for name, text in given.items()}, metric)


def _value(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)


def _bound(document: Document, entry: Part, text: str) -> float | None:
    value = number(text) if text else None
    if text and value is None:
        raise document.error(
            entry.line, f"range bound {text!r} is no number", "write <!-- range: -14..-6 -->"
        )
    return value
