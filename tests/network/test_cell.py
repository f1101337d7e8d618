"""The readable reference is torch.nn.LSTMCell."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from app.network import LSTMCellReference, TracedLSTM
from app.network.train import generator

pytestmark = [pytest.mark.torch]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("inputs", "hidden", "batch"), [(1, 1, 1), (3, 5, 2), (8, 4, 7)])
def test_the_reference_is_the_cell_of_torch(inputs: int, hidden: int, batch: int, bias: bool) -> None:
    mine = LSTMCellReference(inputs, hidden, bias=bias, generator=generator(1))
    theirs = nn.LSTMCell(inputs, hidden, bias=bias)
    theirs.load_state_dict(mine.state_dict())
    h, c = torch.randn(2, batch, hidden, generator=generator(2)).tanh()
    x = torch.randn(batch, 6, inputs, generator=generator(3))
    output, trace = mine(x, (h, c))
    for t in range(6):
        h, c = theirs(x[:, t], (h, c))
        assert float((output[:, t] - h).detach().abs().max()) <= 1e-6
        assert float((trace.c[0, :, t] - c).detach().abs().max()) <= 1e-6


def test_gradients_flow_through_it() -> None:
    layer = TracedLSTM(3, 5, generator=generator(1))
    mine = LSTMCellReference.of(layer.lstm)
    x = torch.randn(2, 6, 3, generator=generator(3))
    torch.autograd.backward(mine(x)[0].pow(2).sum())
    torch.autograd.backward(layer(x)[0].pow(2).sum())
    for one, other in zip(mine.weights().present(), layer.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=3e-6)  # type: ignore[arg-type]


def test_one_step_and_what_is_held_in_it() -> None:
    mine = LSTMCellReference(2, 3, generator=generator(1))
    zero, x = torch.zeros(1, 3), torch.ones(1, 2)
    free = mine.step(x, zero, zero + 2)
    assert torch.equal(free.c, free.f * (zero + 2) + free.i * free.g)
    seen: list[tuple[str, int]] = []

    def hold(name: str, gate: torch.Tensor, at: int) -> torch.Tensor:
        seen.append((name, at))
        return torch.ones_like(gate) if name == "f" else gate

    kept = mine.step(x, zero, zero + 2, hold, at=7)
    assert seen == [(name, 7) for name in "ifgo"]
    assert torch.equal(kept.c, zero + 2 + free.i * free.g)
    assert torch.equal(kept.z, free.z)


def test_it_is_a_copy() -> None:
    layer = TracedLSTM(2, 3, 2, bias=False, generator=generator(1))
    copy = LSTMCellReference.of(layer.lstm, 1)
    assert torch.equal(copy.weight_ih, layer.lstm.weight_ih_l1)
    assert copy.bias_ih is None
    with torch.no_grad():
        layer.lstm.weight_ih_l1.add_(1.0)
    assert not torch.equal(copy.weight_ih, layer.lstm.weight_ih_l1)
    assert LSTMCellReference.of(layer.double().lstm).weight_hh.dtype == torch.float64
