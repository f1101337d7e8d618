"""Marking a response. Pure: an item, a response, and for predict items what the run measured.

single, bug 1/0 · multi max(0, TP/P − FP/N) · order max(0, Kendall's τ), right only at 1 ·
cloze mean over blanks · numeric within tolerance · free the confirmed weight · no negative scores.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.content import Item
from app.protocol import Bilingual
from app.quiz import rubric

Mark = Literal["right", "wrong", "missed", "rest"]
MAX_TEXT = 4000


class ResponseError(ValueError):
    """A response that cannot be marked: the message says what is expected, `bound` its limit."""

    def __init__(self, zh: str, en: str, bound: Any = None) -> None:
        super().__init__(en)
        self.message = Bilingual(zh, en)
        self.bound = bound


@dataclass(frozen=True)
class Note:
    """What is said of one option, blank or key point: chosen rightly, chosen wrongly, missed, or rightly left."""

    index: int
    mark: Mark
    text: str


@dataclass(frozen=True)
class Grade:
    """The outcome; score in [0, 1]."""

    score: float
    correct: bool
    notes: tuple[Note, ...] = ()
    max_score: float = 1.0


def shown_order(item: Item) -> tuple[int, ...]:
    """Which written option stands at each shown place. Only `order` items are shuffled: fixed by the id."""
    places = list(range(len(item.options)))
    if item.kind != "order" or len(places) < 2:
        return tuple(places)
    for salt in itertools.count():
        seed = hashlib.blake2b(f"{item.id}/{salt}".encode(), digest_size=8).digest()
        random.Random(seed).shuffle(places)  # noqa: S311 - a shuffle, not a secret
        if places != sorted(places):
            break
    return tuple(places)


def grade(item: Item, response: Any, measured: float | None = None) -> Grade:
    """Mark `response` to `item`; shapes as the API describes them. Raises ResponseError.

    `measured` is what the live run of a predict item gave; without it the written key marks.
    """
    match item.kind:
        case "single" | "bug":
            return _choice(item, _indexes(item, response, exactly=1))
        case "multi":
            return _multi(item, _indexes(item, response))
        case "order":
            return _order(item, _indexes(item, response, exactly=len(item.options)))
        case "cloze":
            return _cloze(item, response)
        case "numeric":
            return _numeric(item, _number(response))
        case "free":
            return _free(item, response)
        case "predict":
            return _predict(item, response, measured)


# ── shapes ──


def _indexes(item: Item, response: Any, exactly: int | None = None) -> list[int]:
    n = len(item.options)
    given = [response] if isinstance(response, int) and not isinstance(response, bool) else response
    if not isinstance(given, list) or not all(isinstance(i, int) and not isinstance(i, bool) for i in given):
        raise ResponseError("作答应为选项序号的列表", "the response must be a list of option indexes")
    if any(not 0 <= i < n for i in given):
        raise ResponseError(
            f"选项序号应在 0 到 {n - 1} 之间", f"option indexes must be from 0 to {n - 1}", n - 1
        )
    if len(set(given)) != len(given):
        raise ResponseError("同一选项不能出现两次", "an option may appear only once")
    if exactly is not None and len(given) != exactly:
        if exactly == 1:
            raise ResponseError("请选择一个选项", "choose exactly one option", 1)
        raise ResponseError(f"请排列全部 {exactly} 项", f"put all {exactly} entries in order", exactly)
    if not given:
        raise ResponseError("请至少选择一个选项", "choose at least one option", 1)
    return given


def _number(response: Any) -> float:
    if isinstance(response, str):
        response = parse_number(response)
    if isinstance(response, bool) or not isinstance(response, int | float) or not math.isfinite(response):
        raise ResponseError("请填写一个数，例如 0.35 或 2.7e-5", "give a number, such as 0.35 or 2.7e-5")
    return float(response)


def parse_number(text: str) -> float | None:
    """A number as people type it: 1,024 · 2.7e-5 · 2.7×10^-5 · 50% · −3 (full width too); None where it is none."""
    plain = unicodedata.normalize("NFKC", text).strip().replace("−", "-").replace("–", "-").replace(" ", "")
    plain = re.sub(r"(?:[×x*·]10\^?|^10\^)\(?([+-]?\d+)\)?$", r"e\1", plain)
    plain = "1" + plain if plain.startswith("e") else plain
    if re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", plain):
        plain = plain.replace(",", "")
    percent = plain.endswith("%")
    fraction = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)", plain)
    try:
        if fraction:
            return float(fraction[1]) / float(fraction[2])
        return float(plain.rstrip("%")) / (100 if percent else 1)
    except (ValueError, ZeroDivisionError):
        return None


# ── kinds ──


def _choice(item: Item, chosen: Sequence[int]) -> Grade:
    right = item.options[chosen[0]].right
    return Grade(float(right), right, _notes(item, chosen))


def _multi(item: Item, chosen: Sequence[int]) -> Grade:
    keys = {i for i, option in enumerate(item.options) if option.right}
    hits, false = len(keys & set(chosen)), len(set(chosen) - keys)
    score = max(0.0, hits / len(keys) - false / (len(item.options) - len(keys)))
    return Grade(score, set(chosen) == keys, _notes(item, chosen))


def _notes(item: Item, chosen: Sequence[int]) -> tuple[Note, ...]:
    marks: dict[tuple[bool, bool], Mark] = {
        (True, True): "right",
        (True, False): "wrong",
        (False, True): "missed",
        (False, False): "rest",
    }
    return tuple(
        Note(i, marks[i in chosen, option.right], option.feedback) for i, option in enumerate(item.options)
    )


def _order(item: Item, chosen: Sequence[int]) -> Grade:
    shown = shown_order(item)
    written = [shown[i] for i in chosen]
    pairs = list(itertools.combinations(written, 2))
    tau = sum(1 if a < b else -1 for a, b in pairs) / len(pairs)
    marks: list[Mark] = ["right" if place == index else "wrong" for place, index in enumerate(written)]
    notes = tuple(Note(i, mark, "") for i, mark in zip(chosen, marks, strict=True))
    return Grade(max(0.0, tau), tau == 1.0, notes)


def plain(text: str) -> str:
    """Text as blanks compare it: NFKC, casefolded, without spaces and outer punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\s+", "", folded).strip("。，、；：！？.,;:!?\"'“”‘’`$")


def _cloze(item: Item, response: Any) -> Grade:
    n = len(item.blanks)
    if isinstance(response, str) and n == 1:
        response = [response]
    if not isinstance(response, list) or not all(isinstance(text, str) for text in response):
        raise ResponseError("作答应为文字的列表", "the response must be a list of strings")
    if len(response) != n:
        raise ResponseError(f"共有 {n} 个空，请逐个填写", f"there are {n} blanks; fill each", n)
    if any(len(text) > MAX_TEXT for text in response):
        raise ResponseError(
            f"每个空最多 {MAX_TEXT} 个字符", f"a blank takes at most {MAX_TEXT} characters", MAX_TEXT
        )
    notes = []
    for index, (text, blank) in enumerate(zip(response, item.blanks, strict=True)):
        hit = plain(text) in {plain(accepted) for accepted in blank.alternatives}
        notes.append(Note(index, "right" if hit else "wrong", blank.alternatives[0]))
    score = sum(note.mark == "right" for note in notes) / n
    return Grade(score, score == 1.0, tuple(notes))


def _numeric(item: Item, value: float) -> Grade:
    assert item.numeric is not None
    if item.numeric.accepts(value):
        return Grade(1.0, True)
    named = next((m.feedback for m in item.numeric.mistakes if m.matches(value)), "")
    return Grade(0.0, False, (Note(0, "wrong", named),) if named else ())


def _free(item: Item, response: Any) -> Grade:
    if not isinstance(response, dict) or not isinstance(response.get("text"), str):
        raise ResponseError(
            "作答应为 {text, confirmed}：先写下回答，再勾选要点",
            "the response must be {text, confirmed}: write first, then tick the key points",
        )
    if len(response["text"]) > MAX_TEXT:
        raise ResponseError(
            f"回答最多 {MAX_TEXT} 个字符", f"the answer takes at most {MAX_TEXT} characters", MAX_TEXT
        )
    ticked = response.get("confirmed", [])
    n = len(item.points)
    if not isinstance(ticked, list) or not all(
        isinstance(i, int) and not isinstance(i, bool) for i in ticked
    ):
        raise ResponseError("confirmed 应为要点序号的列表", "confirmed must be a list of point indexes")
    if any(not 0 <= i < n for i in ticked):
        raise ResponseError(
            f"要点序号应在 0 到 {n - 1} 之间", f"point indexes must be from 0 to {n - 1}", n - 1
        )
    score = rubric.score(item.points, ticked)
    essential = all(i in ticked for i, point in enumerate(item.points) if point.essential)
    notes = tuple(
        Note(i, "right" if i in ticked else "missed", point.text) for i, point in enumerate(item.points)
    )
    return Grade(score, essential and score >= 0.75, notes)


def _predict(item: Item, response: Any, measured: float | None) -> Grade:
    if item.numeric is not None:
        value = _number(response)
        if measured is None:
            return _numeric(item, value)
        right = item.numeric.around(measured).accepts(value)
        return Grade(float(right), right)
    chosen = _indexes(item, response, exactly=1)
    if measured is None:
        return _choice(item, chosen)
    keys = [option.holds(measured) for option in item.options]
    right = keys[chosen[0]]
    notes = tuple(
        Note(
            i,
            "right" if i in chosen and key else "wrong" if i in chosen else "missed" if key else "rest",
            option.feedback,
        )
        for i, (option, key) in enumerate(zip(item.options, keys, strict=True))
    )
    return Grade(float(right), right, notes)
