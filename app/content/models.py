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
    """One fault of the content: file, line (from 1), what is wrong and how to mend it."""

    def __init__(self, file: Path | str, line: int, fault: str, remedy: str) -> None:
        super().__init__(f"{file}:{line}: {fault}; {remedy}")
        self.file, self.line, self.fault, self.remedy = str(file), line, fault, remedy


class ContentErrors(ContentError):
    """All faults of a folder at once; `faults` is never empty."""

    def __init__(self, faults: list[ContentError]) -> None:
        first = faults[0]
        super().__init__(first.file, first.line, first.fault, first.remedy)
        self.faults = faults
        self.args = ("\n".join(str(fault) for fault in faults),)


@dataclass(frozen=True)
class Topic:
    id: str
    title: Bilingual


@dataclass(frozen=True)
class Term:
    """A term of the glossary: what it is in one line, how to read it in Chinese, the first question that uses it."""

    id: str
    name: Bilingual
    says: Bilingual
    question: int
    pinyin: str
    spellings: Mapping[str, tuple[str, ...]]  # language → all spellings that link here, the longest first


@dataclass(frozen=True)
class Source:
    """An entry of sources.toml. `checked`: verified, claim verified, or from memory.

    `also` names a companion work in full, where one key stands for two.
    """

    id: str
    authors: str
    year: int
    title: str
    venue: str
    checked: str
    arxiv: str = ""
    doi: str = ""
    url: str = ""
    also: str = ""

    @property
    def short(self) -> str:
        return f"{self.authors} ({self.year})"

    @property
    def text(self) -> str:
        text = f"{self.authors} ({self.year}). {self.title}. {self.venue}."
        return f"{text} {self.also}" if self.also else text

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
    source: str  # verbatim; "" where the question is beyond the source
    items: tuple[Item, ...]
    answer: str = ""  # written by us, where there is no source
    review: str = ""
    model_answer: str = ""
    key_points: tuple[KeyPoint, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)  # section → its first line


@dataclass(frozen=True)
class DemoLink:
    """The demo that proves it, with preset params and one sentence on what to look at."""

    slug: str
    params: Mapping[str, Any]
    look: Bilingual


SOURCE_QUESTIONS = 30


@dataclass(frozen=True, eq=False)
class Question:
    """A question in all its languages. Questions are told apart by identity."""

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

    @property
    def beyond(self) -> bool:
        """Whether interviewers ask it and the source does not."""
        return self.number > SOURCE_QUESTIONS

    def item(self, item_id: str, lang: str) -> Item:
        """The item in one language; KeyError where it is none of this question's."""
        for item in self.text[lang].items:
            if item.id == item_id:
                return item
        raise KeyError(item_id)

    @property
    def items(self) -> tuple[Item, ...]:
        """The items in the first language read: for all that the languages share."""
        return next(iter(self.text.values())).items


@dataclass(frozen=True, eq=False)
class Library:
    """All questions, by number, with what they share. Compared by identity, so it can key a cache."""

    questions: tuple[Question, ...]
    topics: tuple[Topic, ...]
    sources: Mapping[str, Source]
    planned_demos: tuple[str, ...]
    terms: tuple[Term, ...] = ()
    notation: Mapping[str, str] = field(default_factory=dict)  # language → Markdown of the notation page

    @cached_property
    def of_source(self) -> tuple[Question, ...]:
        """The questions of the source, without those beyond it."""
        return tuple(question for question in self.questions if not question.beyond)

    @cached_property
    def by_slug(self) -> dict[str, Question]:
        return {question.slug: question for question in self.questions}

    @cached_property
    def by_number(self) -> dict[int, Question]:
        return {question.number: question for question in self.questions}

    @cached_property
    def _by_item(self) -> dict[str, Question]:
        return {item.id: question for question in self.questions for item in question.items}

    def find(self, item_id: str) -> tuple[Question, Item] | None:
        """The question and (in the first language) the item of that id."""
        question = self._by_item.get(item_id)
        if question is None:
            return None
        return question, question.item(item_id, next(iter(question.text)))

    def item(self, item_id: str) -> tuple[Question, dict[str, Item]]:
        """The question and the item in each language. Raises KeyError."""
        question = self._by_item[item_id]
        return question, {lang: question.item(item_id, lang) for lang in question.text}

    def topic(self, topic_id: str) -> Topic:
        """Raises KeyError."""
        for topic in self.topics:
            if topic.id == topic_id:
                return topic
        raise KeyError(topic_id)

    def neighbours(self, question: Question) -> tuple[Question | None, Question | None]:
        """The questions before and after within the topic; those beyond the source keep to themselves."""
        row = [
            other
            for other in self.questions
            if other.topic == question.topic and other.beyond == question.beyond
        ]
        place = row.index(question)
        return (row[place - 1] if place else None), (row[place + 1] if place + 1 < len(row) else None)

    def twins(self, question: Question) -> list[Question]:
        """Questions that ask the same or nearly the same, whichever of the two says so."""
        return [other for other in self.questions if other is not question and _close(question, other)]

    def sources_of(self, question: Question) -> list[Source]:
        return [self.sources[key] for key in question.sources if key in self.sources]


def _close(one: Question, two: Question) -> bool:
    """Whether either names the other, or both are duplicates of a third."""
    named = two.number in (one.duplicate_of, *one.near) or one.number in (two.duplicate_of, *two.near)
    return named or (one.duplicate_of is not None and one.duplicate_of == two.duplicate_of)
