"""TracedGRU: the LSTM's interface, torch.nn.GRU's numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from app.network import Clamp, TracedGRU
from app.network.train import generator
from tests.network import by_hand
from tests.network.test_traced import Case, cases

pytestmark = [pytest.mark.torch]

many = settings(deadline=None, derandomize=True, max_examples=60, database=None)


def made(case: Case, dtype: torch.dtype = torch.float32) -> tuple[TracedGRU, Tensor, Tensor | None]:
    source = generator(case.seed)
    layer = TracedGRU(case.inputs, case.hidden, case.layers, bias=case.bias, generator=source).to(dtype)
    x = torch.randn(case.batch, case.steps, case.inputs, generator=source, dtype=dtype)
    h_0 = torch.randn(case.layers, case.batch, case.hidden, generator=source, dtype=dtype)
    return layer, x.requires_grad_(), h_0.requires_grad_() if case.start else None


def gap(a: Tensor, b: Tensor) -> float:
    return float((a - b).detach().abs().max())


@many
@given(st.one_of(cases(), cases(padded=True)))
def test_equals_torch_in_outputs_states_and_gradients(case: Case) -> None:
    layer, x, h_0 = made(case)
    output, h_n, trace = layer(x, h_0, lengths=case.lengths)
    if case.lengths is None:
        wanted, wanted_n = layer.inner(x, h_0)
    else:
        packed = pack_padded_sequence(x, torch.tensor(case.lengths), batch_first=True, enforce_sorted=False)
        out, wanted_n = layer.inner(packed, h_0)
        wanted, _ = pad_packed_sequence(out, batch_first=True, total_length=case.steps)
    assert gap(output, wanted) <= 1e-6
    assert gap(h_n, wanted_n) <= 1e-6
    assert torch.equal(trace.h[-1], output.detach())
    wanted_for = [x, *([] if h_0 is None else [h_0]), *layer.parameters()]
    share = torch.randn(output.shape, generator=generator(case.seed, 1))
    mine = torch.autograd.grad((output * share).sum() + h_n.pow(2).sum(), wanted_for)
    theirs = torch.autograd.grad((wanted * share).sum() + wanted_n.pow(2).sum(), wanted_for)
    for one, other in zip(mine, theirs, strict=True):
        assert gap(one, other) <= 3e-6 * max(1.0, float(other.abs().max()))


@st.composite
def held_cases(draw: st.DrawFn) -> tuple[Case, list[Clamp]]:
    case = draw(cases())
    first, last = sorted((draw(st.integers(0, 5)), draw(st.integers(0, 9))))
    clamps = st.builds(
        Clamp,
        st.sampled_from("rzn"),
        st.sampled_from([0.0, 1.0, -0.5]),
        st.none() | st.lists(st.integers(0, case.hidden - 1), max_size=3),
        st.none() | st.just(range(first, last)),
        st.none() | st.integers(0, case.layers - 1),
    )
    return case, draw(st.lists(clamps, max_size=3))


@many
@given(held_cases())
def test_the_trace_is_the_equations_held_or_not(given_case: tuple[Case, list[Clamp]]) -> None:
    case, clamps = given_case
    layer, x, h_0 = made(case, torch.float64)
    output, h_n, trace = layer(x, h_0, clamp=clamps)
    wanted, layers = by_hand.gru(layer.inner, x, h_0, clamps)  # type: ignore[arg-type]
    assert gap(output, wanted) <= 1e-12
    for k, signals in enumerate(layers):
        assert gap(h_n[k], signals["h"][:, -1]) <= 1e-12
        for name, signal in signals.items():
            mine = getattr(trace, name)[k]
            assert not mine.requires_grad
            assert gap(mine, signal) <= 1e-12
    mine_grad = torch.autograd.grad(output.pow(2).sum(), [x, *layer.parameters()], allow_unused=True)
    their_grad = torch.autograd.grad(wanted.pow(2).sum(), [x, *layer.parameters()], allow_unused=True)
    for one, other in zip(mine_grad, their_grad, strict=True):
        a, b = (torch.zeros(()) if each is None else each for each in (one, other))
        assert gap(a, b) <= 1e-11


def test_z_is_what_keeps() -> None:
    """PyTorch's convention: z = 1 holds the state for ever, z = 0 takes the candidate whole."""
    layer = TracedGRU(2, 4, generator=generator(1))
    x, h_0 = torch.randn(1, 100, 2, generator=generator(2)), torch.full((1, 1, 4), 0.3)
    output, h_n, _ = layer(x, h_0, clamp=[Clamp("z", 1.0)])
    assert torch.equal(output, torch.full((1, 100, 4), 0.3))
    assert torch.equal(h_n, h_0)
    output, _, trace = layer(x, h_0, clamp=[Clamp("z", 0.0)])
    assert torch.equal(output, trace.n[0])


@pytest.mark.parametrize("clamp", [(), (Clamp("r", 0.5),)])
def test_past_a_padded_end_everything_is_zero(clamp: Any) -> None:
    layer = TracedGRU(2, 4, 2, generator=generator(1))
    x = torch.randn(2, 6, 2, generator=generator(2))
    x[1, 3:] = float("nan")
    output, h_n, trace = layer(x, lengths=[6, 3], clamp=clamp)
    for signal in (trace.r, trace.z, trace.n, trace.h):
        assert signal.shape == (2, 2, 6, 4)
        assert float(signal[:, 1, 3:].abs().sum()) == 0
    assert float(output[1, 3:].detach().abs().sum()) == 0
    assert torch.equal(h_n[-1, 1], output[1, 2])
    alone, _, _ = layer(x[1:, :3], clamp=clamp)
    assert gap(output[1, :3], alone[0]) <= 1e-6


def test_a_change_to_what_backward_needs_is_noticed() -> None:
    """As with PyTorch's own operations: a gradient of overwritten values is an error, not a wrong number."""
    layer = TracedGRU(2, 4, generator=generator(1))
    output, _, _ = layer(torch.randn(2, 6, 2, generator=generator(2)))
    with torch.no_grad():
        layer.weights(0).w_hh.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()
