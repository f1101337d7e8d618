"""TracedRNN: the LSTM's interface, torch.nn.RNN's numbers."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from app.network import TracedRNN
from app.network.train import generator
from tests.network.test_traced import Case, cases

pytestmark = [pytest.mark.torch]


@settings(deadline=None, derandomize=True, max_examples=60, database=None)
@given(st.one_of(cases(), cases(padded=True)))
def test_equals_torch_in_outputs_states_and_gradients(case: Case) -> None:
    source = generator(case.seed)
    layer = TracedRNN(case.inputs, case.hidden, case.layers, bias=case.bias, generator=source)
    x = torch.randn(case.batch, case.steps, case.inputs, generator=source).requires_grad_()
    h_0 = torch.randn(case.layers, case.batch, case.hidden, generator=source) if case.start else None
    output, h_n, trace = layer(x, h_0, lengths=case.lengths)
    if case.lengths is None:
        wanted, wanted_n = layer.inner(x, h_0)
    else:
        packed = pack_padded_sequence(x, torch.tensor(case.lengths), batch_first=True, enforce_sorted=False)
        out, wanted_n = layer.inner(packed, h_0)
        wanted, _ = pad_packed_sequence(out, batch_first=True, total_length=case.steps)
    assert float((output - wanted).detach().abs().max()) <= 1e-6
    assert float((h_n - wanted_n).detach().abs().max()) <= 1e-6
    assert torch.equal(trace.h[-1], output.detach())
    assert trace.h.shape == (case.layers, case.batch, case.steps, case.hidden)
    wanted_for = [x, *layer.parameters()]
    mine = torch.autograd.grad(output.pow(2).sum() + h_n.sum(), wanted_for)
    theirs = torch.autograd.grad(wanted.pow(2).sum() + wanted_n.sum(), wanted_for)
    for one, other in zip(mine, theirs, strict=True):
        assert float((one - other).abs().max()) <= 3e-6 * max(1.0, float(other.abs().max()))


def test_the_equation() -> None:
    layer = TracedRNN(2, 4, generator=generator(1))
    x = torch.randn(3, 5, 2, generator=generator(2))
    w_ih, w_hh, b_ih, b_hh = layer.weights(0)
    h = torch.zeros(3, 4)
    _, _, trace = layer(x)
    for t in range(5):
        h = torch.tanh(x[:, t] @ w_ih.T + b_ih + h @ w_hh.T + b_hh)
        assert torch.allclose(trace.h[0, :, t], h.detach(), atol=1e-6)
