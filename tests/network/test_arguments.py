"""Every refusal is a ValueError that names the argument and its bound."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from app.network import Clamp, LSTMCellReference, TracedGRU, TracedLSTM, TracedRNN, arguments
from app.network.train import generator

pytestmark = [pytest.mark.torch]

KINDS: list[Any] = [TracedLSTM, TracedGRU, TracedRNN]
X = torch.zeros(2, 4, 3)


def layer(kind: Any = TracedLSTM, layers: int = 1) -> Any:
    return kind(3, 5, layers, generator=generator(0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 5), "input_size must be a whole number from 1 to 4096, not 0"),
        ((4097, 5), "input_size must be a whole number from 1 to 4096, not 4097"),
        ((3, 0), "hidden_size must be a whole number from 1 to 2048, not 0"),
        ((3, 2049), "hidden_size must be a whole number from 1 to 2048, not 2049"),
        ((3, 5, 0), "num_layers must be a whole number from 1 to 2, not 0"),
        ((3, 5, 3), "num_layers must be a whole number from 1 to 2, not 3"),
        ((3.0, 5), "input_size must be a whole number from 1 to 4096, not 3.0"),
        ((3, True), "hidden_size must be a whole number from 1 to 2048, not True"),
        (("3", 5), "input_size must be a whole number from 1 to 4096, not '3'"),
    ],
)
def test_sizes(kind: Any, sizes: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        kind(*sizes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(4, 3), "x must have shape (B ≥ 1, T ≥ 1, 3), not (4, 3)"),
        (torch.zeros(2, 4, 2), "x must have shape (B ≥ 1, T ≥ 1, 3), not (2, 4, 2)"),
        (torch.zeros(0, 4, 3), "x must have shape (B ≥ 1, T ≥ 1, 3), not (0, 4, 3)"),
        (torch.zeros(2, 0, 3), "x must have shape (B ≥ 1, T ≥ 1, 3), not (2, 0, 3)"),
        ([[1.0]], "x must have shape (B ≥ 1, T ≥ 1, 3), not list"),
        (X.double(), "x must be torch.float32 as the weights are, not torch.float64"),
        (X.long(), "x must be torch.float32 as the weights are, not torch.int64"),
    ],
)
def test_x(kind: Any, x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        layer(kind)(x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "lengths", [[4], [4, 4, 4], [0, 4], [5, 4], [4.0, 4.0], [True, True], [[4, 4]], torch.tensor([1.5, 2]), [4, -1]]
)  # fmt: skip
def test_lengths(kind: Any, lengths: Any) -> None:
    with pytest.raises(ValueError, match="lengths must be 2 whole numbers from 1 to 4, not"):
        layer(kind)(X, lengths=lengths)


STATE = torch.zeros(1, 2, 5)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (STATE, "state must be two tensors of shape (1, 2, 5), not Tensor"),
        ((STATE,), "state must be two tensors of shape (1, 2, 5), not tuple"),
        ((STATE, STATE[0]), "state[1] must have shape (1, 2, 5) and be torch.float32, not (2, 5)"),
        ((STATE.double(), STATE), "state[0] must have shape (1, 2, 5) and be torch.float32"),
        ((STATE, torch.zeros(1, 1, 5)), "state[1] must have shape (1, 2, 5)"),
        ((None, STATE), "state[0] must have shape (1, 2, 5) and be torch.float32, not NoneType"),
    ],
)
def test_an_lstms_state(state: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        layer()(X, state)


@pytest.mark.parametrize("kind", [TracedGRU, TracedRNN])
@pytest.mark.parametrize("state", [STATE[0], STATE.double(), (STATE, STATE), torch.zeros(2, 2, 5)])
def test_the_state_of_the_others(kind: Any, state: Any) -> None:
    with pytest.raises(
        ValueError, match=re.escape("state must have shape (1, 2, 5) and be torch.float32, not")
    ):
        layer(kind)(X, state)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: TracedLSTM(3, 5, init="ones"), "init must be default, forget-bias or chrono, not 'ones'"),  # type: ignore[arg-type]
        (lambda: TracedLSTM(3, 5, forget_bias=101), "forget_bias must be a number from -100 to 100, not 101"),
        (lambda: TracedLSTM(3, 5, forget_bias=float("nan")), "forget_bias must be a number from -100 to 100, not nan"),
        (lambda: TracedLSTM(3, 5, chrono_t_max=2), "chrono_t_max must be a whole number from 3 to 100000, not 2"),
        (
            lambda: TracedLSTM(3, 5, init="chrono", bias=False),
            "bias must be True for init='chrono', which sets biases",
        ),
        (lambda: TracedLSTM(3, 5, init="forget-bias", bias=False), "bias must be True for init='forget-bias'"),
        (lambda: LSTMCellReference(0, 5), "input_size must be a whole number from 1 to 4096, not 0"),
        (lambda: LSTMCellReference(3, 5)(torch.zeros(1, 2, 4)), "x must have shape (B ≥ 1, T ≥ 1, 3), not (1, 2, 4)"),
        (lambda: layer(TracedGRU)(X, clamp=[Clamp("f", 1.0)]), "clamp.gate must be one of r, z, n, not 'f'"),
        (lambda: layer(TracedGRU)(X, clamp=[Clamp("z", 2e6)]), "clamp.value must be a number from -1e+06 to 1e+06"),
        (lambda: layer(TracedRNN)(X, clamp=[Clamp("f", 1.0)]), "clamp must be empty, a tanh RNN has no gates"),
    ],
)  # fmt: skip
def test_the_rest(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        build()


@pytest.mark.parametrize("kind", KINDS)
def test_the_bounds_themselves_are_accepted(kind: Any) -> None:
    kind(1, 1, 1, generator=generator(0))(torch.zeros(1, 1, 1))
    layer(kind, 2)(X, lengths=[1, 4])
    layer(kind)(X, lengths=torch.tensor([4, 4], dtype=torch.int32))
    assert layer(TracedRNN)(X, clamp=[])[0].shape == (2, 4, 5)


@pytest.mark.parametrize(
    ("value", "yes"),
    [(1, True), (-2.5, True), (True, False), ("1", False), (float("inf"), False), (None, False)],
)
def test_what_is_a_number(value: object, yes: bool) -> None:
    assert arguments.is_number(value) is yes
