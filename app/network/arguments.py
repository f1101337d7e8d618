"""What a layer accepts: every refusal is a ValueError that names the argument and its bound."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

MAX_INPUT, MAX_HIDDEN, MAX_LAYERS = 4096, 2048, 2


def whole(name: str, value: int, low: int, high: int) -> int:
    """`value` if it is a whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, not {value!r}")
    return value


def finite(name: str, value: float, low: float, high: float) -> float:
    """`value` as a float if it is a number from `low` to `high`; NaN is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}")
    return float(value)


def sizes(input_size: int, hidden_size: int, num_layers: int) -> None:
    """The three sizes of a layer."""
    whole("input_size", input_size, 1, MAX_INPUT)
    whole("hidden_size", hidden_size, 1, MAX_HIDDEN)
    whole("num_layers", num_layers, 1, MAX_LAYERS)


def sequence(x: Tensor, input_size: int, dtype: torch.dtype) -> tuple[int, int]:
    """(B, T) of a batch-first input (B, T, input_size) with the weights' dtype."""
    if (
        not isinstance(x, Tensor)
        or x.dim() != 3
        or x.shape[2] != input_size
        or not x.shape[0]
        or not x.shape[1]
    ):
        found = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"x must have shape (B ≥ 1, T ≥ 1, {input_size}), not {found}")
    if x.dtype != dtype:
        raise ValueError(f"x must be {dtype} as the weights are, not {x.dtype}")
    return x.shape[0], x.shape[1]


def state(name: str, value: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """A start state of the given shape and dtype."""
    if not isinstance(value, Tensor) or tuple(value.shape) != shape or value.dtype != dtype:
        found = f"{tuple(value.shape)} {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"{name} must have shape {shape} and be {dtype}, not {found}")
    return value


def ends(lengths: Tensor | Sequence[int], batch: int, steps: int) -> Tensor:
    """The lengths (B,) as int64, each from 1 to T."""
    given = torch.as_tensor(lengths)
    whole_numbers = not given.dtype.is_floating_point and given.dtype != torch.bool and not given.is_complex()
    if (
        tuple(given.shape) != (batch,)
        or not whole_numbers
        or int(given.min()) < 1
        or int(given.max()) > steps
    ):
        raise ValueError(f"lengths must be {batch} whole numbers from 1 to {steps}, not {given.tolist()}")
    return given.to(torch.int64)


def is_number(value: object) -> bool:
    """A finite real number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
