"""An item as templates read it: what is asked, what was given, how it was marked."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True)
class OptionView:
    """One option, blank row or key point as it is shown."""

    index: int
    text: Markup
    feedback: Markup | None = None
    mark: str = ""
    chosen: bool = False
    place: int = 0
    essential: bool = False
    suggested: bool = False
    negated: bool = False


@dataclass(frozen=True)
class Piece:
    """A stretch of a cloze sentence, or (blank is a number) one of its blanks."""

    html: Markup = Markup()
    blank: int | None = None
    given: str = ""
    mark: str = ""
    answer: str = ""


@dataclass(frozen=True)
class ResultView:
    """How a response was marked."""

    score: float
    correct: bool
    headline: str
    explanation: Markup
    answer: Markup | None = None
    said: Markup | None = None
    measured: str = ""  # what a live run just gave (predict)
    verified: Markup | None = None  # what the expression beside the key gives (numeric)
    model_answer: Markup | None = None  # of the whole question; only after the learner's own


@dataclass(frozen=True)
class ItemView:
    """One item for fragments/item.html."""

    id: str
    kind: str
    kind_name: str
    shape: str  # which input: choice, order, cloze, numeric, free
    prompt: Markup
    action: str
    submit: str
    key: str
    code: Markup | None = None
    hint: Markup | None = None
    many: bool = False
    options: list[OptionView] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    points: list[OptionView] | None = None
    unit: str = ""
    given: str = ""
    evidence: Markup = Markup()
    suggested_score: float = 0.0
    selftest: str = ""
    asks_confidence: bool = True
    result: ResultView | None = None
    error: str = ""
    demo_href: str = ""
    again: str = ""
    again_fragment: str = ""


@dataclass(frozen=True)
class OneItem:
    """The page around a single item, for browsers without JavaScript."""

    view: ItemView
    back: str
    title: str
