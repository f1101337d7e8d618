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

# Every param that a script honours, away from its default (one seed may be the quickest of them): what tests run.
AWAY: dict[str, dict[str, Any]] = {
    "adding-race": {"T": 11, "seeds": 1, "steps": 50, "lr": 0.01, "hidden": 7, "gru": "chrono", "seed": 3},
    "bert-lstm": {
        "task": "acts", "examples": 100, "seeds": 1, "steps": 20, "hidden": 9, "lr": 0.03, "seed": 3,
    },
    "cell-comparison": {"start": "matched", "seeds": 1, "effort": 0.12, "pace": 0.5, "hidden": 8, "seed": 3},
    "char-lm": {"corpus": "tang", "seeds": 1, "steps": 30, "lr": 0.02, "hidden": 12, "seed": 3},
    "clip-lab": {"method": "value", "threshold": 0.5, "scale": 6.0, "lr": 0.3, "steps": 8, "seed": 2},
    "counting": {"largest": 4, "seeds": 1, "steps": 60, "lr": 0.02, "hidden": 8, "seed": 3},
    "date-translation": {"language": "zh", "seeds": 1, "steps": 20, "lr": 0.02, "hidden": 16, "seed": 3},
    "digits-by-row": {
        "order": "columns", "split": "writers", "seeds": 1, "steps": 30, "lr": 0.01, "hidden": 16, "seed": 3,
    },
    "forecast": {
        "series": "airline", "transform": "difference", "season": 12, "window": 6, "seeds": 1, "steps": 20,
        "hidden": 12, "lr": 0.02, "seed": 4,
    },
    "gate-stepper": {
        "text": "1, -1 0.5", "steps": 7, "hidden": 3, "forget_bias": 2.0, "c0": -2.0, "clamp": "open",
        "clamp_gate": "g", "clamp_value": -0.5, "clamp_from": 2, "clamp_to": 4, "seed": 5,
    },
    "gradient-flow": {
        "cell": "gru", "T": 12, "forget_bias": 1.5, "scale": 4.0, "clip": 0.01, "hidden": 9, "seeds": 2, "seed": 3,
    },
    "hyperparameter-search": {"budget": "8", "updates": 8, "seeds": 1, "seed": 3},
    "loss-cliff": {
        "cell": "lstm", "start_w": 5.0, "start_b": -2.0, "lr": 0.2, "threshold": 0.5, "T": 20, "updates": 30,
        "starts": 2, "seed": 3,
    },
    "metrics-lab": {
        "share": 30, "threshold": 0.3, "weight": 2.0, "amplitude": 3.0, "seeds": 2, "steps": 30, "hidden": 12,
        "lr": 0.01, "seed": 3,
    },
    "moving-digits": {
        "label": "digit", "T": 4, "speed": 1, "seeds": 1, "steps": 20, "lr": 0.01, "hidden": 16, "seed": 3,
    },
    "next-action": {
        "world": "order2", "order": "shuffled", "sessions": 200, "T": 10, "steps": 40, "seeds": 1, "hidden": 8,
        "lr": 0.01, "seed": 3,
    },
    "regularisation": {
        "count": 50, "noise": 0.2, "epochs": 20, "hidden": 8, "decay": 0.5, "l1": 0.1, "rate": 0.3, "T": 5,
        "trap_rate": 0.2, "trap_steps": 10, "seeds": 1, "seed": 3,
    },
    "sentiment": {"limit": 400, "seeds": 1, "steps": 20, "lr": 0.02, "hidden": 8, "dropout": 0.2, "seed": 3},
    "speaker-classification": {
        "pad_to": 35, "noise": 0.1, "seeds": 1, "steps": 40, "lr": 0.02, "hidden": 12, "seed": 3,
    },
    "speech-ctc": {
        "voices": 7, "noise": False, "ahead": 2, "seeds": 1, "steps": 40, "hidden": 24, "lr": 0.03, "seed": 3,
    },
    "stock-forecast": {
        "stock": "MSFT", "cost": 1.0, "window": 5, "seeds": 2, "steps": 20, "hidden": 12, "lr": 0.02, "seed": 3,
    },
    "summarise": {
        "language": "en", "fillers": 1, "seeds": 1, "steps": 20, "lr": 0.01, "hidden": 16, "seed": 3,
    },
    "temporal-order": {"T": 12, "steps": 60, "lr": 0.03, "hidden": 12, "seeds": 1, "seed": 4},
}  # fmt: skip
LESS: dict[str, dict[str, Any]] = {"forecast": {"folds": 2}, "bert-lstm": {"timing": False}}

every_demo = pytest.mark.parametrize("slug", list(DEMOS))
operable = pytest.mark.parametrize(
    "slug", [slug for slug in DEMOS if "hold" in DEMOS[slug].params.model_fields]
)


def quick(slug: str, **others: Any) -> Params:
    """Params of a run of a second or less, nearly none of them at its default; some of them changed."""
    small = {**DEMOS[slug].quick, **LESS.get(slug, {}), **AWAY.get(slug, {})}
    return DEMOS[slug].params.model_validate({**small, **others})


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
