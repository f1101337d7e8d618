"""Runs of the demos for their tests: each once a session, and what makes a run sound."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from filelock import FileLock

from app.demos import catalogue
from app.demos.surgery import PANELS
from app.protocol import (
    AnyEvent,
    Failed,
    Finished,
    Gates,
    Heatmap,
    Metric,
    Panel,
    Params,
    Scalar,
    Seed,
    Sound,
    Started,
    Table,
    Text,
    Trail,
    decode,
    encode,
    run_id,
)
from tests.conftest import session_folder

DEMOS = catalogue()
KINDS: dict[type, set[str]] = {
    Gates: {"gates"}, Scalar: {"curves"}, Heatmap: {"heatmap", "surface"}, Trail: {"surface"}, Text: {"text"},
    Table: {"table"}, Seed: {"seeds"}, Sound: {"sound"},
}  # fmt: skip
FAST = ("gate-stepper", "gradient-flow", "clip-lab")  # whose defaults take under 3 s
MOST_EVENTS, MOST_BYTES = 3900, 24_000_000
# How much is trained, and from where: their upper bound is only validated.
LONG = {"steps", "trap_steps", "updates", "epochs", "effort", "sessions", "seeds", "seed"}

every_demo = pytest.mark.parametrize("slug", list(DEMOS))
operable = pytest.mark.parametrize(
    "slug", [slug for slug in DEMOS if "hold" in DEMOS[slug].params.model_fields]
)


def quick(slug: str, **others: Any) -> Params:
    return DEMOS[slug].params.model_validate({**DEMOS[slug].quick, **others})


def played(slug: str, **others: Any) -> tuple[AnyEvent, ...]:
    """The events of the quick params, some of them changed."""
    return _played(slug, quick(slug, **others))


def shipped(slug: str, **others: Any) -> tuple[AnyEvent, ...]:
    """The events of the defaults, some of them changed."""
    return _played(slug, DEMOS[slug].params.model_validate(others))


def measured(events: Sequence[AnyEvent]) -> dict[str, float | None]:
    """Name → value of every metric of a run."""
    return {event.name: event.value for event in events if isinstance(event, Metric)}


@functools.cache
def _played(slug: str, params: Params) -> tuple[AnyEvent, ...]:
    """One run, made once a session: the test processes share a folder, since many files look at the same runs.

    Always as it comes to a viewer: written, 118 in a table is read back as 118.0, whichever process made it.
    """
    kept = session_folder() / f"{run_id(slug, params, '')}.jsonl"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            kept.write_bytes(b"\n".join(encode(event) for event in DEMOS[slug].run(params)))
    return tuple(decode(line) for line in kept.read_bytes().split(b"\n"))


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
