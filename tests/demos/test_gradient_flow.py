"""Gradient flow: the numbers measured for the facts file come out again, and the verdicts follow from the numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest

from app.demos.gradient_flow import GradientFlowParams, _verdicts, demo
from app.network.studies.gradient_flow import measure
from app.protocol import Gates, Metric, Scalar, Table

pytestmark = [pytest.mark.torch]

SEEDS = 5
# log₁₀ ‖∂L/∂x_1‖ / ‖∂L/∂x_T‖ of (cell, forget bias, scale) at T = 10, 20, 50: the facts file, section 2.2
MEASURED: dict[tuple[str, float, float], tuple[float, float, float]] = {
    ("rnn", 0, 1): (-2.6, -5.4, -13.9),
    ("rnn", 0, 3): (0.6, 1.0, 2.1),
    ("rnn", 0, 5): (1.6, 2.8, 6.4),
    ("lstm", 0, 1): (-2.1, -4.1, -10.0),
    ("lstm", 1, 1): (-0.9, -1.8, -4.0),
    ("lstm", 3, 1): (-0.1, -0.1, -0.1),
    ("lstm", 5, 1): (0.0, 0.1, 0.3),
    ("lstm", 0, 10): (1.2, 2.1, 4.6),
    ("lstm", 0, 20): (2.6, 4.9, 11.1),
    ("gru", 0, 1): (-2.1, -4.1, -10.3),
}
HALF_A_DECADE = 0.5
# A tanh RNN's seeds lie up to 3 decades apart at T = 50, so a mean over 5 of them is known to about 0.6 only.
SCATTERED = {("rnn", 0, 1, 50): 1.0, ("rnn", 0, 5, 50): 1.0}


def ratio(cell: str, steps: int, seed: int, **others: Any) -> float:
    usual: dict[str, Any] = {"hidden": 32, "forget_bias": 0.0, "scale": 1.0, "clip": 0.0}
    norms = measure(cell, steps=steps, seed=seed, **usual | others).norms
    return norms[0] - norms[-1]


@pytest.mark.parametrize("setting", MEASURED)
def test_the_facts_table_comes_out_again(setting: tuple[str, float, float]) -> None:
    cell, bias, scale = setting
    for steps, published in zip((10, 20, 50), MEASURED[setting], strict=True):
        each = [ratio(cell, steps, seed, forget_bias=bias, scale=scale) for seed in range(SEEDS)]
        bar = SCATTERED.get((cell, bias, scale, steps), HALF_A_DECADE)
        assert sum(each) / SEEDS == pytest.approx(published, abs=bar), (steps, each)


def test_the_order_that_the_lesson_rests_on() -> None:
    """At T = 50: the default LSTM fades nearly as the RNN; a bias of 3 all but stops it; large weights explode."""
    rnn, plain = ratio("rnn", 50, 1), ratio("lstm", 50, 1)
    assert rnn < plain < -9
    assert abs(ratio("lstm", 50, 1, forget_bias=3.0)) < 1
    assert ratio("lstm", 50, 1, scale=20.0) > 8


@pytest.mark.parametrize("clip", [1e-6, 0.5, 10.0])
def test_clipping_cures_no_vanishing(clip: float) -> None:
    """One factor for the whole gradient leaves every ratio as it is."""
    assert ratio("lstm", 20, 0, clip=clip) == pytest.approx(ratio("lstm", 20, 0), abs=1e-9)


def test_clipping_bounds_the_whole_norm() -> None:
    def whole(clip: float) -> float:
        norms = measure("lstm", steps=20, hidden=32, forget_bias=0, scale=20, clip=clip, seed=0).norms
        return math.sqrt(sum(10 ** (2 * norm) for norm in norms))

    assert whole(0) > 100
    assert whole(0.5) == pytest.approx(0.5, rel=1e-5)


# ── words follow from numbers ───────────────────────────────────────────────


def verdicts(lstm: list[float]) -> dict[str, Metric]:
    ratios = {"rnn": [0.0] * len(lstm), "gru": [0.0] * len(lstm), "lstm": lstm}
    events = _verdicts(GradientFlowParams(seeds=len(lstm)), ratios)
    return {event.claim: event for event in events if isinstance(event, Metric) and event.claim}


@pytest.mark.parametrize(
    ("lstm", "vanishing", "exploding"),
    [
        ([-9.0, -8.0], ("fails", 0), ("depends", 2)),
        ([-9.0, 0.0], ("depends", 1), ("depends", 2)),
        ([0.0, -3.0], ("holds", 2), ("depends", 2)),
        ([4.0, 3.1], ("holds", 2), ("fails", 0)),
        ([4.0, 0.0], ("holds", 2), ("depends", 1)),
        ([-math.inf, -math.inf], ("fails", 0), ("depends", 2)),
        ([math.inf, 12.0], ("holds", 2), ("fails", 0)),
    ],
)
def test_the_verdict_counts_seeds(
    lstm: list[float], vanishing: tuple[str, int], exploding: tuple[str, int]
) -> None:
    found = verdicts(lstm)
    assert (found["vanishing"].verdict, found["vanishing"].solved) == vanishing
    assert (found["exploding"].verdict, found["exploding"].solved) == exploding
    assert all(each.seeds == 2 for each in found.values())
    assert all(each.value is None or math.isfinite(each.value) for each in found.values())


def test_the_curves_the_table_and_the_metrics_tell_the_same() -> None:
    params = GradientFlowParams(T=12, seeds=2, cell="gru")
    events = list(demo.run(params))
    table = next(event for event in events if isinstance(event, Table))
    metric = {event.name: event.value for event in events if isinstance(event, Metric)}
    for row in table.rows:
        cell = str(row[0]).lower()
        points = {
            event.x: event.y
            for event in events
            if isinstance(event, Scalar) and event.panel == "flow" and event.series == cell
        }
        assert sorted(points) == list(range(12))
        assert points[0] == 0
        assert points[11] == pytest.approx(row[1]) == pytest.approx(metric[f"log10_ratio_{cell}"])
        each = [ratio(cell, 12, seed) for seed in (0, 1)]
        assert row[1:4] == pytest.approx([sum(each) / 2, min(each), max(each)])
    assert metric["log10_ratio"] == metric["log10_ratio_gru"]


def test_the_default_forget_gate_stands_near_a_half() -> None:
    """What the note says of the picture."""
    for bias, wanted in ((0.0, 0.5), (3.0, 0.95)):
        events = demo.run(GradientFlowParams(T=10, seeds=1, forget_bias=bias))
        frame = next(event for event in events if isinstance(event, Gates))
        import base64

        values = base64.b64decode(frame.f.data)
        assert sum(values) / len(values) / 255 == pytest.approx(wanted, abs=0.05)
