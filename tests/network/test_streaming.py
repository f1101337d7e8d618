"""StreamingLSTM: one token at a time in NumPy, the same numbers as the traced layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.network import StreamingLSTM, TracedLSTM
from app.network.train import generator

pytestmark = [pytest.mark.torch]


@settings(deadline=None, derandomize=True, max_examples=80, database=None)
@given(
    st.integers(1, 9), st.integers(1, 20), st.integers(1, 2), st.integers(1, 12), st.booleans(), st.booleans(),
    st.integers(0, 9999),
)  # fmt: skip
def test_it_is_the_traced_layer_step_by_step(
    inputs: int, hidden: int, layers: int, steps: int, bias: bool, double: bool, seed: int
) -> None:
    layer = TracedLSTM(inputs, hidden, layers, bias=bias, generator=generator(seed))
    layer = layer.double() if double else layer
    dtype = torch.float64 if double else torch.float32
    x = torch.randn(1, steps, inputs, generator=generator(seed, 1), dtype=dtype)
    _, _, trace = layer(x)
    stream, close = StreamingLSTM(layer), 1e-12 if double else 1e-6
    for t in range(steps):
        h = stream.step(x[0, t].numpy())
        assert h.dtype == x.numpy().dtype
        assert np.abs(h - trace.h[-1, 0, t].numpy()).max() <= close
        for k, cell in enumerate(stream.layers):
            for name in "ifgoch":
                wanted = getattr(trace, name)[k, 0, t].numpy()
                assert np.abs(getattr(cell, name) - wanted).max() <= close
    assert stream.h is stream.layers[-1].h
    assert stream.c is stream.layers[-1].c


@pytest.mark.parametrize("layers", [1, 2])
def test_a_token_is_its_one_hot_vector(layers: int) -> None:
    layer = TracedLSTM(5, 7, layers, generator=generator(1))
    by_row, by_vector = StreamingLSTM(layer), StreamingLSTM(layer)
    for token in (0, 4, 2, 2, 3):
        a = by_row.step_token(token).copy()
        b = by_vector.step(np.eye(5, dtype=np.float32)[token])
        assert np.abs(a - b).max() <= 1e-6


def test_reset_starts_again() -> None:
    stream = StreamingLSTM(TracedLSTM(3, 4, 2, generator=generator(1)))
    x = np.array([1.0, -1.0, 0.5], np.float32)
    first = stream.step(x).copy()
    second = stream.step(x).copy()
    assert not np.array_equal(first, second)
    stream.reset()
    assert not stream.h.any()
    assert not stream.c.any()
    assert np.array_equal(stream.step(x), first)


def test_later_training_does_not_reach_it() -> None:
    layer = TracedLSTM(3, 4, generator=generator(1))
    stream, untouched = StreamingLSTM(layer), StreamingLSTM(layer)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.add_(1.0)
    x = np.ones(3, np.float32)
    assert np.array_equal(stream.step(x), untouched.step(x))
    assert not np.array_equal(StreamingLSTM(layer).step(x), stream.h)


@pytest.mark.parametrize("token", [-1, 5, 1000])
def test_a_token_out_of_bounds_is_named(token: int) -> None:
    stream = StreamingLSTM(TracedLSTM(5, 2, generator=generator(1)))
    with pytest.raises(ValueError, match=f"token must be from 0 to 4, not {token}"):
        stream.step_token(token)


@pytest.mark.parametrize("x", [np.zeros(4, np.float32), np.zeros((2, 5), np.float32)])
def test_a_vector_of_another_size_is_refused(x: Any) -> None:
    stream = StreamingLSTM(TracedLSTM(5, 2, generator=generator(1)))
    with pytest.raises(ValueError, match="broadcast"):
        stream.step(x)
