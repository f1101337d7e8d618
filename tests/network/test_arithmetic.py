"""unit_step: the numbers shown add up to the gate, the gates to the cell."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.network import Clamp, TracedLSTM, unit_step
from app.network.train import generator

pytestmark = [pytest.mark.torch]

CLOSE = 2e-6


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


@settings(deadline=None, derandomize=True, max_examples=60, database=None)
@given(
    st.integers(1, 4), st.integers(1, 6), st.integers(1, 2), st.booleans(), st.integers(0, 999),
    st.integers(0, 10**6),
)  # fmt: skip
def test_the_terms_sum_to_z_and_its_squash_is_the_gate(
    inputs: int, hidden: int, layers: int, bias: bool, seed: int, pick: int
) -> None:
    layer = TracedLSTM(inputs, hidden, layers, bias=bias, generator=generator(seed))
    x = torch.randn(2, 5, inputs, generator=generator(seed, 1))
    shape = (layers, 2, hidden)
    state = (torch.rand(shape, generator=generator(seed, 2)), torch.rand(shape, generator=generator(seed, 3)))
    _, _, trace = layer(x, state)
    t, unit, sample, k = pick % 5, pick % hidden, pick % 2, pick % layers
    step = unit_step(layer.lstm, trace, x, t, unit, sample=sample, layer=k)
    for gate in (step.i, step.f, step.g, step.o):
        assert gate.from_x + gate.from_h + gate.bias == pytest.approx(gate.z, abs=1e-12)
        squash = math.tanh if gate.name == "g" else sigmoid
        assert gate.value == pytest.approx(squash(gate.z), abs=CLOSE)
        assert gate.value == float(getattr(trace, gate.name)[k, sample, t, unit])
        assert not gate.held
        assert bias or gate.bias == 0
    assert step.c == pytest.approx(step.f.value * step.c_before + step.i.value * step.g.value, abs=CLOSE)
    assert step.h == pytest.approx(step.o.value * math.tanh(step.c), abs=CLOSE)
    before = float(trace.c[k, sample, t - 1, unit] if t else state[1][k, sample, unit])
    assert step.c_before == before
    assert step.c == float(trace.c[k, sample, t, unit])


def test_a_held_gate_says_so_just_where_it_is_held() -> None:
    layer = TracedLSTM(2, 4, 2, generator=generator(1))
    x = torch.randn(1, 5, 2, generator=generator(2))
    clamps = [Clamp("f", 1.0, units=[2], steps=range(1, 3), layer=1), Clamp("o", 0.25)]
    _, _, trace = layer(x, clamp=clamps)
    for k in range(2):
        for t in range(5):
            for unit in range(4):
                step = unit_step(layer.lstm, trace, x, t, unit, layer=k)
                assert step.f.held == (k == 1 and t in (1, 2) and unit == 2)
                assert step.o.held
                assert step.o.value == 0.25
                assert not step.i.held
                assert not step.g.held
                if step.f.held:
                    assert step.f.value == 1.0
                    assert step.f.z != pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"t": 5}, "t must be a whole number from 0 to 4, not 5"),
        ({"t": -1}, "t must be a whole number from 0 to 4, not -1"),
        ({"unit": 3}, "unit must be a whole number from 0 to 2, not 3"),
        ({"sample": 2}, "sample must be a whole number from 0 to 1, not 2"),
        ({"layer": 1}, "layer must be a whole number from 0 to 0, not 1"),
        ({"unit": 1.0}, "unit must be a whole number"),
        ({"t": True}, "t must be a whole number"),
    ],
)
def test_an_index_that_is_off_is_named(changed: dict[str, Any], message: str) -> None:
    layer = TracedLSTM(2, 3, generator=generator(1))
    x = torch.zeros(2, 5, 2)
    _, _, trace = layer(x)
    given_ = {"t": 0, "unit": 0} | changed
    with pytest.raises(ValueError, match=message):
        unit_step(layer.lstm, trace, x, **given_)
