"""Holding gates: any gate, unit, step and layer, one clamp over another, and the errors' words."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings

from app.network import Clamp, TracedLSTM
from app.network.clamp import LIMIT
from app.network.train import generator
from tests.network import by_hand
from tests.network.test_gradient import Case, cases

pytestmark = [pytest.mark.torch]


@settings(deadline=None, derandomize=True, max_examples=100, database=None)
@given(cases())
def test_any_clamps_do_what_the_equations_do_with_them(case: Case) -> None:
    source = generator(case.seed)
    layer = TracedLSTM(case.inputs, case.hidden, case.layers, bias=case.bias, generator=source)
    x = torch.randn(case.batch, case.steps, case.inputs, generator=source)
    output, (h_n, c_n), trace = layer(x, clamp=case.clamps, lengths=case.lengths)
    wanted = by_hand.lstm(layer.lstm, x, None, case.clamps, case.lengths)
    for mine, theirs in ((output, wanted.output), (h_n, wanted.h_n), (c_n, wanted.c_n)):
        assert float((mine - theirs).detach().abs().max()) <= 1e-6 * max(
            1.0, float(theirs.detach().abs().max())
        )
    assert trace.clamps == tuple(case.clamps)
    ends = case.lengths or [case.steps] * case.batch
    for k in range(case.layers):
        for name in "ifgo":
            signal = getattr(trace, name)[k]
            for row, end in enumerate(ends):
                for t in range(end):
                    gate = wanted.gates[k][t][name][row]
                    assert torch.allclose(signal[row, t], gate, atol=1e-6)


@settings(deadline=None, derandomize=True, max_examples=40, database=None)
@given(cases())
def test_gradients_of_weights_and_input_stop_at_a_held_gate_only(case: Case) -> None:
    source = generator(case.seed)
    layer = TracedLSTM(case.inputs, case.hidden, case.layers, generator=source).double()
    x = torch.randn(case.batch, case.steps, case.inputs, generator=source, dtype=torch.float64)
    x.requires_grad_()
    wanted_for = [x, *layer.parameters()]
    mine = torch.autograd.grad(
        layer(x, clamp=case.clamps, lengths=case.lengths)[0].pow(2).sum(), wanted_for, allow_unused=True
    )
    unrolled = by_hand.lstm(layer.lstm, x, None, case.clamps, case.lengths)
    theirs = torch.autograd.grad(unrolled.output.pow(2).sum(), wanted_for, allow_unused=True)
    for one, other in zip(mine, theirs, strict=True):
        zero = torch.zeros(())
        a, b = (zero if each is None else each for each in (one, other))
        assert float((a - b).abs().max()) <= 1e-11 * max(1.0, float(b.abs().max()))


@pytest.mark.parametrize("value", [1.0, -3.7, 1e-30, 1234.5])
def test_the_carousel_keeps_c_exactly_for_100_steps(value: float) -> None:
    """f = 1 and i = 0: the constant error carousel, to the last bit."""
    layer = TracedLSTM(3, 8, 2, generator=generator(1))
    x = torch.randn(2, 100, 3, generator=generator(2)) * 5
    c_0 = torch.full((2, 2, 8), value)
    _, (_, c_n), trace = layer(x, (torch.zeros_like(c_0), c_0), clamp=[Clamp("f", 1.0), Clamp("i", 0.0)])
    assert torch.equal(trace.c, torch.full_like(trace.c, value))
    assert torch.equal(c_n, c_0)


def test_a_closed_forget_gate_forgets_in_one_step() -> None:
    layer = TracedLSTM(3, 8, generator=generator(1))
    x = torch.randn(2, 5, 3, generator=generator(2))
    h_0 = torch.zeros(1, 2, 8)
    runs = [layer(x, (h_0, torch.full((1, 2, 8), c)), clamp=[Clamp("f", 0.0)]) for c in (0.0, 500.0)]
    assert torch.equal(runs[0][0], runs[1][0])
    trace = runs[1][2]
    assert torch.equal(trace.c, trace.i * trace.g)


def test_a_later_clamp_holds_where_two_overlap() -> None:
    layer = TracedLSTM(2, 4, generator=generator(1))
    x = torch.randn(1, 6, 2, generator=generator(2))
    wide, narrow = Clamp("o", 0.2), Clamp("o", 0.9, units=[1, 2], steps=range(2, 4))
    _, _, trace = layer(x, clamp=[wide, narrow])
    wanted = torch.full((6, 4), 0.2)
    wanted[2:4, 1:3] = 0.9
    assert torch.equal(trace.o[0, 0], wanted)
    _, _, trace = layer(x, clamp=[narrow, wide])
    assert torch.equal(trace.o[0, 0], torch.full((6, 4), 0.2))


def test_a_clamp_of_one_layer_leaves_the_other_and_the_future_of_its_steps_alone() -> None:
    layer = TracedLSTM(2, 4, 2, generator=generator(1))
    x = torch.randn(1, 6, 2, generator=generator(2))
    _, _, free = layer(x)
    _, _, held = layer(x, clamp=[Clamp("i", 0.0, layer=1, steps=range(3, 5))])
    assert torch.allclose(held.h[0], free.h[0], atol=1e-6)
    assert torch.allclose(held.h[1, :, :3], free.h[1, :, :3], atol=1e-6)
    assert float(held.i[1, 0, 3:5].abs().max()) == 0
    assert float(held.i[1, 0, 5].min()) > 0
    assert not torch.allclose(held.c[1, 0, 5], free.c[1, 0, 5], atol=1e-6)


@pytest.mark.parametrize(
    "nothing", [None, [], [Clamp("f", 0.0, units=[])], [Clamp("f", 0.0, steps=range(50, 60))]]
)
def test_clamps_that_touch_nothing_change_nothing(nothing: Any) -> None:
    layer = TracedLSTM(2, 4, generator=generator(1))
    x = torch.randn(3, 6, 2, generator=generator(2))
    assert torch.allclose(layer(x, clamp=nothing)[0], layer(x)[0], atol=1e-6)


def test_a_held_run_says_nothing_of_the_fast_path(caplog: pytest.LogCaptureFixture) -> None:
    layer = TracedLSTM(2, 4, generator=generator(1))
    with caplog.at_level(logging.WARNING):
        layer(torch.zeros(1, 3, 2), clamp=[Clamp("f", 1.0)])
    assert caplog.records == []


ERRORS: list[tuple[Clamp, str]] = [
    (Clamp("r", 1.0), "clamp.gate must be one of i, f, g, o, not 'r'"),
    (Clamp("", 1.0), "clamp.gate must be one of i, f, g, o, not ''"),
    (Clamp("f", float("nan")), "clamp.value must be a number from -1e+06 to 1e+06, not nan"),
    (Clamp("f", float("inf")), "clamp.value must be a number"),
    (Clamp("f", LIMIT * 1.01), "clamp.value must be a number from -1e+06 to 1e+06"),
    (Clamp("f", True), "clamp.value must be a number"),
    (Clamp("f", "1"), "clamp.value must be a number"),  # type: ignore[arg-type]
    (Clamp("f", 1.0, units=[0, 4]), "clamp.units must be from 0 to 3, not [0, 4]"),
    (Clamp("f", 1.0, units=[-1]), "clamp.units must be from 0 to 3, not [-1]"),
    (Clamp("f", 1.0, steps=range(-1, 2)), "clamp.steps must be from 0 on, not range(-1, 2)"),
    (Clamp("f", 1.0, layer=1), "clamp.layer must be from 0 to 0, not 1"),
    (Clamp("f", 1.0, layer=-1), "clamp.layer must be from 0 to 0, not -1"),
]


@pytest.mark.parametrize(("clamp", "message"), ERRORS)
def test_an_error_names_the_field_and_its_bound(clamp: Clamp, message: str) -> None:
    layer = TracedLSTM(2, 4, generator=generator(1))
    with pytest.raises(ValueError, match=re.escape(message)):
        layer(torch.zeros(1, 3, 2), clamp=[Clamp("i", 1.0), clamp])


@pytest.mark.parametrize("limit", [LIMIT, -LIMIT])
def test_the_bound_itself_is_accepted(limit: float) -> None:
    layer = TracedLSTM(2, 4, generator=generator(1))
    _, _, trace = layer(
        torch.zeros(1, 1, 2), clamp=[Clamp("g", limit, units=[0, 3], steps=range(1), layer=0)]
    )
    assert trace.g[0, 0, 0, [0, 3]].tolist() == [limit, limit]
