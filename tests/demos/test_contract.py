"""What every demo of the catalogue must keep to, whatever it shows. One run of each at its quick params serves most."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from app.content.typography import faults
from app.demos import catalogue
from app.demos.surgery import PANELS
from app.protocol import (
    AnyEvent,
    Bilingual,
    Demo,
    Failed,
    Finished,
    Gates,
    Heatmap,
    Metric,
    Panel,
    Params,
    Progress,
    Scalar,
    Seed,
    Sound,
    Started,
    Table,
    Tensor,
    Text,
    Trail,
    decode,
    encode,
    params_schema,
)

pytestmark = [pytest.mark.torch]

DEMOS = catalogue()
KINDS: dict[type, set[str]] = {
    Gates: {"gates"}, Scalar: {"curves"}, Heatmap: {"heatmap", "surface"}, Trail: {"surface"}, Text: {"text"},
    Table: {"table"}, Seed: {"seeds"}, Sound: {"sound"},
}  # fmt: skip
FAST = ("gate-stepper", "gradient-flow", "clip-lab")  # whose defaults take under 3 s
MOST_EVENTS, MOST_BYTES = 3900, 24_000_000
# How much is trained, and from where: their upper bound is only validated.
LONG = {"steps", "updates", "epochs", "effort", "sessions", "seeds", "seed"}

every_demo = pytest.mark.parametrize("slug", list(DEMOS))
operable = pytest.mark.parametrize(
    "slug", [slug for slug in DEMOS if "hold" in DEMOS[slug].params.model_fields]
)


def quick(slug: str, **others: Any) -> Params:
    return DEMOS[slug].params.model_validate({**DEMOS[slug].quick, **others})


@functools.cache
def played(slug: str) -> tuple[AnyEvent, ...]:
    """The events of the quick params."""
    return tuple(DEMOS[slug].run(quick(slug)))


def values_in(part: object) -> Iterator[object]:
    """Every number and string inside an event."""
    if isinstance(part, msgspec.Struct):
        for name in part.__struct_fields__:
            yield from values_in(getattr(part, name))
    elif isinstance(part, dict):
        for inner in part.values():
            yield from values_in(inner)
    elif isinstance(part, (list, tuple)):
        for inner in part:
            yield from values_in(inner)
    else:
        yield part


def assert_sound(slug: str, events: tuple[AnyEvent, ...]) -> None:
    """A whole run: framed, finite, readable again, and drawn in panels that exist."""
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert sum(isinstance(each, Started) for each in events) == 1
    assert sum(isinstance(each, Finished) for each in events) == 1
    assert not any(isinstance(each, Failed) for each in events)
    panels = {panel.id: panel for panel in (*DEMOS[slug].panels, *PANELS)}
    for event in events:
        assert decode(encode(event)) == event
        for value in values_in(event):
            assert not isinstance(value, float) or math.isfinite(value), event
        if type(event) in KINDS:
            assert_drawn(event, panels)


def assert_drawn(event: Any, panels: dict[str, Panel]) -> None:
    assert event.panel in panels, event.panel
    panel = panels[event.panel]
    assert panel.kind in KINDS[type(event)]
    keys = {series.key for series in panel.series}
    if isinstance(event, Scalar):
        assert event.series in keys
    elif isinstance(event, Seed) and keys:
        assert event.lane in keys
    elif isinstance(event, Gates):
        steps, units = event.c.shape
        assert all(getattr(event, name).shape == (steps, units) for name in "ifgoh")
        assert len(event.tokens) == steps
        assert not keys or event.lane in keys
        assert steps * units <= 100 * 64
        assert event.ruler is None or event.ruler.shape == (2, steps)
    elif isinstance(event, Heatmap):
        assert event.values.shape == (len(event.rows), len(event.columns))
    elif isinstance(event, Text):
        assert len(event.tokens) == len(event.values)
        assert all(-1 <= value <= 1 for value in event.values)
    elif isinstance(event, Table):
        assert all(len(row) == len(event.columns) for row in event.rows)


@every_demo
def test_a_run_is_sound(slug: str) -> None:
    events = played(slug)
    assert_sound(slug, events)
    started = events[0]
    assert isinstance(started, Started)
    assert started.demo == slug
    assert started.params == quick(slug).model_dump()


@every_demo
def test_progress_moves_on_and_ends_at_its_total(slug: str) -> None:
    steps = [event for event in played(slug) if isinstance(event, Progress)]
    assert steps
    assert all(0 <= each.done <= each.total for each in steps)
    assert all(a.done <= b.done for a, b in itertools.pairwise(steps))
    assert len({each.total for each in steps}) == 1


@every_demo
def test_the_same_params_give_the_same_bytes_and_another_seed_does_not(slug: str) -> None:
    once = [encode(event) for event in played(slug)]
    assert [encode(event) for event in DEMOS[slug].run(quick(slug))] == once
    other = [encode(event) for event in DEMOS[slug].run(quick(slug, seed=1))]
    assert other[1:] != once[1:]


@every_demo
def test_every_claim_gets_one_metric_with_a_verdict(slug: str) -> None:
    judged = [event for event in played(slug) if isinstance(event, Metric) and event.claim]
    assert sorted(each.claim for each in judged) == sorted(claim.id for claim in DEMOS[slug].claims)
    assert all(each.verdict for each in judged)
    assert DEMOS[slug].claims


@every_demo
def test_a_metric_of_one_name_has_one_value(slug: str) -> None:
    """A question that asks for a metric by its name must not find two."""
    found: dict[str, set[float | None]] = {}
    for event in played(slug):
        if isinstance(event, Metric):
            found.setdefault(event.name, set()).add(event.value)
            assert (event.solved is None) == (event.seeds is None)
            if event.solved is not None and event.seeds is not None:
                assert 0 <= event.solved <= event.seeds
    assert {name: values for name, values in found.items() if len(values) > 1} == {}


@every_demo
def test_every_panel_of_the_demo_is_drawn_into(slug: str) -> None:
    drawn = {getattr(event, "panel", "") for event in played(slug)}
    assert {panel.id for panel in DEMOS[slug].panels} <= drawn


@every_demo
def test_a_viewer_may_leave_at_any_time(slug: str) -> None:
    """A generator closed after any event ends quietly, and leaves nothing behind that changes the next run."""
    total = len(played(slug))
    for after in (0, 1, 2, 3, total // 2):
        run = DEMOS[slug].run(quick(slug))
        seen = list(itertools.islice(run, after))
        run.close()  # type: ignore[attr-defined]
        assert [encode(each) for each in seen] == [encode(each) for each in played(slug)[:after]]
        assert next(run, None) is None


@operable
def test_a_hold_line_operates_on_the_network(slug: str) -> None:
    played(slug)
    events = tuple(DEMOS[slug].run(quick(slug, hold="f=0@2-3 o=1")))
    assert_sound(slug, events)
    gates = [event for event in events if isinstance(event, Gates)]
    assert [(each.panel, each.lane, each.clamped) for each in gates] == [
        ("surgery", "untouched", []),
        ("surgery", "operated", ["f", "o"]),
    ]
    assert gates[0].tokens == gates[1].tokens
    held = Tensor.of(_ones(gates[1].o.shape), 0.0, 1.0)
    assert gates[1].o == held
    assert gates[0].o != held
    assert any(isinstance(event, Table) and event.panel == "surgery-answer" for event in events)
    assert {event.name for event in events if isinstance(event, Metric)} == {
        "loss_untouched",
        "loss_operated",
    }


@operable
def test_a_held_run_says_which_demo_it_is(slug: str) -> None:
    started = next(DEMOS[slug].run(quick(slug, hold="f=1")))
    assert isinstance(started, Started)
    assert started.demo == slug


def _ones(shape: tuple[int, ...]) -> Any:
    import numpy as np

    return np.ones(shape)


# ── words ───────────────────────────────────────────────────────────────────


def words_of(demo: Demo) -> Iterator[tuple[str, Bilingual]]:
    """(where, words) of everything that a demo says before a run."""
    for name in ("title", "summary", "proves", "not_proves"):
        yield name, getattr(demo, name)
    for panel in demo.panels:
        yield f"panel {panel.id}", panel.title
        for series in panel.series:
            yield f"series {series.key}", series.title
        for where in ("note", "x", "y"):
            if any(getattr(panel, where)):
                yield f"panel {panel.id} {where}", getattr(panel, where)
    for claim in demo.claims:
        yield f"claim {claim.id}", claim.text
        yield f"claim {claim.id} published", claim.published
    for preset in demo.presets:
        yield f"preset {preset.id}", preset.title
    fields = demo.params.model_json_schema()["properties"]
    for name, field in fields.items():
        yield f"param {name}", Bilingual(field.get("title_zh", ""), field.get("title_en", ""))
        if "help_zh" in field or "help_en" in field:
            yield f"help of {name}", Bilingual(field.get("help_zh", ""), field.get("help_en", ""))


def said_in(events: tuple[AnyEvent, ...]) -> Iterator[tuple[str, Bilingual]]:
    """(where, words) of everything said during a run."""
    for event in events:
        kind = type(event).__name__
        for name in ("caption", "note", "message"):
            if isinstance(words := getattr(event, name, None), Bilingual):
                yield f"{kind} {name}", words
        if isinstance(event, Table):
            for column in event.columns:
                yield f"{kind} {event.panel} column", column
            for cell in itertools.chain.from_iterable(event.rows):
                if isinstance(cell, Bilingual):
                    yield f"{kind} {event.panel} cell", cell


QUOTED = re.compile("“[^”]*”|‘[^’]*’")  # what a learner may type is quoted as it is typed, in either language


def is_chinese(text: str) -> bool:
    return any("\u3400" <= char <= "\u9fff" for char in text)


@every_demo
def test_words_stand_in_both_languages(slug: str) -> None:
    demo = DEMOS[slug]
    for where, words in [*words_of(demo), *said_in(played(slug))]:
        assert words.zh.strip(), where
        assert words.en.strip(), where
    for where, words in words_of(demo):
        assert not is_chinese(QUOTED.sub("", words.en)), (where, words.en)
    for name in ("title", "summary", "proves", "not_proves"):
        assert is_chinese(getattr(demo, name).zh)
    for preset in demo.presets:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", preset.id)
    assert any(panel.note.zh for panel in demo.panels)


@every_demo
def test_chinese_words_obey_the_style_guide(slug: str) -> None:
    found = [
        f"{where}: {fault}"
        for where, words in [*words_of(DEMOS[slug]), *said_in(played(slug))]
        if not where.endswith("caption")  # captions quote what was read: data, written as it comes
        for _, fault, _ in faults(QUOTED.sub("“”", words.zh))
    ]
    assert sorted(set(found)) == []


# ── params ──────────────────────────────────────────────────────────────────


def bounds_of(params: type[Params]) -> Iterator[tuple[str, Any]]:
    """(field, value) for every value that a single bound names: the ends of a range, each of a choice."""
    for name, field in params_schema(params, "en")["properties"].items():
        for key in ("minimum", "maximum"):
            if key in field:
                yield name, field[key]
        for choice in field.get("enum", ()):
            yield name, choice


def together(slug: str, values: dict[str, Any]) -> Params:
    """The quick params with as many of `values` as fit together; what does not fit is refused by name."""
    taken: dict[str, Any] = {}
    for name, value in values.items():
        try:
            quick(slug, **taken, **{name: value})
            taken[name] = value
        except ValidationError as error:
            said = [(str(fault["loc"]), fault["msg"]) for fault in error.errors()]
            assert any(name in where or name in message for where, message in said), (name, said)  # noqa: PT017
    return quick(slug, **taken)


def corners(slug: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every bound of every field, in few runs: all the lowest, all the highest, the first choices, the second …

    How long is trained is only validated at its upper bound: that would run for minutes.
    """
    fields = params_schema(DEMOS[slug].params, "en")["properties"]
    yield "lowest", {name: field["minimum"] for name, field in fields.items() if "minimum" in field}
    yield "highest", {n: f["maximum"] for n, f in fields.items() if "maximum" in f and n not in LONG}
    choices = {name: field["enum"] for name, field in fields.items() if "enum" in field}
    for place in range(max((len(each) for each in choices.values()), default=0)):
        yield f"choice {place}", {name: each[min(place, len(each) - 1)] for name, each in choices.items()}


CORNERS = [
    pytest.param(slug, values, id=f"{slug}-{where}") for slug in DEMOS for where, values in corners(slug)
]


@pytest.mark.parametrize(("slug", "values"), CORNERS)
def test_a_run_at_its_bounds_ends(slug: str, values: dict[str, Any]) -> None:
    assert_sound(slug, tuple(DEMOS[slug].run(together(slug, values))))


@every_demo
def test_each_bound_by_itself_is_taken_or_refused_by_name(slug: str) -> None:
    for name, value in bounds_of(DEMOS[slug].params):
        together(slug, {name: value})


@every_demo
def test_what_lies_beyond_a_bound_is_refused_by_name(slug: str) -> None:
    for name, field in params_schema(DEMOS[slug].params, "en")["properties"].items():
        beyond: list[Any] = [float("nan"), float("inf")] if field.get("type") == "number" else []
        beyond += [field["minimum"] - 1] if "minimum" in field else []
        beyond += [field["maximum"] + 1] if "maximum" in field else []
        beyond += ["x" * (field["maxLength"] + 1)] if "maxLength" in field else []
        beyond += ["no such choice"] if "enum" in field else []
        beyond += [2, "perhaps"] if field.get("type") == "boolean" else []
        assert beyond, f"{name} has no bound"
        for value in beyond:
            with pytest.raises(ValidationError) as caught:
                quick(slug, **{name: value})
            assert name in [part for fault in caught.value.errors() for part in fault["loc"]]
    with pytest.raises(ValidationError):
        quick(slug, no_such_field=1)


@every_demo
def test_presets_are_valid_and_one_breaks_it(slug: str) -> None:
    presets = DEMOS[slug].presets
    assert 3 <= len(presets) <= 6
    assert len({preset.id for preset in presets}) == len(presets)
    assert "break" in [preset.id for preset in presets]
    for preset in presets:
        DEMOS[slug].params.model_validate(dict(preset.params))


@every_demo
def test_the_demo_is_described(slug: str) -> None:
    demo = DEMOS[slug]
    assert demo.questions
    assert all(number >= 1 for number in demo.questions)
    assert demo.seconds >= 20
    assert len({panel.id for panel in demo.panels}) == len(demo.panels)
    assert any(panel.kind == "gates" for panel in demo.panels)
    curves = [panel for panel in demo.panels if panel.kind == "curves"]
    assert not curves or any(series.baseline for panel in curves for series in panel.series)
    assert (demo.params.__doc__ or "").strip()
    demo.params()  # the defaults are valid


@pytest.mark.parametrize("slug", FAST)
def test_the_defaults_keep_to_the_budgets(slug: str) -> None:
    demo = DEMOS[slug]
    events = tuple(demo.run(demo.params()))
    assert_sound(slug, events)
    assert len(events) <= MOST_EVENTS
    assert sum(len(encode(event)) for event in events) <= MOST_BYTES
    assert sum(isinstance(event, Scalar) for event in events) <= 1500
    assert sum(isinstance(event, Gates) for event in events) <= 62
