"""The loss cliff: the clipped path stays on the page, the unclipped one leaves it; the wall."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from app.demos.loss_cliff import LossCliffParams, demo, stays
from app.network.studies import cliff
from app.protocol import AnyEvent, Bilingual, Metric, Seed, Trail
from tests.demos.playing import shipped

pytestmark = [pytest.mark.torch]
SCRIPT = Path(__file__).resolve().parents[2] / "app/network/scripts/loss_cliff.py"


def metrics(events: Sequence[AnyEvent]) -> dict[str, Metric]:
    return {event.name: event for event in events if isinstance(event, Metric)}


@pytest.fixture(scope="module")
def defaults() -> Sequence[AnyEvent]:
    return shipped(demo.slug)


def on_page(point: Trail) -> bool:
    return cliff.W[0] <= point.x <= cliff.W[1] and cliff.B[0] <= point.y <= cliff.B[1]


def test_the_clipped_path_stays_and_the_plain_one_leaves(defaults: Sequence[AnyEvent]) -> None:
    """The bar, at the defaults: the learner's own start, and all the starts around it."""
    paths = {lane: [e for e in defaults if isinstance(e, Trail) and e.lane == lane] for lane in cliff.LANES}
    assert all(on_page(point) for point in paths["norm"])
    assert not on_page(paths["none"][-1])
    assert all(on_page(point) for point in paths["none"][:-1])
    found = metrics(defaults)
    assert found["kept_norm"].value == 1.0
    assert found["kept_none"].value is not None
    assert found["kept_none"].value < 1.0
    assert found["kept_norm − kept_none"].verdict == "holds"
    assert found["own_left_at"].value == paths["none"][-1].step


def test_the_strip_says_stayed_or_left_and_not_solved(defaults: Sequence[AnyEvent]) -> None:
    strip = [event for event in defaults if isinstance(event, Seed)]
    assert {event.solved for event in strip} == {True, False}
    for event in strip:
        left = Bilingual(f"第 {event.step} 步离开", f"left at {event.step}")
        assert event.said == (Bilingual("留在页面上", "on the page") if event.solved else left)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_seeds_agree(seed: int) -> None:
    found = metrics(shipped(demo.slug, seed=seed))
    assert found["kept_norm"].value == 1.0
    assert found["kept_none"].solved is not None
    assert found["kept_none"].solved < 8


def test_a_threshold_too_large_lets_walkers_leave() -> None:
    found = metrics(shipped(demo.slug, threshold=10.0))
    assert found["kept_norm − kept_none"].verdict == "fails"


def test_the_wall_steepens_with_time_in_one_unit(defaults: Sequence[AnyEvent]) -> None:
    walls = [cliff.wall("rnn", 5.0, steps)[0] for steps in (5, 10, 20, 40, 80)]
    assert all(10 * a < 10 * b for a, b in itertools.pairwise(walls))
    assert walls[-1] > 1e4 * walls[0]
    found = metrics(defaults)
    assert found["wall_rnn"].verdict == found["wall_lstm"].verdict == "fails"


def test_the_gradient_beside_the_wall_is_that_of_the_loss() -> None:
    """Against a finite difference, where float64 still resolves one."""
    _, b = cliff.wall("rnn", 4.0, 30)
    point, h = torch.tensor([4.0, b], dtype=torch.float64), 1e-6
    _, gradient = cliff.slope("rnn", point, 30)
    up, down = (cliff.loss("rnn", point[0], point[1] + s * h, 30) for s in (1, -1))
    assert float(gradient[1]) == pytest.approx(float(up - down) / (2 * h), rel=1e-3)


def test_the_traced_unit_is_the_one_of_the_landscape() -> None:
    trace, ruler = cliff.gates(3.0, -2.0, 40)
    value = cliff.loss("lstm", torch.tensor(3.0).double(), torch.tensor(-2.0).double(), 40)
    assert (float(trace.h[0, 0, -1, 0]) - cliff.TARGET) ** 2 == pytest.approx(float(value), abs=1e-5)
    assert float(trace.h[0, 0, 0, 0]) == pytest.approx(cliff.LSTM_START[0], abs=1e-6)
    assert float(trace.c[0, 0, 0, 0]) == pytest.approx(cliff.LSTM_START[1], abs=1e-6)
    assert ruler.shape == (2, 41)


def test_clipping_keeps_direction_by_norm_and_bounds_elements_by_value() -> None:
    gradient = torch.tensor([3.0, 0.4], dtype=torch.float64).expand(3, 1, 2)
    none, norm, value = cliff.clipped(gradient, 1.0)[:, 0]
    assert none.tolist() == [3.0, 0.4]
    assert float(norm.norm()) == pytest.approx(1.0)
    assert float(norm[0] / norm[1]) == pytest.approx(7.5)
    assert value.tolist() == [1.0, 0.4]
    tiny = torch.full((3, 1, 2), 1e-9, dtype=torch.float64)
    assert torch.equal(cliff.clipped(tiny, 1.0), tiny)


def test_the_verdict_follows_the_counts() -> None:
    assert (stays(8, 3, 8), stays(8, 8, 8), stays(7, 0, 8)) == ("holds", "depends", "fails")


@pytest.mark.parametrize(("name", "value"), [("start_w", 1.9), ("start_b", 0.1), ("T", 4), ("starts", 13)])
def test_own_start_is_bounded(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        LossCliffParams.model_validate({name: value})
