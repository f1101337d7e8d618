"""Where the weights start: the forget bias, chrono, and that the generator alone decides."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from app.network import TracedGRU, TracedLSTM, TracedRNN, weights
from app.network.train import generator

pytestmark = [pytest.mark.torch]


def gate_bias(layer: TracedLSTM, k: int, gate: int) -> Tensor:
    """The sum of the two bias vectors of one gate (0 … 3 for i, f, g, o), which is what the gate sees."""
    _, _, first, second = weights.of(layer.lstm, k)
    assert first is not None
    assert second is not None
    rows = slice(gate * layer.hidden_size, (gate + 1) * layer.hidden_size)
    return (first + second)[rows].detach()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bias", [0.0, 1.0, 3.0, -2.5])
def test_the_forget_bias_is_the_sum_of_both_vectors_in_every_layer(layers: int, bias: float) -> None:
    plain = TracedLSTM(3, 7, layers, generator=generator(1))
    layer = TracedLSTM(3, 7, layers, init="forget-bias", forget_bias=bias, generator=generator(1))
    for k in range(layers):
        assert torch.equal(gate_bias(layer, k, 1), torch.full((7,), bias))
        for gate in (0, 2, 3):
            assert torch.equal(gate_bias(layer, k, gate), gate_bias(plain, k, gate))
        assert torch.equal(weights.of(layer.lstm, k).w_hh, weights.of(plain.lstm, k).w_hh)


def test_the_forget_gate_opens_as_far_as_its_bias_says() -> None:
    layer = TracedLSTM(3, 7, init="forget-bias", forget_bias=3.0, generator=generator(1))
    _, _, trace = layer(torch.zeros(1, 1, 3))
    assert torch.allclose(trace.f, torch.full((1, 1, 1, 7), 1 / (1 + math.exp(-3))), atol=1e-6)


@pytest.mark.parametrize("layers", [1, 2])
def test_chrono_draws_the_forget_bias_and_gives_the_input_gate_its_opposite(layers: int) -> None:
    longest = 200
    layer = TracedLSTM(1, 1500, layers, init="chrono", chrono_t_max=longest, generator=generator(2))
    for k in range(layers):
        forget = gate_bias(layer, k, 1)
        assert torch.equal(gate_bias(layer, k, 0), -forget)
        assert float(forget.min()) >= 0  # log 1
        assert float(forget.max()) <= math.log(longest - 1)
        spans = forget.exp()  # uniform on [1, T − 1]: check mean and quarter
        assert float(spans.mean()) == pytest.approx(longest / 2, rel=0.06)
        assert float((spans < longest / 4).float().mean()) == pytest.approx(0.25, abs=0.05)
    if layers == 2:
        assert not torch.equal(gate_bias(layer, 0, 1), gate_bias(layer, 1, 1))


def test_the_default_is_pytorchs_own_range() -> None:
    layer = TracedLSTM(4, 64, generator=generator(3))
    flat = torch.cat([weight.detach().flatten() for weight in layer.parameters()])
    assert float(flat.abs().max()) <= 1 / 8
    assert float(flat.abs().max()) > 0.99 / 8
    assert float(flat.mean()) == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize("init", ["default", "forget-bias", "chrono"])
def test_the_generator_alone_decides_and_the_global_one_is_left_alone(init: Any) -> None:
    def flat(seed: int) -> Tensor:
        layer = TracedLSTM(3, 5, 2, init=init, generator=generator(seed))
        return torch.cat([weight.detach().flatten() for weight in layer.parameters()])

    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = flat(7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(flat(7), one)
    assert not torch.equal(flat(8), one)


@pytest.mark.parametrize("kind", [TracedGRU, TracedRNN])
def test_so_it_is_for_gru_and_rnn(kind: Any) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, same, other = (kind(3, 5, 2, generator=generator(seed)) for seed in (7, 7, 8))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.weights(1).w_hh, same.weights(1).w_hh)
    assert not torch.equal(one.weights(1).w_hh, other.weights(1).w_hh)
    assert float(one.weights(0).w_ih.detach().abs().max()) <= 5**-0.5


def test_without_a_generator_the_global_one_draws() -> None:
    torch.manual_seed(5)
    one = TracedLSTM(3, 5).lstm.weight_hh_l0
    torch.manual_seed(5)
    assert torch.equal(TracedLSTM(3, 5).lstm.weight_hh_l0, one)


def test_without_bias_there_is_none() -> None:
    layer = TracedLSTM(3, 5, bias=False, generator=generator(0))
    assert weights.of(layer.lstm, 0).b_ih is None
    assert len(weights.of(layer.lstm, 0).present()) == 2
