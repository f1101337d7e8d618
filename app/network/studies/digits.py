"""Real handwritten digits of 8 × 8, read from the extract beside the network; where it comes from stands with it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from app.network.train import generator

FILE = Path(__file__).parents[1] / "datasets" / "digits.npz"
PICTURES, TRAINED = 1797, 1437  # the remaining 360 are held out
Split = Literal["mixed", "writers"]


class Digits(NamedTuple):
    """Grey values in [0, 1] as float32 (N, 8, 8) and classes 0–9 (N,), for training and held out."""

    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor


def digits(split: Split = "mixed") -> Digits:
    """1,437 pictures to train on and 360 held out; the cut does not depend on a run's seed.

    "mixed" shuffles first, so both parts share writers. "writers" cuts in the file's order, which runs from
    writer to writer: the last fifth is in hands that were hardly seen, if at all.
    """
    if split not in ("mixed", "writers"):
        raise ValueError(f"split must be mixed or writers, not {split!r}")
    with np.load(FILE) as file:
        x = torch.from_numpy(file["images"]).float() / 16
        y = torch.from_numpy(file["labels"]).long()
    if split == "mixed":
        order = torch.randperm(PICTURES, generator=generator(PICTURES))
        x, y = x[order], y[order]
    return Digits(x[:TRAINED], y[:TRAINED], x[TRAINED:], y[TRAINED:])
