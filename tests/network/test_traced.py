"""TracedLSTM is torch.nn.LSTM: outputs, states and gradients over many small sizes, and the signals are the gates."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from app.network import LSTMCellReference, TracedLSTM, workspace
from app.network.train import generator
from tests.network.by_hand import without_onednn

pytestmark = [pytest.mark.torch]

CLOSE, GRADIENTS = 1e-6, 3e-6
many = settings(deadline=None, derandomize=True, max_examples=120, database=None)
few = settings(many, max_examples=40)


class Case(NamedTuple):
    inputs: int
    hidden: int
    layers: int
    batch: int
    steps: int
    bias: bool
    start: bool  # whether an initial state is given
    seed: int
    lengths: list[int] | None = None


@st.composite
def cases(draw: st.DrawFn, padded: bool = False) -> Case:
    batch, steps = draw(st.integers(1, 5)), draw(st.integers(1, 9))
    return Case(
        inputs=draw(st.integers(1, 20)),
        hidden=draw(st.sampled_from([1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 33])),
        layers=draw(st.integers(1, 2)),
        batch=batch,
        steps=steps,
        bias=draw(st.booleans()),
        start=draw(st.booleans()),
        seed=draw(st.integers(0, 10_000)),
        lengths=draw(st.lists(st.integers(1, steps), min_size=batch, max_size=batch)) if padded else None,
    )


def made(case: Case, dtype: torch.dtype = torch.float32) -> tuple[TracedLSTM, Tensor, Any]:
    """A layer, its input and its state (None where none is given), the tensors wanting gradients."""
    source = generator(case.seed)
    layer = TracedLSTM(case.inputs, case.hidden, case.layers, bias=case.bias, generator=source).to(dtype)
    x = torch.randn(case.batch, case.steps, case.inputs, generator=source, dtype=dtype).requires_grad_()
    shape = (case.layers, case.batch, case.hidden)
    h, c = (torch.randn(shape, generator=source, dtype=dtype).requires_grad_() for _ in "hc")
    return layer, x, (h.tanh().detach().requires_grad_(), c) if case.start else None


def plain(
    lstm: nn.LSTM, x: Tensor, state: Any, lengths: Sequence[int] | None
) -> tuple[Tensor, Tensor, Tensor]:
    """What torch.nn.LSTM itself says, packed where there are lengths."""
    if lengths is None:
        output, (h_n, c_n) = lstm(x, state)
        return output, h_n, c_n
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    packed_output, (h_n, c_n) = lstm(packed, state)
    output, _ = pad_packed_sequence(packed_output, batch_first=True, total_length=x.shape[1])
    return output, h_n, c_n


def loss_of(results: Sequence[Tensor], seed: int) -> Tensor:
    """A loss that every element of output, h_n and c_n has its own share in."""
    source = generator(seed, 1)
    shares = [torch.randn(each.shape, generator=source, dtype=each.dtype) for each in results]
    return torch.stack([(each * share).sum() for each, share in zip(results, shares, strict=True)]).sum()


def gap(a: Tensor, b: Tensor) -> float:
    return float((a - b).detach().abs().max())


def equals_torch(case: Case, dtype: torch.dtype = torch.float32) -> None:
    layer, x, state = made(case, dtype)
    wanted_for = [x, *(state or ()), *layer.parameters()]
    output, (h_n, c_n), _ = layer(x, state, lengths=case.lengths)
    theirs = plain(layer.lstm, x, state, case.lengths)
    for mine, other in zip((output, h_n, c_n), theirs, strict=True):
        assert mine.shape == other.shape
        assert gap(mine, other) <= CLOSE
    mine_grads = torch.autograd.grad(loss_of((output, h_n, c_n), case.seed), wanted_for)
    their_grads = torch.autograd.grad(loss_of(theirs, case.seed), wanted_for)
    for one, other in zip(mine_grads, their_grads, strict=True):
        assert gap(one, other) <= GRADIENTS * max(1.0, float(other.abs().max()))


@many
@given(cases())
def test_equals_torch_in_outputs_states_and_gradients(case: Case) -> None:
    equals_torch(case)


@many
@given(cases(padded=True))
def test_a_padded_batch_equals_a_packed_one(case: Case) -> None:
    equals_torch(case)


@few
@given(st.one_of(cases(), cases(padded=True)))
def test_so_it_does_in_float64(case: Case) -> None:
    equals_torch(case, torch.float64)


@few
@given(st.one_of(cases(), cases(padded=True)))
def test_so_it_does_without_onednn(case: Case) -> None:
    with without_onednn():
        equals_torch(case)


@few
@given(st.one_of(cases(), cases(padded=True)), st.sampled_from([torch.no_grad, torch.inference_mode]))
def test_so_it_does_where_no_gradient_is_recorded(case: Case, mode: Any) -> None:
    layer, x, state = made(case)
    with mode():
        output, (h_n, c_n), _ = layer(x, state, lengths=case.lengths)
        theirs = plain(layer.lstm, x, state, case.lengths)
    for mine, other in zip((output, h_n, c_n), theirs, strict=True):
        assert gap(mine, other) <= CLOSE
        assert not mine.requires_grad


def contexts(name: str) -> contextlib.AbstractContextManager[Any]:
    if name == "no gradient":
        return torch.no_grad()
    return without_onednn() if name == "no oneDNN" else contextlib.nullcontext()


@pytest.mark.parametrize("context", ["workspace", "no gradient", "no oneDNN", "float64"])
def test_the_trace_is_the_hand_written_cell(context: str) -> None:
    """Both ways to the gates: read from the kernel's workspace, and after the fact."""

    @few
    @given(cases())
    def check(case: Case) -> None:
        layer, x, state = made(case, torch.float64 if context == "float64" else torch.float32)
        with contexts(context):
            _, _, trace = layer(x, state)
        below = x.detach()
        for k in range(case.layers):
            start = None if state is None else (state[0][k].detach(), state[1][k].detach())
            _, wanted = LSTMCellReference.of(layer.lstm, k)(below, start)
            for name in "ifgoch":
                mine = getattr(trace, name)[k]
                assert mine.shape == (case.batch, case.steps, case.hidden)
                assert mine.dtype == x.dtype
                assert not mine.requires_grad
                assert gap(mine, getattr(wanted, name)[0]) <= CLOSE
            below = wanted.h[0]

    check()


@few
@given(cases(padded=True))
def test_past_a_padded_end_the_state_is_held(case: Case) -> None:
    assert case.lengths is not None
    layer, x, state = made(case)
    blank = x.detach().clone()
    for row, length in enumerate(case.lengths):
        blank[row, length:] = float("nan")  # whatever stands there
    output, (_, c_n), trace = layer(blank, state, lengths=torch.tensor(case.lengths))
    for row, length in enumerate(case.lengths):
        past = {name: getattr(trace, name)[:, row, length:] for name in "ifgoch"}
        assert all(float(past[name].abs().sum()) == 0 for name in "ioh")
        assert torch.equal(past["f"], torch.ones_like(past["f"]))
        assert torch.equal(past["c"], c_n[:, row, None].expand_as(past["c"]))
        assert float(output[row, length:].detach().abs().sum()) == 0
        alone = None if state is None else tuple(each[:, row : row + 1] for each in state)
        _, _, short = layer(x.detach()[row : row + 1, :length], alone)
        for name in "ifgoch":
            assert gap(getattr(trace, name)[:, row, :length], getattr(short, name)[:, 0]) <= CLOSE


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("view", ["transposed", "expanded", "strided"])
def test_views_are_read_as_they_look(view: str, grad: bool) -> None:
    layer = TracedLSTM(4, 6, generator=generator(1))
    source = generator(2)
    x = {
        "transposed": lambda: torch.randn(5, 3, 4, generator=source).transpose(0, 1),
        "expanded": lambda: torch.randn(1, 5, 4, generator=source).expand(3, -1, -1),
        "strided": lambda: torch.randn(3, 5, 8, generator=source)[..., ::2],
    }[view]()
    assert not x.is_contiguous()
    with torch.set_grad_enabled(grad):
        output, _, trace = layer(x)
    assert gap(output, layer.lstm(x)[0]) <= CLOSE
    assert gap(trace.i, LSTMCellReference.of(layer.lstm)(x)[1].i) <= CLOSE


def test_the_trace_outlives_the_backward_pass_and_the_next_forward() -> None:
    layer = TracedLSTM(3, 16, generator=generator(3))
    x = torch.randn(4, 7, 3, generator=generator(4))
    output, _, trace = layer(x)
    kept = {name: getattr(trace, name).clone() for name in "ifgoch"}
    torch.autograd.backward(output.sum())
    with torch.no_grad():
        for weight in layer.parameters():
            weight.add_(1.0)
    for _ in range(3):
        layer(x + 1)[0].sum().backward()
    for name, value in kept.items():
        assert torch.equal(getattr(trace, name), value)


def test_weights_that_are_no_numbers_give_no_numbers() -> None:
    """An exploded network is shown as it is, not mended and not refused."""
    layer = TracedLSTM(2, 4, generator=generator(0))
    with torch.no_grad():
        layer.lstm.weight_hh_l0.fill_(float("nan"))
    _, _, trace = layer(torch.ones(1, 3, 2))
    assert bool(torch.isnan(trace.c).all())


def test_frozen_weights_still_pass_the_gradient_on() -> None:
    layer = TracedLSTM(2, 4, generator=generator(0))
    for weight in layer.parameters():
        weight.requires_grad_(False)
    x = torch.randn(2, 3, 2, generator=generator(5)).requires_grad_()
    (mine,) = torch.autograd.grad(layer(x)[0].sum(), x)
    (theirs,) = torch.autograd.grad(layer.lstm(x)[0].sum(), x)
    assert gap(mine, theirs) <= CLOSE


def test_evaluation_mode_and_full_lengths_change_nothing() -> None:
    layer = TracedLSTM(2, 4, 2, generator=generator(0))
    x = torch.randn(2, 3, 2, generator=generator(5))
    usual, _, trace = layer(x)
    assert trace.padding is None
    assert torch.equal(layer.eval()(x)[0], usual)
    full, _, trace = layer(x, lengths=[3, 3])
    assert trace.padding is None
    assert torch.equal(full, usual)


def test_the_state_dict_is_that_of_the_plain_layer() -> None:
    """Weights trained here load into torch.nn.LSTM, and back."""
    layer = TracedLSTM(3, 5, 2, generator=generator(0))
    other = nn.LSTM(3, 5, 2, batch_first=True)
    other.load_state_dict(layer.lstm.state_dict())
    x = torch.randn(2, 4, 3, generator=generator(1))
    assert gap(other(x)[0], layer(x)[0]) <= CLOSE


@pytest.mark.parametrize("kept", [True, False])
def test_a_trace_first_read_after_the_update_tells_of_the_step_before_it(
    kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signals are made when they are asked for, of weights that are long gone by then."""
    monkeypatch.setattr(workspace, "enabled", lambda: kept)
    layer, x = TracedLSTM(5, 7, generator=generator(1)), torch.randn(3, 9, 5, generator=generator(2))
    wanted = {name: getattr(layer(x)[2], name).clone() for name in "ifgoch"}
    output, _, trace = layer(x)
    output.sum().backward()
    with torch.no_grad():
        for weight in layer.parameters():
            weight.add_(1.0)
    layer(x)[0].sum().backward()
    assert all(torch.equal(getattr(trace, name), wanted[name]) for name in "ifgoch")
