"""Gradients, clipping, initial values, truncation: questions 12, 20, 22, 26, 32 and 34."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.content.bugs import Run, bug
from tests.content.bugs.descent import Descent


def with_gradients(*values: float) -> list[nn.Parameter]:
    params = [nn.Parameter(torch.zeros(1)) for _ in values]
    for param, value in zip(params, values, strict=True):
        param.grad = torch.tensor([float(value)])
    return params


@bug("12-a", "grad = ", "grad[...] = ")
def clips_nothing(run: Run) -> bool:
    grads = [np.array(0.5), np.array(-9.0), np.array(3.0)]
    run(np=np, grads=grads, threshold=1.0)
    found = [float(grad) for grad in grads]
    assert found in ([0.5, -9, 3], [0.5, -1, 1])
    return found == [0.5, -9, 3]


@bug("20-c", "sum(p.grad.norm() for p in params)", "sum(p.grad.norm() ** 2 for p in params) ** 0.5")
def clips_too_hard(run: Run) -> bool:
    """Gradients 3 and 4 clipped to 1: 5 becomes 1, and not 5/7."""
    params = with_gradients(3, 4)
    clip = run().clip_grad_norm
    clip(iter(params), 1.0)
    total = torch.cat([param.grad for param in params]).norm().item()
    assert total == pytest.approx(1, abs=1e-5) or total == pytest.approx(5 / 7, abs=1e-5)
    short = with_gradients(0.3, 0.4)
    clip(short, 1.0)
    assert [param.grad.item() for param in short] == pytest.approx([0.3, 0.4]), "short ones stay"
    return total < 0.99


@bug(
    "22-g",
    "norm = p.grad.norm()",
    "pass",
    also={
        2: (
            "for p in params:",
            "norm = sum(p.grad.norm() ** 2 for p in params) ** 0.5\n    for p in params:",
        )
    },
)
def turns_the_direction(run: Run) -> bool:
    params = with_gradients(6, 8)
    run().clip_global(params, 5.0)
    found = [round(param.grad.item(), 4) for param in params]
    assert found in ([5, 5], [3, 4])
    return found == [5, 5]


@bug("26-c", "clip_grad_norm_", "scaler.unscale_(opt)\nclip_grad_norm_")
def hardly_moves(run: Run) -> bool:
    """A step of a clipped gradient is as long as the learning rate; still scaled, 2^16 times shorter."""
    model = nn.Linear(4, 1)
    before = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    opt = Descent(model.parameters(), lr=0.5)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
    loss = (model(torch.randn(8, 4)) * 100).pow(2).mean()
    run(scaler=scaler, loss=loss, model=model, opt=opt, clip_grad_norm_=nn.utils.clip_grad_norm_)
    moved = (nn.utils.parameters_to_vector(model.parameters()) - before).norm().item() / 0.5
    assert moved == pytest.approx(1, rel=1e-3) or moved < 1e-3
    return moved < 1e-3


@bug("32-a", "bias_hh_l0[H : 2 * H].fill_(1.0)", "bias_hh_l0[H : 2 * H].fill_(0.0)")
def the_biases_add_up(run: Run) -> bool:
    lstm = nn.LSTM(8, 64)
    run(torch=torch, lstm=lstm)
    z = torch.randn(500, 8) @ lstm.weight_ih_l0.T + lstm.bias_ih_l0 + lstm.bias_hh_l0
    mean = z[:, 64:128].sigmoid().mean().item()
    assert mean == pytest.approx(0.73, abs=0.01) or mean == pytest.approx(0.87, abs=0.015)
    return mean > 0.8


@bug(
    "34-a",
    "y, state = lstm(x, state)",
    "state = None if state is None else tuple(s.detach() for s in state)\n    y, state = lstm(x, state)",
)
def stops_at_the_second_segment(run: Run) -> bool:
    def segments():
        for _ in range(4):
            taken.append(1)
            yield torch.randn(2, 5, 3), torch.randn(2, 5, 1)

    taken: list[int] = []
    lstm, head = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 1)
    opt = Descent([*lstm.parameters(), *head.parameters()], lr=0.1)
    names = {"lstm": lstm, "head": head, "loss_fn": nn.MSELoss(), "opt": opt}
    _, error, line = run.stopping(RuntimeError, segments=segments(), **names)
    if error is None:
        assert len(taken) == 4
        return False
    assert "Trying to backward through the graph a second time" in str(error)
    assert len(taken) == 2
    assert line == 6
    return True
