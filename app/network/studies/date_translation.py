"""Dates as people write them, in Chinese or English, into ISO 8601: with attention, without, and read backwards.

Days from 1900-01-01 to 2099-12-31. Every tenth day is held out in all its spellings, so no test date was ever seen.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from app.network.ruler import memory_ruler
from app.network.studies.seq2seq import Pairs, Seq2Seq, padded
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.train import generator

Language = Literal["both", "zh", "en"]
LANES = ("attention", "plain", "backwards")
FIRST, DAYS, TENTH = datetime.date(1900, 1, 1), 73_049, 7  # days whose number ends in TENTH are held out
BATCH, TESTED, SOLVED = 32, 300, 0.95
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NUMERALS = "〇一二三四五六七八九"
OUTPUTS = "0123456789-"


def chinese(n: int) -> str:
    """1 … 31 in Chinese numerals: 五, 十二, 二十, 三十一."""
    tens, ones = divmod(n, 10)
    return ("" if tens == 0 else ("" if tens == 1 else NUMERALS[tens]) + "十") + (
        NUMERALS[ones] if ones else ""
    )


def years(n: int) -> str:
    """2026 → 二〇二六."""
    return "".join(NUMERALS[int(digit)] for digit in str(n))


def suffixed(n: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th …"""
    return f"{n}" + ("th" if 10 < n % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th"))


# fmt: off
SPELLINGS: dict[str, Any] = {
    "zh": (
        lambda d: f"{d.year}年{d.month}月{d.day}日",
        lambda d: f"{years(d.year)}年{chinese(d.month)}月{chinese(d.day)}日",
        lambda d: f"{years(d.year)}年{chinese(d.month)}月{chinese(d.day)}号",
        lambda d: f"{d.year}年{d.month}月{d.day}号，星期{'一二三四五六日'[d.weekday()]}",
        lambda d: f"公元{d.year}年{chinese(d.month)}月{chinese(d.day)}日",
    ),
    "en": (
        lambda d: f"{MONTHS[d.month - 1]} {d.day}, {d.year}",
        lambda d: f"{d.day} {MONTHS[d.month - 1]} {d.year}",
        lambda d: f"{MONTHS[d.month - 1][:3]} {suffixed(d.day)}, {d.year}",
        lambda d: f"{WEEKDAYS[d.weekday()]}, {d.day} {MONTHS[d.month - 1]} {d.year}",
        lambda d: f"the {suffixed(d.day)} of {MONTHS[d.month - 1]} {d.year}",
    ),
}
# fmt: on
ALPHABET = sorted(
    {*"0123456789, 年月日号公元星期，十", *NUMERALS, *"".join((*MONTHS, *WEEKDAYS)), *"theofstndrd"}
)
_PLACE = {char: k + 1 for k, char in enumerate(ALPHABET)}  # 0 is padding


class Translation(NamedTuple):
    """The learner's own text in training: the ISO date that is said, and the attention (10, S) in the text's order."""

    said: str
    attention: npt.NDArray[Any]


class Moment(NamedTuple):
    """After `step` updates of all lanes; `measured` where accuracies are new, a frame where one is due."""

    step: int
    measured: bool
    frame: tuple[Trace, Any, Translation] | None


@dataclass
class Lane:
    """One model: exact match and loss on held-out dates, and the step at which it first reached SOLVED."""

    name: str
    model: Seq2Seq
    exact: float = 0.0
    loss: float = 0.0
    solved_at: int | None = None


def spellings(language: Language) -> list[Any]:
    """The ways of writing a date that are trained on."""
    return [*(SPELLINGS["zh"] if language != "en" else ()), *(SPELLINGS["en"] if language != "zh" else ())]


def clean(text: str) -> str:
    """What the network reads of a text: small letters, one blank at a time."""
    return " ".join(text.lower().replace("．", ".").split())


def unknown(text: str) -> list[str]:
    """Characters that no spelling has."""
    return sorted(set(clean(text)) - set(ALPHABET))


def meant(text: str) -> str | None:
    """The ISO date that `text` writes, where it is one of the spellings of a day in range."""
    written = clean(text)
    for year in range(1900, 2100):
        if str(year) in written or years(year) in written:
            days = (datetime.date(year, 1, 1) + datetime.timedelta(k) for k in range(366))
            for date in (day for day in days if day.year == year):
                if any(spell(date) == written for spell in spellings("both")):
                    return date.isoformat()
    return None


def is_held_out(iso: str) -> bool:
    """Whether the day of an ISO date is one that training never sees."""
    return (datetime.date.fromisoformat(iso) - FIRST).days % 10 == TENTH


def encode(texts: list[str], dates: list[str]) -> Pairs:
    """Texts and ISO dates as class indexes."""
    x, lengths = padded([[_PLACE[char] for char in text] for text in texts])
    return Pairs(x, lengths, torch.tensor([[OUTPUTS.index(char) for char in date] for date in dates]))


def draw(batch: int, language: Language, source: torch.Generator, *, held: bool) -> Pairs:
    """Days of one part of the calendar, each in a spelling drawn with it."""
    ways = spellings(language)
    tens = torch.randint(0, DAYS // 10, (batch,), generator=source)
    ones = torch.randint(0, 9, (batch,), generator=source)
    way = torch.randint(0, len(ways), (batch,), generator=source).tolist()
    days = 10 * tens + (TENTH if held else torch.where(ones >= TENTH, ones + 1, ones))
    dates = [FIRST + datetime.timedelta(int(day)) for day in days]
    texts = [ways[k](date) for k, date in zip(way, dates, strict=True)]
    return encode(texts, [date.isoformat() for date in dates])


class Dates:
    """All lanes of one seed on the same batches. `text` is the learner's own."""

    def __init__(self, *, language: Language, text: str, hidden: int, lr: float, seed: int) -> None:
        self._language, self._draws = language, generator(seed, 2)
        self.lanes = [
            Lane(
                name,
                Seq2Seq(
                    len(ALPHABET) + 1, len(OUTPUTS), hidden=hidden, lr=lr, attention=name == "attention",
                    reverse=name == "backwards", source=generator(seed, 1),
                ),
            )
            for name in LANES
        ]  # fmt: skip
        self.test = draw(TESTED, language, generator(seed, 3), held=True)
        self.tokens = list(clean(text))
        self._own = encode([clean(text)], ["2000-01-01"])
        self._meant = meant(text)

    def run(self, limit: int, measures: frozenset[int], frames: frozenset[int]) -> Iterator[Moment]:
        """`limit` updates; the learning rate falls linearly to a tenth."""
        for step in range(1, limit + 1):
            batch = draw(BATCH, self._language, self._draws, held=False)
            for lane in self.lanes:
                lane.model.learn(batch, 1.0 - 0.9 * (step - 1) / limit)
            measured = step in measures or step == limit
            if measured:
                for lane in self.lanes:
                    lane.exact, lane.loss = lane.model.exact(self.test), lane.model.loss(self.test)
                    if lane.exact >= SOLVED and lane.solved_at is None:
                        lane.solved_at = step
            yield Moment(step, measured, self._frame() if step in frames else None)

    def _frame(self) -> tuple[Trace, Any, Translation]:
        model = self.lanes[0].model
        with torch.no_grad():
            x = model.embed(self._own.x, self._own.lengths)
            _, _, trace = model.encoder(x)
        return trace, memory_ruler(model.encoder, x), self.own("attention")

    def own(self, name: str) -> Translation:
        """What a lane makes of the learner's text."""
        model = self.lanes[LANES.index(name)].model
        said, weights = model.greedy(self._own.x, self._own.lengths, self._own.y.shape[1])
        looked = np.zeros((0, 0)) if weights is None else np.asarray(weights[0].double())
        return Translation("".join(OUTPUTS[k] for k in said[0].tolist()), looked)

    def subject(self) -> Subject:
        """The attention lane's encoder on the learner's text; judged against the true date, or its own if unknown."""
        model, lengths = self.lanes[0].model, self._own.lengths
        true = self._meant or self.own("attention").said
        y = torch.tensor([[OUTPUTS.index(char) for char in true]])
        x = model.embed(self._own.x, lengths).detach()
        return Subject(model.encoder, x, self.tokens, partial(_answer, model, y, lengths, true))


def _answer(
    model: Seq2Seq, y: Tensor, lengths: Tensor, true: str, output: Tensor, state: tuple[Tensor, Tensor]
) -> Answer:
    scores = model.forced(output, state, y, lengths)[0]
    chances = scores.softmax(-1)[torch.arange(len(true)), y[0]].tolist()
    loss = float(nn.functional.cross_entropy(scores, y[0]))
    rows = [(f"P({char}) [{k}]", p) for k, (char, p) in enumerate(zip(true, chances, strict=True), 1)]
    return Answer(loss, rows)
