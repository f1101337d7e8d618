"""Clip lab over two seeds at the defaults: the source's code is no clipping, norm clipping holds, by value turns."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from app.demos.clip_lab import ClipLabParams, _verdicts, demo
from app.network.studies import clipping
from app.network.studies.clipping import Clipping, Lane
from app.protocol import Metric, Table

pytestmark = [pytest.mark.torch]

DEFAULTS = ClipLabParams()
Lanes = dict[str, Lane]


@pytest.fixture(scope="module", params=[0, 1])
def lanes(request: pytest.FixtureRequest) -> Lanes:
    """All four lanes after the default run of one seed."""
    study = Clipping(threshold=DEFAULTS.threshold, scale=DEFAULTS.scale, lr=DEFAULTS.lr, seed=request.param)
    for step in range(1, DEFAULTS.steps + 1):
        study.step(step)
    return {lane.method: lane for lane in study.lanes}


def test_the_sources_code_is_no_clipping_bit_for_bit_and_both_explode(lanes: Lanes) -> None:
    assert lanes["source"].identical
    assert lanes["source"].difference == 0
    assert not lanes["source"].finite
    assert not lanes["none"].finite
    assert sum(math.isfinite(loss) for loss in lanes["none"].losses) >= 3  # it was a number once
    same = zip(lanes["source"].parameters, lanes["none"].parameters, strict=True)
    assert all(torch.equal(a.view(torch.int32), b.view(torch.int32)) for a, b in same)


def test_norm_clipping_keeps_direction_and_the_run_finite(lanes: Lanes) -> None:
    norm = lanes["norm"]
    assert norm.finite
    assert len(norm.cosines) == DEFAULTS.steps
    assert min(norm.cosines) > 1 - 1e-9
    assert norm.largest_after == pytest.approx(DEFAULTS.threshold, rel=1e-4)
    assert max(norm.before) > 5  # there was something to clip
    assert not norm.identical


def test_value_clipping_turns_the_gradient_and_lets_a_longer_one_through(lanes: Lanes) -> None:
    value = lanes["value"]
    assert min(value.cosines) < 0.99
    assert (value.largest_after or 0) > 2 * DEFAULTS.threshold
    assert not value.identical


# ── single vectors ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "after"),
    [("none", (3, 0.4)), ("source", (3, 0.4)), ("value", (1, 0.4)), ("norm", (0.9912, 0.1322))],
)
def test_what_becomes_of_a_plain_gradient(method: str, after: tuple[float, float]) -> None:
    assert clipping.treated(method, (3.0, 0.4), 1.0) == pytest.approx(after, abs=1e-4)


@pytest.mark.parametrize("method", clipping.METHODS)
def test_a_tiny_gradient_stays_as_it_is(method: str) -> None:
    assert clipping.treated(method, (1e-9, 2e-9), 1.0) == pytest.approx((1e-9, 2e-9), rel=1e-6)


def test_on_tensors_the_sources_code_raises() -> None:
    said = clipping.on_tensors()
    assert said.startswith("RuntimeError")
    assert "Boolean value of Tensor with more than one value is ambiguous" in said


def test_the_code_that_runs_is_the_code_of_the_source() -> None:
    """Each of its lines stands in the question that quotes it."""
    quoted = (Path(__file__).parents[2] / "questions" / "12-clipping-code" / "zh.md").read_text(
        encoding="utf-8"
    )
    printed = {line.strip() for line in quoted.splitlines()}
    lines = [line.strip() for line in clipping.SOURCE.splitlines()]
    assert len(lines) == 3
    assert [line for line in lines if line not in printed] == []


def test_the_sources_code_returns_what_it_was_given() -> None:
    assert clipping.source_code([5.0, -7.0, 0.1], 1.0) == [5.0, -7.0, 0.1]


# ── words follow from numbers ───────────────────────────────────────────────


def verdicts(**changed: dict[str, Any]) -> dict[str, str]:
    """The verdicts where lanes are as wished: {claim: verdict}."""
    made = []
    for method in clipping.METHODS:
        lane = Lane(method, None, None, [], losses=[1.0], cosines=[1.0], before=[1.0], after=[1.0])  # type: ignore[arg-type]
        for name, value in changed.get(method, {}).items():
            setattr(lane, name, value)
        made.append(lane)
    return {
        event.claim: event.verdict
        for event in _verdicts(DEFAULTS, made)
        if isinstance(event, Metric) and event.claim
    }


def test_the_verdicts_follow_the_lanes() -> None:
    assert verdicts() == {"source": "fails", "vanishing": "fails", "direction": "holds"}
    assert verdicts(source={"identical": False})["source"] == "holds"
    assert verdicts(norm={"cosines": [1.0, 0.99]})["direction"] == "fails"
    assert verdicts(norm={"losses": [1.0, math.nan]})["direction"] == "fails"


def test_a_run_without_a_single_finite_cosine_has_finite_metrics() -> None:
    lanes = [Lane(method, None, None, [], losses=[math.nan]) for method in clipping.METHODS]  # type: ignore[arg-type]
    for event in _verdicts(DEFAULTS, lanes):
        assert not isinstance(event, Metric) or event.value is None or math.isfinite(event.value)


def test_the_table_of_lanes_says_which_is_the_same() -> None:
    """Twelve steps are enough for the lanes to part."""
    events = list(demo.run(ClipLabParams(steps=12, method="value")))
    table = next(event for event in events if isinstance(event, Table) and event.panel == "lanes")
    assert [row[5] for row in table.rows] == ["✓", "✓", "✗", "✗"]
    assert [row[4] for row in table.rows][:2] == [0.0, 0.0]
    assert "RuntimeError" in (table.caption.en if table.caption else "")
    metric = {event.name: event.value for event in events if isinstance(event, Metric)}
    assert metric["max_weight_difference"] == table.rows[2][4]
    assert metric["cosine"] == table.rows[2][3]
