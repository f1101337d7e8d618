"""An item's Markdown read into an Item: its kind is seen from its shape."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.content.models import (
    Blank,
    ContentError,
    Item,
    KeyPoint,
    Kind,
    Mistake,
    Numeric,
    Option,
    Predict,
    Range,
)
from app.content.sections import Block, Line, blocks

_ID = re.compile(r"^<!-- item: (\d\d-[a-z]) -->$")
_PREDICT = re.compile(r"^<!-- predict: (\S+)((?: \S+=\S+)*) -->$")
_CHECK = re.compile(r"^<!-- check: (.+) -->$")
_RANGE = re.compile(r"\s*<!-- range: (\S*?)\.\.(\S*?) -->\s*$")
_TASK = re.compile(r"^- \[([ xX])\] (.+)$")
_STEP = re.compile(r"^\d+\. (.+)$")
_ANSWER = re.compile(r"^ANSWER: *([^±]+?) *± *([0-9.eE+-]+) *(%)?(?: +(.+))?$")
_MISTAKE = re.compile(r"^MISTAKE: *(\S+) *= *(.+)$")
_BLANK = re.compile(r"\{\{c(\d+)::(.+?)\}\}")
_CODE_LINE = re.compile(r"^(?:第 ?\d+ ?行|[Ll]ine \d+)")
_POINT = re.compile(r"^- \[ \] \((\d+(?:\.\d+)?)(!)?\) (.+?) :: (.+)$")


@dataclass
class _Draft:
    """What has been read of an item so far."""

    prompt: list[str]
    hint: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    sentence: list[str] = field(default_factory=list)
    explanation: list[str] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    steps: list[Option] = field(default_factory=list)
    blanks: list[Blank] = field(default_factory=list)
    numeric: Numeric | None = None
    predict: Predict | None = None
    check: str = ""
    key_seen: bool = False  # options, steps, blanks or ANSWER have begun: what follows explains


def read_points(path: Path, lines: tuple[Line, ...]) -> tuple[KeyPoint, ...]:
    """A list of key points: '- [ ] (2!) text :: phrasing | phrasing'."""
    points = []
    for line in lines:
        if not line.text.strip():
            continue
        found = _POINT.match(line.text)
        if not found:
            raise ContentError(path, line.number, "a key point is written '- [ ] (2!) text :: phrasing | phrasing'")
        phrasings = tuple(part.strip() for part in found[4].split(" | ") if part.strip())
        points.append(KeyPoint(found[3].strip(), float(found[1]), found[2] is not None, phrasings, line.number))
    return tuple(points)


def read_item(path: Path, block: Block) -> Item:
    """One item. Raises ContentError naming the line and the remedy."""
    body, nested = blocks(block.lines, 4)
    if any(line.text.startswith("#") and not line.fenced for line in body):
        line = next(line for line in body if line.text.startswith("#") and not line.fenced)
        raise ContentError(path, line.number, "only '#### ' headings may stand inside an item")
    item_id = ""
    draft = _Draft([block.title])
    lines = list(body)
    while lines:
        line = lines.pop(0)
        if found := _ID.match(line.text):
            item_id = found[1]
        else:
            _take(path, draft, line, lines)
    if not item_id:
        raise ContentError(path, block.line, "the item has no id; write '<!-- item: NN-a -->' under its heading")
    points: tuple[KeyPoint, ...] = ()
    if nested:
        if len(nested) > 1 or nested[0].title not in ("要点", "Key points"):
            raise ContentError(path, nested[0].line, "inside an item only one '#### 要点' / '#### Key points' may stand")
        points, explanation = _points_and_explanation(path, nested[0])
        draft.explanation += explanation
    kind = _kind(path, block, draft, points)
    return Item(
        id=item_id,
        kind=kind,
        prompt=_join(draft.prompt),
        line=block.line,
        hint=_join(draft.hint),
        code="\n".join(draft.code),
        sentence=_join(draft.sentence),
        options=tuple(draft.options or draft.steps),
        blanks=tuple(draft.blanks),
        numeric=draft.numeric,
        points=points,
        predict=draft.predict,
        check=draft.check,
        explanation=_join(draft.explanation),
    )


def _take(path: Path, draft: _Draft, line: Line, rest: list[Line]) -> None:
    text = line.text
    if line.fenced:
        _take_code(draft, line, rest)
    elif found := _PREDICT.match(text):
        draft.predict = _read_predict(path, line, found)
    elif found := _CHECK.match(text):
        draft.check = found[1]
    elif found := _TASK.match(text):
        draft.key_seen = True
        draft.options.append(_read_option(path, line, found, rest))
    elif (found := _STEP.match(text)) and (not draft.key_seen or draft.steps):
        draft.key_seen = True
        draft.steps.append(Option(found[1].strip(), True, "", None, line.number))
    elif text.startswith("ANSWER:"):
        draft.key_seen = True
        draft.numeric = _read_answer(path, line, rest)
    elif text.startswith("MISTAKE:"):
        raise ContentError(path, line.number, "MISTAKE: lines stand right after ANSWER:")
    elif _BLANK.search(text) and not draft.key_seen:
        _take_cloze(draft, text, rest)
    elif text.startswith(">") and not draft.key_seen:
        draft.hint.append(text[1:].strip())
    elif draft.key_seen:
        draft.explanation.append(text)
    else:
        draft.prompt.append(text)


def _take_code(draft: _Draft, line: Line, rest: list[Line]) -> None:
    code = [line.text]
    while rest and rest[0].fenced:
        code.append(rest.pop(0).text)
    if draft.key_seen:
        draft.explanation += code
    elif draft.code:
        draft.code += ["", *code]
    else:
        draft.code = code


def _take_cloze(draft: _Draft, text: str, rest: list[Line]) -> None:
    sentence = [text]
    while rest and rest[0].text.strip():
        sentence.append(rest.pop(0).text)
    draft.sentence = sentence
    draft.blanks = [
        Blank(tuple(part.strip() for part in found[2].split("|"))) for found in _BLANK.finditer("\n".join(sentence))
    ]
    draft.key_seen = True


def _read_option(path: Path, line: Line, found: re.Match[str], rest: list[Line]) -> Option:
    text, span = found[2], None
    if ranged := _RANGE.search(text):
        text = text[: ranged.start()]
        span = Range(_bound(path, line, ranged[1]), _bound(path, line, ranged[2]))
    feedback = []
    while rest and re.match(r"^ {2,}>", rest[0].text):
        feedback.append(rest.pop(0).text.strip()[1:].strip())
    return Option(text.strip(), found[1] in "xX", "\n".join(feedback), span, line.number)


def _bound(path: Path, line: Line, text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise ContentError(path, line.number, f"range bound {text!r} is no number; write <!-- range: -14..-6 -->") from None


def _read_predict(path: Path, line: Line, found: re.Match[str]) -> Predict:
    given = dict(part.split("=", 1) for part in found[2].split())
    metric = given.pop("metric", "")
    if not metric:
        raise ContentError(path, line.number, "the predict line names no metric=…")
    return Predict(found[1], {name: _value(text) for name, text in given.items()}, metric)


def _value(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _read_answer(path: Path, line: Line, rest: list[Line]) -> Numeric:
    found = _ANSWER.match(line.text)
    try:
        if not found:
            raise ValueError
        value, tolerance = float(found[1]), float(found[2])
    except ValueError:
        raise ContentError(path, line.number, "write 'ANSWER: 0.35 ± 0.01 unit' or '± 2%'") from None
    mistakes = []
    while rest and rest[0].text.startswith("MISTAKE:"):
        wrong = rest.pop(0)
        named = _MISTAKE.match(wrong.text)
        try:
            if not named:
                raise ValueError
            mistakes.append(Mistake(float(named[1]), named[2].strip()))
        except ValueError:
            raise ContentError(path, wrong.number, "write 'MISTAKE: 0.9 = what to tell'") from None
    relative = found[3] is not None
    unit = (found[4] or "").strip()
    return Numeric(value, tolerance / 100 if relative else tolerance, relative, found[1].strip(), unit, tuple(mistakes))


def _points_and_explanation(path: Path, block: Block) -> tuple[tuple[KeyPoint, ...], list[str]]:
    """The list of points and the paragraphs after it."""
    last = max((i for i, line in enumerate(block.lines) if line.text.startswith("- [ ]")), default=-1)
    return read_points(path, block.lines[: last + 1]), [line.text for line in block.lines[last + 1 :]]


def _kind(path: Path, block: Block, draft: _Draft, points: tuple[KeyPoint, ...]) -> Kind:
    shapes = [bool(draft.options), bool(draft.steps), bool(draft.blanks), draft.numeric is not None, bool(points)]
    if sum(shapes) != 1:
        what = "no key: give options, an ordered list, {{c1::…}}, ANSWER: or key points" if not any(shapes) else "two kinds of key"
        raise ContentError(path, block.line, f"the item has {what}")
    if draft.predict:
        if not (draft.options or draft.numeric):
            raise ContentError(path, block.line, "a predict item has options with ranges, or ANSWER:")
        return "predict"
    if points:
        return "free"
    if draft.numeric:
        return "numeric"
    if draft.blanks:
        return "cloze"
    if draft.steps:
        return "order"
    if draft.code and all(_CODE_LINE.match(option.text) for option in draft.options):
        return "bug"
    return "multi" if sum(option.right for option in draft.options) > 1 else "single"


def _join(lines: list[str]) -> str:
    return "\n".join(lines).strip()


def plain_blanks(sentence: str) -> str:
    """A cloze sentence with its blanks as ____, for readers that must not see the key."""
    return _BLANK.sub("____", sentence)
