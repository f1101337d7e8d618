"""∂L/∂h_t and ∂L/∂c_t by the backward scan, against autograd through the equations written out."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from app.network import Clamp, TracedLSTM
from app.network.train import generator
from tests.network import by_hand

pytestmark = [pytest.mark.torch]

many = settings(deadline=None, derandomize=True, max_examples=80, database=None)
EXACT = 1e-11  # float64


class Case(NamedTuple):
    inputs: int
    hidden: int
    layers: int
    batch: int
    steps: int
    bias: bool
    through_state: bool  # whether the loss uses h_n and c_n as well
    clamps: list[Clamp]
    lengths: list[int] | None
    seed: int


@st.composite
def clamps(draw: st.DrawFn, hidden: int, layers: int) -> Clamp:
    first, last = sorted((draw(st.integers(0, 7)), draw(st.integers(0, 9))))
    return Clamp(
        draw(st.sampled_from("ifgo")),
        draw(st.sampled_from([0.0, 1.0, -0.5, 0.3])),
        units=draw(st.none() | st.lists(st.integers(0, hidden - 1), max_size=3)),
        steps=draw(st.none() | st.just(range(first, last))),
        layer=draw(st.none() | st.integers(0, layers - 1)),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    hidden, layers = draw(st.integers(1, 6)), draw(st.integers(1, 2))
    batch, steps = draw(st.integers(1, 4)), draw(st.integers(1, 7))
    return Case(
        draw(st.integers(1, 4)), hidden, layers, batch, steps, draw(st.booleans()), draw(st.booleans()),
        draw(st.lists(clamps(hidden, layers), max_size=3)),
        draw(st.none() | st.lists(st.integers(1, steps), min_size=batch, max_size=batch)),
        draw(st.integers(0, 10_000)),
    )  # fmt: skip


class Found(NamedTuple):
    scan: tuple[Tensor, Tensor]  # each (layers, B, T, H)
    autograd: tuple[Tensor, Tensor]
    valid: Tensor  # (B, T, 1)


def both(case: Case, dtype: torch.dtype) -> Found:
    source = generator(case.seed)
    layer = TracedLSTM(case.inputs, case.hidden, case.layers, bias=case.bias, generator=source).to(dtype)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=source, dtype=dtype)

    x, states = drawn(case.batch, case.steps, case.inputs), (case.layers, case.batch, case.hidden)
    start = (drawn(*states).tanh(), drawn(*states))
    share, share_h, share_c = drawn(case.batch, case.steps, case.hidden), drawn(*states), drawn(*states)
    ends = torch.tensor(case.lengths or [case.steps] * case.batch)
    valid = (torch.arange(case.steps) < ends[:, None]).unsqueeze(-1)

    output, (h_n, c_n), trace = layer(x, start, clamp=case.clamps, lengths=case.lengths)
    output.retain_grad()
    loss = (output * share * valid).sum()
    d_state: Any = (None, None)
    if case.through_state:
        h_n.retain_grad()
        loss = loss + (c_n * share_c).sum()
        d_state = (share_h, share_c)
    torch.autograd.backward(loss)
    # ∂L/∂output alone: what reaches a state through h_n is handed over separately
    scan = layer.gradients(trace, share * valid, d_state)

    unrolled = by_hand.lstm(layer.lstm, x, start, case.clamps, case.lengths)
    wanted = (unrolled.output * share * valid).sum()
    if case.through_state:
        wanted = wanted + (unrolled.h_n * share_h).sum() + (unrolled.c_n * share_c).sum()
    flat = [each for states in (unrolled.h, unrolled.c) for steps in states for each in steps]
    grads = torch.autograd.grad(wanted, flat, allow_unused=True)
    filled = [torch.zeros_like(a) if g is None else g for a, g in zip(flat, grads, strict=True)]
    per = case.layers * case.steps
    shaped = [
        torch.stack(part).view(case.layers, case.steps, case.batch, -1).transpose(1, 2)
        for part in (filled[:per], filled[per:])
    ]
    return Found(scan, (shaped[0], shaped[1]), valid)


@many
@given(cases())
def test_the_scan_is_autograd_at_every_step(case: Case) -> None:
    """1–2 layers, padded, with gates held, with a loss that uses the final states."""
    found = both(case, torch.float64)
    for mine, theirs in zip(found.scan, found.autograd, strict=True):
        scale = max(1.0, float(theirs.abs().max()))
        assert float(((mine - theirs) * found.valid).abs().max()) <= EXACT * scale


@settings(many, max_examples=30)
@given(cases())
def test_so_it_is_in_float32_from_the_saved_gates(case: Case) -> None:
    found = both(case, torch.float32)
    for mine, theirs in zip(found.scan, found.autograd, strict=True):
        scale = max(1.0, float(theirs.abs().max()))
        assert float(((mine - theirs) * found.valid).abs().max()) <= 5e-6 * scale


def test_it_starts_from_output_grad_as_the_loss_leaves_it() -> None:
    """As it is used: retain_grad, backward, then the scan; and the weights' gradient follows from δz."""
    layer = TracedLSTM(3, 8, generator=generator(1))
    x = torch.randn(2, 20, 3, generator=generator(2))
    output, _, trace = layer(x)
    output.retain_grad()
    torch.autograd.backward(output[:, -1].pow(2).sum())
    assert output.grad is not None
    d_h, d_c, d_z = trace.scan(output.grad, layer.lstm.weight_hh_l0, -1, None, None)
    assert d_h.shape == d_c.shape == (2, 20, 8)
    assert d_z.shape == (2, 20, 32)
    implied = torch.einsum("btz,bti->zi", d_z, x)
    actual = layer.lstm.weight_ih_l0.grad
    assert float((implied - actual).abs().max()) <= 3e-6 * float(actual.abs().max())
    again = trace.gradients(output.grad, layer.lstm.weight_hh_l0)
    assert torch.equal(again[0], d_h)
    assert torch.equal(again[1], d_c)


def test_a_held_gate_passes_no_gradient_to_its_weights() -> None:
    layer = TracedLSTM(2, 4, generator=generator(1))
    x = torch.randn(3, 6, 2, generator=generator(2))
    torch.autograd.backward(layer(x, clamp=[Clamp("f", 0.9), Clamp("g", 0.2, units=[1])])[0].sum())
    i, f, g, o = layer.lstm.weight_ih_l0.grad.view(4, 4, 2)
    assert float(f.abs().max()) == 0
    assert float(g[1].abs().max()) == 0
    for rows in (i, g[[0, 2, 3]], o):
        assert float(rows.abs().min(1).values.min()) > 0


def test_retention_is_the_product_of_later_forget_gates() -> None:
    layer = TracedLSTM(2, 3, 2, generator=generator(1))
    x = torch.randn(2, 5, 2, generator=generator(2))
    _, _, trace = layer(x, lengths=[5, 3])
    for k, which in ((0, 0), (1, -1)):
        f = trace.f[k]
        for row, end in enumerate((5, 3)):
            for t in range(end):
                wanted = f[row, t + 1 : end].prod(0)
                assert torch.allclose(trace.retention(which)[row, t], wanted, atol=1e-7)


def test_retention_is_what_the_cell_alone_passes_back() -> None:
    """With every gate held, ∂c_T/∂c_t is ∏f and nothing else."""
    layer = TracedLSTM(2, 3, generator=generator(1)).double()
    x = torch.randn(1, 6, 2, generator=generator(2), dtype=torch.float64)
    held = [Clamp("f", 0.7), Clamp("i", 0.0), Clamp("o", 0.0)]
    _, _, trace = layer(x, clamp=held)
    one = torch.ones(1, 3, dtype=torch.float64)
    _, d_c = trace.gradients(torch.zeros(1, 6, 3, dtype=torch.float64), layer.lstm.weight_hh_l0, d_c_n=one)
    assert torch.allclose(d_c, trace.retention(), atol=1e-12)
    assert float(d_c[0, 0, 0]) == pytest.approx(0.7**5)


def test_a_wrong_shape_is_named() -> None:
    layer = TracedLSTM(2, 3, generator=generator(1))
    _, _, trace = layer(torch.randn(2, 5, 2, generator=generator(2)))
    with pytest.raises(ValueError, match=r"d_output must have shape \(2, 5, 3\), not \(2, 4, 3\)"):
        trace.gradients(torch.zeros(2, 4, 3), layer.lstm.weight_hh_l0)
