"""What a question is, parsed. Frozen: the library is read once and shared by all threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from app.protocol import Bilingual

Kind = Literal["single", "multi", "order", "cloze", "numeric", "free", "bug", "predict"]


class ContentError(ValueError):
    """One fault of the content: file, line (0: the whole file), what is wrong and how to mend it."""

    def __init__(self, file: Path | str, line: int, fault: str) -> None:
        super().__init__(f"{file}:{line}: {fault}" if line else f"{file}: {fault}")
        self.file, self.line, self.fault = str(file), line, fault


class ContentErrors(ContentError):
    """All faults of a folder at once."""

    def __init__(self, faults: list[ContentError]) -> None:
        super().__init__(faults[0].file, faults[0].line, faults[0].fault)
        self.faults = faults
        self.args = ("\n".join(str(fault) for fault in faults),)


@dataclass(frozen=True)
class Topic:
    id: str
    title: Bilingual


@dataclass(frozen=True)
class Source:
    """An entry of sources.toml. `checked`: verified, claim verified, or from memory."""

    id: str
    authors: str
    year: int
    title: str
    venue: str
    checked: str
    arxiv: str = ""
    doi: str = ""
    url: str = ""

    @property
    def short(self) -> str:
        return f"{self.authors} ({self.year})"

    @property
    def text(self) -> str:
        return f"{self.authors} ({self.year}). {self.title}. {self.venue}."

    @property
    def href(self) -> str:
        if self.doi:
            return f"https://doi.org/{self.doi}"
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else self.url


@dataclass(frozen=True)
class Range:
    """What a predict option claims of the metric: low ≤ value ≤ high, None being open."""

    low: float | None
    high: float | None

    def holds(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True)
class Option:
    """A choice, or (order items) a step, in the written order."""

    text: str
    right: bool = False
    feedback: str = ""
    range: Range | None = None
    line: int = 0

    def holds(self, value: float) -> bool:
        """Whether a measured value makes this option the right one."""
        return self.range is not None and self.range.holds(value)


@dataclass(frozen=True)
class Blank:
    """One gap of a cloze: what is accepted, the first being shown as the answer."""

    alternatives: tuple[str, ...]


@dataclass(frozen=True)
class Mistake:
    """A wrong number that people arrive at, and what to tell them."""

    value: float
    feedback: str

    def matches(self, value: float) -> bool:
        return abs(value - self.value) <= 1e-3 * abs(self.value) + 1e-12


@dataclass(frozen=True)
class Numeric:
    """A number with its tolerance, absolute or (relative) a share of the value."""

    value: float
    tolerance: float
    relative: bool
    written: str
    unit: str = ""
    mistakes: tuple[Mistake, ...] = ()

    def accepts(self, value: float) -> bool:
        bound = self.tolerance * abs(self.value) if self.relative else self.tolerance
        return abs(value - self.value) <= bound + 1e-12 * max(1.0, abs(self.value))

    def around(self, value: float) -> Numeric:
        """The same tolerance about a measured value."""
        return Numeric(value, self.tolerance, self.relative, f"{value:.4g}", self.unit, self.mistakes)


@dataclass(frozen=True)
class KeyPoint:
    """One idea of a strong answer; `phrasings` are ways people say it."""

    text: str
    weight: float
    essential: bool
    phrasings: tuple[str, ...]
    line: int = 0


@dataclass(frozen=True)
class FollowUp:
    question: str
    answer: str


@dataclass(frozen=True)
class Predict:
    """Which metric of which run is the key of a predict item."""

    demo: str
    params: Mapping[str, Any]
    metric: str


@dataclass(frozen=True)
class Item:
    """One machine-gradable exercise in one language; texts are Markdown."""

    id: str
    kind: Kind
    prompt: str
    line: int
    hint: str = ""
    code: str = ""
    sentence: str = ""
    options: tuple[Option, ...] = ()
    blanks: tuple[Blank, ...] = ()
    numeric: Numeric | None = None
    points: tuple[KeyPoint, ...] = ()
    predict: Predict | None = None
    check: str = ""
    explanation: str = ""


@dataclass(frozen=True)
class Page:
    """A question in one language."""

    title: str
    source: str
    items: tuple[Item, ...]
    review: str = ""
    key_points: tuple[KeyPoint, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)  # section → its first line


@dataclass(frozen=True)
class DemoLink:
    """The demo that proves it, with preset params and one sentence on what to look at."""

    slug: str
    params: Mapping[str, Any]
    look: Bilingual


@dataclass(frozen=True)
class Question:
    number: int
    slug: str
    topic: str
    level: int
    text: Mapping[str, Page]
    folder: Path
    verdict: str = ""
    demo: DemoLink | None = None
    duplicate_of: int | None = None
    near: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()

    def item(self, item_id: str, lang: str) -> Item:
        """The item in one language; KeyError where it is none of this question's."""
        return next_or_key_error(item_id, self.text[lang].items)


def next_or_key_error(item_id: str, items: tuple[Item, ...]) -> Item:
    for item in items:
        if item.id == item_id:
            return item
    raise KeyError(item_id)


@dataclass(frozen=True)
class Library:
    """All questions, by number, with what they share."""

    questions: tuple[Question, ...]
    topics: tuple[Topic, ...]
    sources: Mapping[str, Source]
    planned_demos: tuple[str, ...]

    @cached_property
    def by_slug(self) -> dict[str, Question]:
        return {question.slug: question for question in self.questions}

    @cached_property
    def by_number(self) -> dict[int, Question]:
        return {question.number: question for question in self.questions}

    @cached_property
    def _by_item(self) -> dict[str, tuple[Question, Item]]:
        return {item.id: (question, item) for question in self.questions for item in question.text["zh"].items}

    def find(self, item_id: str) -> tuple[Question, Item] | None:
        """The question and (in Chinese) the item of that id."""
        return self._by_item.get(item_id)

    def topic(self, topic_id: str) -> Topic:
        return next(topic for topic in self.topics if topic.id == topic_id)

    def neighbours(self, question: Question) -> tuple[Question | None, Question | None]:
        """The questions before and after within the topic."""
        row = [other for other in self.questions if other.topic == question.topic]
        place = row.index(question)
        return (row[place - 1] if place else None), (row[place + 1] if place + 1 < len(row) else None)

    def twins(self, question: Question) -> list[Question]:
        """Questions that ask the same or nearly the same, whichever of the two says so."""
        numbers = {question.duplicate_of, *question.near} | {
            other.number
            for other in self.questions
            if question.number in (other.duplicate_of, *other.near)
            or (other.duplicate_of and other.duplicate_of == question.duplicate_of)
        }
        return [other for other in self.questions if other.number in numbers and other is not question]

    def sources_of(self, question: Question) -> list[Source]:
        return [self.sources[key] for key in question.sources if key in self.sources]
