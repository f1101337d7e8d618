"""What an item must hold, whatever its language."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator

from app.content.expressions import ExpressionError, value_of
from app.content.items import code_line
from app.content.models import Item, KeyPoint
from app.content.wording import BARE_NEGATORS, Folded, alternatives, spelled_out, wordings

Fault = tuple[int, str, str]  # line, what is wrong, how to mend it
_MARK = re.compile(r"(?:\d+[.)]|[-*+>#]) ")
MOST_PHRASINGS = 6


def item_faults(item: Item) -> Iterator[Fault]:
    """What is wrong with one item by itself."""
    if _MARK.match(item.prompt):
        yield item.line, "the prompt begins with a list, quotation or heading mark", "begin it with words"
    if not item.explanation:
        yield item.line, "no explanation", "write one to three sentences after the key"
    if item.kind in ("single", "multi", "bug", "predict"):
        yield from _choice_faults(item)
    if item.kind == "bug":
        yield from _bug_faults(item)
    if item.kind == "predict" and item.options:
        yield from _range_faults(item)
    if item.kind != "predict" and any(option.range for option in item.options):
        yield item.line, "options carry ranges, but no run measures them", "add a '<!-- predict: … -->' line"
    if item.kind == "order" and not 3 <= len(item.options) <= 6:
        yield item.line, f"{len(item.options)} steps to put in order", "give three to six"
    if item.kind == "free":
        yield from point_faults(item.points, item.line, least=2)
    if item.check and not item.numeric:
        yield item.line, "a check without an ANSWER:", "remove the check or give the number"
    if item.numeric:
        yield from _numeric_faults(item)
    texts = [option.text for option in item.options]
    for option in item.options:
        if texts.count(option.text) > 1:
            yield option.line, "two options read the same", "change one"


def _choice_faults(item: Item) -> Iterator[Fault]:
    right = sum(option.right for option in item.options)
    wrong = len(item.options) - right
    if item.kind == "multi":
        if wrong < 2:
            yield item.line, f"{wrong} wrong options in a multi", "give at least two '- [ ]'"
    elif item.options and right != 1:
        yield item.line, f"{right} options are marked [x]", "mark exactly one"
    elif item.options and wrong < 1:
        yield item.line, "there is no wrong option", "add '- [ ]' options that people fall for"
    for option in item.options:
        if not option.feedback:
            yield option.line, "the option has no feedback", "write '  > why' under it"


def _bug_faults(item: Item) -> Iterator[Fault]:
    code = item.code.split("\n")[1:-1]
    if item.code.count("```") != 2:
        yield item.line, "a bug item with more than one block of code", "keep one"
    chosen = [code_line(option.text) for option in item.options]
    if chosen != sorted(set(chosen)):
        yield item.line, "the lines are not in order", "list them as they stand in the code"
    for option, number in zip(item.options, chosen, strict=True):
        if not (1 <= number <= len(code) and code[number - 1].strip()):
            yield (
                option.line,
                f"the code has no line {number}",
                f"choose from 1 to {len(code)}, no blank line",
            )


def _range_faults(item: Item) -> Iterator[Fault]:
    spans = []
    for option in item.options:
        if option.range is None:
            yield (
                option.line,
                "an option of a predict without a range",
                "end it with <!-- range: low..high -->",
            )
        else:
            low, high = option.range.low, option.range.high
            spans.append((-math.inf if low is None else low, math.inf if high is None else high))
    if any(after[0] < before[1] for before, after in itertools.pairwise(sorted(spans))):
        yield item.line, "the ranges of two options overlap", "a measured value may fit only one"


def _numeric_faults(item: Item) -> Iterator[Fault]:
    assert item.numeric is not None
    for mistake in item.numeric.mistakes:
        if item.numeric.accepts(mistake.value):
            yield item.line, f"MISTAKE: {mistake.value:g} is accepted as right", "tighten the tolerance"
        if not mistake.feedback:
            yield item.line, f"MISTAKE: {mistake.value:g} says nothing", "write what went wrong"
    if not item.check:
        if item.kind == "numeric":
            yield item.line, "a number that nothing computes", "add '<!-- check: expression -->'"
        return
    try:
        value = value_of(item.check)
    except ExpressionError as error:
        yield item.line, f"the check cannot be computed: {error}", "use numbers, math and min, max, sum, abs"
        return
    if not item.numeric.accepts(value):
        fault = f"the check gives {value:.6g}, the ANSWER is {item.numeric.written}"
        yield item.line, fault, "mend the one that is wrong"


def point_faults(points: tuple[KeyPoint, ...], line: int, *, least: int) -> Iterator[Fault]:
    """What is wrong with a list of key points that begins at `line`."""
    if not least <= len(points) <= 6:
        yield line, f"{len(points)} key points", f"give {least} to six"
    if not any(point.essential for point in points):
        yield line, "no key point is essential", "mark the one that may not be missing: (2!)"
    for point in points:
        if point.weight <= 0:
            yield point.line, "a key point without weight", "weigh it 1 to 3"
        if not 2 <= len(point.phrasings) <= MOST_PHRASINGS:
            count = len(point.phrasings)
            yield point.line, f"{count} phrasings", f"give two to {MOST_PHRASINGS} that people really say"
        yield from _phrasing_faults(point)


def _phrasing_faults(point: KeyPoint) -> Iterator[Fault]:
    """Phrasings that, folded, say nothing, say less than they seem to, or say what another does."""
    seen: dict[tuple[frozenset[str], ...], str] = {}
    for phrasing in point.phrasings:
        pieces = wordings(phrasing)
        if not all(Folded(each).text for each in [*phrasing.split("…"), *alternatives(phrasing)]):
            fault = f"phrasing {phrasing!r} has a piece without an idea (only little words or signs)"
            yield point.line, fault, "name the idea itself"
        if any(
            len(piece) < len(spelled_out(text))
            for piece, text in zip(pieces, phrasing.split("…"), strict=True)
        ):
            yield point.line, f"two alternatives in {phrasing!r} read the same", "remove one"
        if len(pieces) == 1 and any(wording in BARE_NEGATORS for wording in pieces[0]):
            fault = f"phrasing {phrasing!r} is read as a mere negator"
            yield point.line, fault, "say what is denied"
        key = tuple(frozenset(piece) for piece in pieces)
        if phrasing == seen.get(key):
            yield point.line, f"a phrasing stands twice: {phrasing!r}", "remove one"
        elif key in seen:
            fault = f"phrasings {seen[key]!r} and {phrasing!r} read the same: endings and little words do not count"
            yield point.line, fault, "remove one, or say it in other words"
        seen.setdefault(key, phrasing)
