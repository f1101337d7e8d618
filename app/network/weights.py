"""The weights of a recurrent layer by name, and where they start."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from app.network.arguments import finite, whole

Init = Literal["default", "forget-bias", "chrono"]
_Plain = TypeVar("_Plain", bound=nn.RNNBase)


class Weights(NamedTuple):
    """One layer's weights as PyTorch names them; G is 4 for an LSTM, 3 for a GRU, 1 for an RNN."""

    w_ih: Tensor  # (G·H, I)
    w_hh: Tensor  # (G·H, H)
    b_ih: Tensor | None = None  # (G·H,)
    b_hh: Tensor | None = None

    def present(self) -> list[Tensor]:
        """Those that are there, in PyTorch's order."""
        return [weight for weight in self if weight is not None]


def of(module: nn.RNNBase, layer: int) -> Weights:
    """The weights of one layer of a plain recurrent module; the tensors themselves, not copies."""
    b_ih, b_hh = getattr(module, f"bias_ih_l{layer}", None), getattr(module, f"bias_hh_l{layer}", None)
    return Weights(getattr(module, f"weight_ih_l{layer}"), getattr(module, f"weight_hh_l{layer}"), b_ih, b_hh)


def build(
    kind: type[_Plain],
    input_size: int,
    hidden_size: int,
    num_layers: int,
    *,
    bias: bool,
    generator: torch.Generator | None,
) -> _Plain:
    """A plain batch-first module with PyTorch's start U(±1/√H), drawn from `generator` alone where given."""
    if generator is None:
        return kind(input_size, hidden_size, num_layers, bias=bias, batch_first=True)  # type: ignore[arg-type]
    with torch.random.fork_rng(devices=[]):  # the constructor draws too: leave the global generator as it was
        made = kind(input_size, hidden_size, num_layers, bias=bias, batch_first=True)  # type: ignore[arg-type]
    with torch.no_grad():
        for weight in made.parameters():
            weight.uniform_(-(hidden_size**-0.5), hidden_size**-0.5, generator=generator)
    return made


def set_gate_biases(
    module: nn.LSTM, init: Init, forget_bias: float, chrono_t_max: int, generator: torch.Generator | None
) -> None:
    """Set the forget gate's bias of every layer, for "chrono" the input gate's too.

    PyTorch adds two bias vectors: the wanted value goes into the first, the second's part becomes zero.
    """
    if init not in ("default", "forget-bias", "chrono"):
        raise ValueError(f"init must be default, forget-bias or chrono, not {init!r}")
    finite("forget_bias", forget_bias, -100, 100)
    whole("chrono_t_max", chrono_t_max, 3, 100_000)
    if init == "default":
        return
    if not module.bias:
        raise ValueError(f"bias must be True for init={init!r}, which sets biases")
    size = module.hidden_size
    i, f = slice(0, size), slice(size, 2 * size)
    with torch.no_grad():
        for layer in range(module.num_layers):
            _, _, first, second = of(module, layer)
            assert first is not None  # refused above where bias is off
            assert second is not None
            if init == "forget-bias":
                first[f], second[f] = forget_bias, 0.0
                continue
            drawn = torch.empty(size).uniform_(1.0, chrono_t_max - 1.0, generator=generator).log()
            first[f], second[f] = drawn, 0.0
            first[i], second[i] = -drawn, 0.0
