"""What demos, runs and the browser share: Params, Demo and one closed union of events.

Nothing here imports torch or numpy: the web process reads this module.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, Field

Lang = Literal["zh", "en"]
Widget = Literal["", "lines", "draw"]
LANGS: tuple[Lang, ...] = ("zh", "en")


class Bilingual(NamedTuple):
    """The same words in both languages."""

    zh: str
    en: str

    def get(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


# ── parameters ──────────────────────────────────────────────────────────────


def param(
    default: Any, zh: str, en: str, *, help: Bilingual | None = None, widget: Widget = "",
    choices: Mapping[str, Bilingual] | None = None, **bounds: Any,
) -> Any:  # fmt: skip
    """A pydantic field with a title in each language; `bounds` are pydantic's (ge, le, max_length …).

    `widget` asks the form for more than a line: "lines" a text area, "draw" an 8 × 8 drawing pad. `choices` names
    the values of a Literal as the form and the error messages call them; addresses and the API keep the values.
    """
    words: dict[str, Any] = {"title_zh": zh, "title_en": en}
    if widget:
        words["widget"] = widget
    if choices is not None:
        for lang in LANGS:
            words[f"choices_{lang}"] = {value: title.get(lang) for value, title in choices.items()}
    if help is not None:
        words |= {"help_zh": help.zh, "help_en": help.en}
    return Field(default, json_schema_extra=words, **bounds)


class Params(BaseModel):
    """What a learner may set before a run. Unknown names are refused; every field has bounds."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    seed: int = param(0, "随机种子", "Seed", ge=0, le=9999)


def params_schema(params: type[Params], lang: str) -> dict[str, Any]:
    """JSON Schema of `params` with titles, help and names of choices in one language; `seed` comes last."""
    schema = params.model_json_schema()
    fields: dict[str, Any] = {}
    for name, given in sorted(schema["properties"].items(), key=lambda kv: kv[0] == "seed"):
        words = dict(given)
        for key, name_there in (("title", "title"), ("help", "description"), ("choices", "choices")):
            zh, en = words.pop(f"{key}_zh", None), words.pop(f"{key}_en", None)
            if zh is not None:
                words[name_there] = zh if lang == "zh" else en
        fields[name] = words
    schema["properties"] = fields
    schema["title"] = params.__name__
    return schema


def run_id(demo: str, params: Params, code: str) -> str:
    """The digest that names one execution: demo, params with seed, code version."""
    text = json.dumps([demo, params.model_dump(mode="json"), code], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


# ── events ──────────────────────────────────────────────────────────────────


class Tensor(msgspec.Struct, frozen=True):
    """A tensor as uint8 with a scale: value = lo + byte / 255 · (hi − lo); row-major; base64.

    1.33 bytes a value; the rounding error is at most (hi − lo) / 510.
    """

    shape: tuple[int, ...]
    lo: float
    hi: float
    data: str

    @classmethod
    def of(cls, array: Any, lo: float, hi: float) -> Tensor:
        """Quantise a numpy float array (values outside [lo, hi] are clipped); it must be finite."""
        span = (hi - lo) or 1.0
        scaled = ((array - lo) * (255.0 / span) + 0.5).clip(0.0, 255.0)
        if scaled.size and math.isnan(float(scaled.sum())):
            raise ValueError("a tensor to be shown holds NaN")
        data = base64.b64encode(scaled.astype("uint8").tobytes()).decode("ascii")
        return cls(tuple(int(n) for n in array.shape), float(lo), float(hi), data)


class Event(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Base of the closed union; see `AnyEvent`."""


class Started(Event, tag="started", frozen=True, kw_only=True):
    """First event of every run."""

    demo: str
    params: dict[str, Any]


class Progress(Event, tag="progress", frozen=True, kw_only=True):
    """`done` of `total` units of work (training steps, settings …)."""

    done: int
    total: int
    note: Bilingual | None = None


class Scalar(Event, tag="scalar", frozen=True, kw_only=True):
    """One point of a named series in a curves panel. `series` is one of the panel's series keys."""

    panel: str
    series: str
    x: float
    y: float | None  # None: not finite, drawn as a break with a mark


class Gates(Event, tag="gates", frozen=True, kw_only=True):
    """All six signals of one sequence, one layer, one lane, after `step` training steps.

    Each tensor has shape (T, H). i, f, o span [0, 1]; g and h [−1, 1]; c its own range.
    """

    panel: str
    step: int
    tokens: list[str]  # length T: what was read at each time step
    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    c: Tensor
    h: Tensor
    lane: str = ""  # which model of a race; "" where there is one only
    layer: int = 0
    clamped: list[str] = []  # names of clamped gates; msgspec copies defaults
    # The memory ruler, (2, T) in log10: what ∏f lets through from step t to the end, and the measured ∂h_T/∂h_t.
    ruler: Tensor | None = None


class Heatmap(Event, tag="heatmap", frozen=True, kw_only=True):
    """A matrix (rows, columns) with its axis labels; `step` where it changes with training."""

    panel: str
    values: Tensor
    rows: Sequence[str | Bilingual]
    columns: Sequence[str | Bilingual]
    step: int = 0


class Trail(Event, tag="trail", frozen=True, kw_only=True):
    """One point of a path over a surface: where a lane's parameters stand after `step` updates, and the loss."""

    panel: str
    lane: str
    step: int
    x: float
    y: float
    z: float | None  # None: not finite


class Text(Event, tag="text", frozen=True, kw_only=True):
    """Tokens, each with a value in [−1, 1] that colours it (a unit's activation, say)."""

    panel: str
    tokens: list[str]
    values: list[float]
    step: int = 0
    caption: Bilingual | None = None


class Sound(Event, tag="sound", frozen=True, kw_only=True):
    """Something to listen to: mono 16-bit PCM, little-endian, base64, at `rate` samples a second."""

    panel: str
    rate: int
    data: str
    caption: Bilingual | None = None


Cell = str | float | Bilingual | None


class Table(Event, tag="table", frozen=True, kw_only=True):
    """A whole table; a later one of the same panel replaces it. Cells are ready to show."""

    panel: str
    columns: list[Bilingual]
    rows: Sequence[Sequence[Cell]]
    step: int = 0
    caption: Bilingual | None = None


class Seed(Event, tag="seed", frozen=True, kw_only=True):
    """One cell of a seed strip: lane × seed, solved at `step` or not within `step` steps.

    Where the strip is about something else than solving, `said` is what the cell says of it.
    """

    panel: str
    lane: str
    seed: int
    solved: bool
    step: int
    value: float
    said: Bilingual | None = None


class Metric(Event, tag="metric", frozen=True, kw_only=True):
    """A measured number, where seeds were run with `solved` of `seeds`.

    With `claim` it fills that claim card, and `solved` counts the seeds in which the claim holds.
    """

    name: str
    value: float | None
    unit: str = ""
    verdict: Literal["", "holds", "fails", "depends"] = ""
    claim: str = ""
    solved: int | None = None
    seeds: int | None = None


class Finished(Event, tag="finished", frozen=True, kw_only=True):
    """Last event of a run that ended by itself."""


class Failed(Event, tag="failed", frozen=True, kw_only=True):
    """Last event of a run that could not end by itself."""

    code: str
    message: Bilingual


AnyEvent = (
    Started | Progress | Scalar | Gates | Heatmap | Trail | Sound | Text | Table | Seed | Metric | Finished | Failed
)  # fmt: skip

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: AnyEvent) -> bytes:
    """JSON bytes of an event, with its `type`."""
    return _encoder.encode(event)


def decode(data: bytes) -> AnyEvent:
    """The event back from its JSON; raises msgspec.ValidationError where it is none."""
    return _decoder.decode(data)


def event_type(event: AnyEvent) -> str:
    """The event's wire name: "started", "gates" …"""
    return str(event.__struct_config__.tag)


# ── demos ───────────────────────────────────────────────────────────────────

PanelKind = Literal["gates", "curves", "seeds", "text", "table", "heatmap", "surface", "sound"]


@dataclass(frozen=True)
class Series:
    """One line of a curves panel; a baseline is drawn dashed and named as such."""

    key: str
    title: Bilingual
    baseline: bool = False


@dataclass(frozen=True)
class Panel:
    """A drawing of one kind of event; `id` is what events name in `panel`."""

    id: str
    kind: PanelKind
    title: Bilingual
    note: Bilingual = Bilingual("", "")  # what to look at
    x: Bilingual = Bilingual("", "")
    y: Bilingual = Bilingual("", "")
    log: bool = False  # a logarithmic y axis: the events give log₁₀ y
    points: bool = False  # curves as dots, each a trial of its own
    timed: bool = False  # tables of which each stands for the time step in its `step`
    series: tuple[Series, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What an answer or a paper says; a Metric event with its id gives this run's number and verdict.

    `tally` says what the metric's `solved` of `seeds` counts, where that is not the seeds that bear the claim out.
    """

    id: str
    text: Bilingual
    published: Bilingual
    source: str  # key in questions/sources.toml
    measured: Bilingual  # what the metric is, in a few words that its number may follow
    tally: Bilingual = Bilingual("{seeds} 个种子中 {solved} 个成立", "holds for {solved} of {seeds} seeds")


@dataclass(frozen=True)
class Preset:
    """A named set of params; one of them breaks the thing on purpose."""

    id: str
    title: Bilingual
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Demo:
    """One live experiment. `run` yields Started first and Finished last, and never sleeps."""

    slug: str
    title: Bilingual
    summary: Bilingual
    params: type[Params]
    run: Callable[[Any], Iterator[AnyEvent]]
    panels: tuple[Panel, ...]
    claims: tuple[Claim, ...]
    questions: tuple[int, ...]
    proves: Bilingual
    not_proves: Bilingual
    presets: tuple[Preset, ...] = ()
    quick: Mapping[str, Any] = field(default_factory=dict)  # params of a run of a second or so, for tests
    seconds: float = 60.0  # budget of a run on one core
