"""What both languages of a question must share: all that marks, nothing that is worded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.content.item_rules import Fault
from app.content.items import code_line
from app.content.models import Item, KeyPoint, Page


def parity_faults(first: Page, second: Page, name: str) -> Iterator[Fault]:
    """Where `second` departs from `first`, which is the file called `name`; lines are those of `second`."""
    ids, others = [item.id for item in first.items], [item.id for item in second.items]
    if ids != others:
        odd = next((b for a, b in zip(ids, others, strict=False) if a != b), "the last")
        line = next((item.line for item in second.items if item.id == odd), second.lines["items"])
        fault = f"the items' ids or their order differ from {name}: {' '.join(others)}, there {' '.join(ids)}"
        yield line, fault, "keep the same ids in the same order"
        return
    for ours, theirs in zip(first.items, second.items, strict=True):
        before, after = _shape(ours), _shape(theirs)
        for what in before:
            if before[what] != after[what]:
                values = f"{_short(after[what])}, there {_short(before[what])}"
                yield theirs.line, f"{ours.id}: {what} differ from {name}: {values}", "make both files agree"
    for section, one, two in (
        ("review", bool(first.review), bool(second.review)),
        ("model_answer", bool(first.model_answer), bool(second.model_answer)),
        ("key_points", _weights(first.key_points), _weights(second.key_points)),
        ("follow_ups", len(first.follow_ups), len(second.follow_ups)),
    ):
        if one != two:
            fault = f"{section.replace('_', ' ')} differ from {name}: {_short(two)}, there {_short(one)}"
            yield second.lines.get(section, 1), fault, "make both files agree"


def _short(value: Any) -> str:
    return str(value) if len(str(value)) <= 80 else f"{str(value)[:77]}…"


def _weights(points: tuple[KeyPoint, ...]) -> list[tuple[float, bool]]:
    return [(point.weight, point.essential) for point in points]


def _shape(item: Item) -> dict[str, Any]:
    number = item.numeric
    return {
        "kind": item.kind,
        "right options": [option.right for option in item.options],
        "ranges": [(o.range.low, o.range.high) if o.range else None for o in item.options],
        "lines to choose": [code_line(option.text) for option in item.options],
        "blanks": len(item.blanks),
        "answer": (number.value, number.tolerance, number.relative) if number else None,
        "named mistakes": [mistake.value for mistake in number.mistakes] if number else [],
        "key points": _weights(item.points),
        "predict": (item.predict.demo, dict(item.predict.params), item.predict.metric)
        if item.predict
        else None,
        "check": item.check,
        "lines of code": item.code.count("\n"),
        "hint": bool(item.hint),
        "explanation": bool(item.explanation),
    }
