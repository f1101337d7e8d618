"""Gates and cells: questions 2, 3, 18, 31, 33, 41 and 42."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.content.bugs import Run, bug


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@bug("02-d", "i * c + f * g", "f * c + i * g")
def keeping_and_writing_change_places(run: Run) -> bool:
    """With the forget gate open and the input gate shut the cell should keep what it has."""
    shut, opened = np.full(3, -20.0), np.full(3, 20.0)
    old, z_g = np.array([0.3, -0.8, 1.5]), np.array([2.0, -1.0, 0.1])
    after = run(
        sigmoid=sigmoid, tanh=np.tanh, z_i=shut, z_f=opened, z_o=np.zeros(3), z_g=z_g, c=old, f=None, i=None
    )
    kept, written = np.allclose(after.c, old), np.allclose(after.c, np.tanh(z_g))
    assert kept != written
    assert np.allclose(after.h, 0.5 * np.tanh(after.c))
    return written


@bug(
    "03-d",
    "z.sigmoid().chunk(4, dim=-1)",
    "(s.tanh() if n == 2 else s.sigmoid() for n, s in enumerate(z.chunk(4, dim=-1)))",
)
def disagrees_with_the_cell(run: Run) -> bool:
    cell = nn.LSTMCell(5, 4)
    weights = {"W": cell.weight_ih, "U": cell.weight_hh, "b": cell.bias_ih + cell.bias_hh}
    mine = theirs = (torch.zeros(3, 4), torch.zeros(3, 4))
    lowest = 0.0
    for x in torch.randn(6, 3, 5):
        after = run(x=x, h=mine[0], c=mine[1], **weights)
        mine, theirs = (after.h, after.c), cell(x, theirs)
        lowest = min(lowest, after.c.min().item(), after.h.min().item())
    agrees = all(torch.allclose(m, t, atol=1e-6) for m, t in zip(mine, theirs, strict=True))
    assert agrees == (lowest < 0), "never negative where g went through a sigmoid"
    return not agrees


@bug("18-d", "nn.LSTM(8, 64)", "nn.LSTM(8, 64, batch_first=True)")
def states_flow_from_sequence_to_sequence(run: Run) -> bool:
    head = nn.Linear(64, 3)
    after = run(torch=torch, nn=nn, head=head)
    assert after.logits.shape == (32, 3), "every shape fits"
    alone = nn.LSTM(8, 64, batch_first=True)
    alone.load_state_dict(after.lstm.state_dict())
    states = torch.cat([alone(sequence[None])[0][:, -1] for sequence in after.x])
    return not torch.allclose(after.logits, head(states), atol=1e-5)


@bug("31-d", "f * c.detach()", "f * c")
def no_error_along_the_cell(run: Run) -> bool:
    def split_gates(z):
        i, f, g, o = z.chunk(4, dim=-1)
        gates.append(f.sigmoid())
        return i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()

    gates: list[torch.Tensor] = []
    W, U, b = torch.randn(16, 5), torch.randn(16, 4, requires_grad=True), torch.zeros(16)
    first = (torch.randn(1, 4, requires_grad=True), torch.randn(1, 4, requires_grad=True))
    h, c = first
    for x in torch.randn(5, 1, 5):
        after = run(x=x, h=h, c=c, W=W, U=U, b=b, split_gates=split_gates)
        h, c = after.h, after.c
    by_h, by_c = torch.autograd.grad(c.sum(), first, allow_unused=True)
    assert by_h is None, "through h it is cut, as intended"
    if by_c is not None:
        assert torch.allclose(by_c, torch.stack(gates).prod(0)), (
            "the carousel: the product of the forget gates"
        )
    return by_c is None


@bug("33-d", "top.reshape(16, 96)", "top.transpose(0, 1).reshape(16, 96)")
def features_of_samples_are_mixed(run: Run) -> bool:
    """Whether another sample's input changes the feature of the first."""
    x = torch.randn(16, 30, 64)
    other = x.clone()
    other[1] = torch.randn(30, 64)
    features = []
    for given in (x, other):
        torch.manual_seed(0)
        after = run(nn=nn, x=given)
        assert after.feature.shape == (16, 96), "the shape is right"
        features.append(after.feature)
    mixed = not torch.allclose(features[0][0], features[1][0])
    assert mixed != torch.allclose(after.feature, torch.cat([after.h[-2], after.h[-1]], -1))
    return mixed


@bug(
    "41-c",
    "ln_c(sigmoid(f) * c + sigmoid(i) * tanh(g))",
    "sigmoid(f) * c + sigmoid(i) * tanh(g)",
    also={4: ("tanh(c)", "tanh(ln_c(c))")},
)
def the_carried_state_is_rescaled(run: Run) -> bool:
    """Six steps of keeping (f=1, i=0), then six of counting (f=1, i=1, g=1 or -1)."""

    def six(c, write):
        i, f, g = torch.full((4,), write), torch.full((4,), 20.0), torch.tensor([20.0, -20.0, 20.0, 20.0])
        names = {f"ln_{part}": nn.LayerNorm(n) for part, n in (("x", 16), ("h", 16), ("c", 4))}
        names |= {
            "W_x": torch.zeros(16, 3),
            "W_h": torch.zeros(16, 4),
            "b": torch.cat([i, f, g, torch.zeros(4)]),
        }
        h = torch.zeros(1, 4)
        for x in torch.randn(6, 1, 3):
            after = run(sigmoid=torch.sigmoid, tanh=torch.tanh, x=x, h=h, c=c, **names)
            h, c = after.h, after.c
        return c

    start = torch.tensor([[3.0, -1.0, 0.5, 2.0]])
    kept, counted = six(start, -20.0), six(torch.zeros(1, 4), 20.0)
    keeps = torch.allclose(kept, start)
    assert keeps == torch.allclose(counted, torch.tensor([[6.0, -6.0, 6.0, 6.0]]), atol=1e-4)
    if not keeps:
        assert [c.norm().item() for c in (kept, counted)] == pytest.approx([2, 2], abs=1e-3), (
            "the root of h = 4"
        )
    return not keeps


@bug("42-e", "o * c", "o * tanh(c)")
def the_cell_runs_away(run: Run) -> bool:
    """Against nn.LSTM with the same weights and a forget bias of 3: with one of 0 neither grows in 200 steps."""
    lstm = nn.LSTM(16, 64)
    x = torch.randn(200, 16)
    nn.init.zeros_(lstm.bias_hh_l0)
    with torch.no_grad():
        lstm.bias_ih_l0[64:128] = 3
    h = c = torch.zeros(64)
    state = None
    largest = 0.0
    for now in x:
        z = lstm.weight_ih_l0 @ now + lstm.weight_hh_l0 @ h + lstm.bias_ih_l0
        gates = dict(zip(("zi", "zf", "zg", "zo"), z.chunk(4), strict=True))
        after = run(sigmoid=torch.sigmoid, tanh=torch.tanh, c=c, **gates)
        h, c = after.h, after.c
        _, state = lstm(now[None], state)
        largest = max(largest, state[1].abs().max().item())
    assert largest < 10
    reached = c.abs().max().item()
    same = torch.allclose(c, state[1][0], atol=1e-4)
    assert same or 30 < reached < 180
    return not same
