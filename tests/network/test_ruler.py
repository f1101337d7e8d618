"""The memory ruler against a Jacobian by autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.network import TracedLSTM
from app.network.ruler import CEILING, FLOOR, memory_ruler
from app.network.train import generator
from tests.network import by_hand

pytestmark = [pytest.mark.torch]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("hidden", "steps", "bias"), [(1, 1, 1.0), (3, 8, 1.0), (5, 12, 3.0), (4, 6, 0.0)])
def test_the_ruler_is_the_jacobian(layers: int, hidden: int, steps: int, bias: float) -> None:
    layer = TracedLSTM(
        3, hidden, layers, init="forget-bias", forget_bias=bias, generator=generator(hidden)
    ).double()
    x = torch.randn(1, steps, 3, generator=generator(steps), dtype=torch.float64)
    product, measured = memory_ruler(layer, x)
    unrolled = by_hand.lstm(layer.lstm, x)
    last, all_h = unrolled.h[-1][-1][0], unrolled.h[-1]
    for t in range(steps):
        rows = [torch.autograd.grad(last[k], all_h[t], retain_graph=True)[0] for k in range(hidden)]
        norm = float(torch.stack(rows).norm()) / hidden**0.5
        assert measured[t] == pytest.approx(np.log10(norm), abs=1e-9)
        f = torch.stack([step["f"][0] for step in unrolled.gates[-1][t + 1 :]] or [torch.ones(hidden)])
        kept = float(f.detach().prod(0).mean())
        assert product[t] == pytest.approx(np.log10(kept), abs=1e-9)
    assert product[-1] == pytest.approx(0, abs=1e-12)
    assert measured[-1] == pytest.approx(0, abs=1e-12)


def test_what_underflows_stands_on_the_floor_and_what_explodes_on_the_ceiling() -> None:
    layer = TracedLSTM(1, 4, generator=generator(0))
    x = torch.randn(1, 200, 1, generator=generator(1))
    rows = memory_ruler(layer, x)
    assert rows.shape == (2, 200)
    assert rows[:, 0].tolist() == [FLOOR, FLOOR]
    with torch.no_grad():
        layer.lstm.weight_hh_l0.mul_(60)
    explosive = memory_ruler(layer, x)
    assert explosive.max() <= CEILING
    assert explosive.min() >= FLOOR
    assert np.isfinite(explosive).all()


def test_a_network_that_is_no_number_any_more_is_drawn_at_the_floor() -> None:
    layer = TracedLSTM(1, 4, generator=generator(0))
    with torch.no_grad():
        layer.lstm.weight_hh_l0.fill_(float("nan"))
    rows = memory_ruler(layer, torch.ones(1, 5, 1))
    assert np.isfinite(rows).all()


def test_a_graph_is_neither_needed_nor_left() -> None:
    layer = TracedLSTM(2, 3, generator=generator(0))
    x = torch.randn(1, 4, 2, generator=generator(1))
    with torch.no_grad():
        without = memory_ruler(layer, x)
    assert np.array_equal(without, memory_ruler(layer, x))
    assert all(weight.grad is None for weight in layer.parameters())
