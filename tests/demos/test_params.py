"""What a learner may set: bounds run or are refused by name, presets are valid, defaults keep to the budgets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from app.config import ROOT
from app.protocol import (
    Gates,
    Params,
    Scalar,
    encode,
    params_schema,
)
from tests.demos.playing import (
    DEMOS,
    FAST,
    LONG,
    MOST_BYTES,
    MOST_EVENTS,
    assert_sound,
    every_demo,
    quick,
    shipped,
)

pytestmark = [pytest.mark.torch]


def bounds_of(params: type[Params]) -> Iterator[tuple[str, Any]]:
    """(field, value) of the ends of every range and every choice."""
    for name, field in params_schema(params, "en")["properties"].items():
        for key in ("minimum", "maximum"):
            if key in field:
                yield name, field[key]
        for choice in field.get("enum", (False, True) if field.get("type") == "boolean" else ()):
            yield name, choice


def refused(slug: str, taken: dict[str, Any], name: str, value: Any) -> bool:
    """Whether quick params with `taken` refuse one value more; they may only do so by its name."""
    try:
        quick(slug, **taken, **{name: value})
    except ValidationError as error:
        said = [(str(fault["loc"]), fault["msg"]) for fault in error.errors()]
        assert any(name in where or name in message for where, message in said), (name, said)
        return True
    return False


def corners(slug: str) -> list[dict[str, Any]]:
    """Params of few runs in which every value of `bounds_of` occurs that is taken at all.

    The first has all the lowest and the first choices, the second all the highest and the second choices …;
    what does not fit together waits for a later run. Where a field has no value left, the first run's stands in
    again. How long is trained is only validated at its upper bound, which would run for minutes: in all runs it
    is the lowest.
    """
    waiting: dict[str, list[Any]] = {}
    for name, value in bounds_of(DEMOS[slug].params):
        if not refused(slug, {}, name, value):
            waiting.setdefault(name, []).append(value)
    short = {name: min(waiting.pop(name)) for name in LONG & waiting.keys()}
    runs: list[dict[str, Any]] = []
    while any(waiting.values()):
        taken = dict(short)
        for name, value in runs[0].items() if runs else ():
            if not waiting.get(name, [value]) and not refused(slug, taken, name, value):
                taken[name] = value
        before = dict(taken)
        for name, values in waiting.items():
            fits = next((value for value in values if not refused(slug, taken, name, value)), None)
            if fits is not None:
                taken[name] = fits
                values.remove(fits)
        assert taken != before, f"{waiting} fit with no {before}"
        runs.append(taken)
    return runs or [short]


CORNERS = [
    pytest.param(slug, values, id=f"{slug}-{place}")
    for slug in DEMOS
    for place, values in enumerate(corners(slug))
]


@pytest.mark.parametrize(("slug", "values"), CORNERS)
def test_a_run_at_its_bounds_ends(slug: str, values: dict[str, Any]) -> None:
    assert_sound(slug, tuple(DEMOS[slug].run(quick(slug, **values))))


@every_demo
def test_each_bound_by_itself_is_taken_or_refused_by_name(slug: str) -> None:
    taken = [each for each in bounds_of(DEMOS[slug].params) if not refused(slug, {}, *each)]
    assert {name for name, _ in taken} == {name for name, _ in bounds_of(DEMOS[slug].params)}


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


@every_demo
def test_what_is_recorded_is_a_run_of_the_defaults(slug: str) -> None:
    demo = DEMOS[slug]
    kept = json.loads((ROOT / "static" / "recorded" / f"{slug}.json").read_text(encoding="utf-8"))
    assert kept["params"] == demo.params().model_dump()
    assert [event["type"] for event in (kept["events"][0], kept["events"][-1])] == ["started", "finished"]
    claims = {event.get("claim") for event in kept["events"] if event["type"] == "metric"}
    assert {claim.id for claim in demo.claims} <= claims


@pytest.mark.parametrize("slug", FAST)
def test_the_defaults_keep_to_the_budgets(slug: str) -> None:
    events = shipped(slug)
    assert_sound(slug, events)
    assert len(events) <= MOST_EVENTS
    assert sum(len(encode(event)) for event in events) <= MOST_BYTES
    assert sum(isinstance(event, Scalar) for event in events) <= 1500
    assert sum(isinstance(event, Gates) for event in events) <= 62
