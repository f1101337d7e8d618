"""Operating on a network: one pass as it is, one with gates held, the same question put to both."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from app.network import Clamp, TracedLSTM
from app.network.surgery import Answer, Subject, operate
from app.network.train import generator

pytestmark = [pytest.mark.torch]


def subject(layers: int = 1) -> Subject:
    layer = TracedLSTM(2, 3, layers, generator=generator(1))
    x = torch.randn(1, 6, 2, generator=generator(2))

    def answer(output: Tensor, state: tuple[Tensor, Tensor]) -> Answer:
        return Answer(
            float(output[0, -1].sum()), [("c", float(state[1].sum())), ("h", float(state[0].sum()))]
        )

    return Subject(layer, x, list("abcdef"), answer)


@pytest.mark.parametrize("layers", [1, 2])
def test_both_passes_are_the_layers_own(layers: int) -> None:
    patient, clamps = subject(layers), [Clamp("f", 0.0, steps=range(2, 4)), Clamp("o", 1.0)]
    before = [weight.detach().clone() for weight in patient.layer.parameters()]
    done = operate(patient, clamps)
    with torch.no_grad():
        output, state, free = patient.layer(patient.x)
        held_output, held_state, held = patient.layer(patient.x, clamp=clamps)
    for name in "ifgoch":
        assert torch.equal(getattr(done.untouched, name), getattr(free, name))
        assert torch.equal(getattr(done.held, name), getattr(held, name))
    assert done.before == patient.answer(output, state)
    assert done.after == patient.answer(held_output, held_state)
    assert done.before.loss != done.after.loss
    assert all(torch.equal(a, b) for a, b in zip(before, patient.layer.parameters(), strict=True))
    assert not done.held.h.requires_grad


def test_holding_nothing_changes_nothing() -> None:
    done = operate(subject(), [])
    assert done.before == done.after


def test_a_clamp_that_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match=r"clamp.units must be from 0 to 2, not \[3\]"):
        operate(subject(), [Clamp("f", 1.0, units=[3])])
