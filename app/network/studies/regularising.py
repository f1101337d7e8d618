"""A hundred handwritten digits with wrong labels among them, and five ways to train on them.

Digits are read row by row, eight pixels a step. L2 as decoupled weight decay: Loshchilov & Hutter 2019. L1 by its
proximal step, so that weights become exactly zero. Dropout on non-recurrent connections only: Zaremba et al. 2014.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from app.network.ruler import memory_ruler
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

DATA = Path(__file__).resolve().parent.parent / "datasets" / "digits.npz"
LANES = ("none", "decay", "l1", "out", "inout")
PIXELS, CLASSES, LR = 8, 10, 0.01
VALIDATION, TEST, EVERY = 300, 500, 10
BINS = (0.0, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)  # of |w|; a last bin is what lies above


class Digits(NamedTuple):
    """Images (N, 8, 8) in [0, 1] and labels (N,); some of the training labels are wrong."""

    x: Tensor
    y: Tensor
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


class Losses(NamedTuple):
    """Cross-entropy on the training digits (with their labels as they are), validation and test; test accuracy."""

    epoch: int
    train: float
    validation: float
    test: float
    accuracy: float

    @property
    def gap(self) -> float:
        """Test minus training loss: how much worse the unseen is."""
        return self.test - self.train


@cache
def _file() -> tuple[Tensor, Tensor]:
    with np.load(DATA) as data:
        return torch.tensor(data["images"]).float() / 16, torch.tensor(data["labels"]).long()


def digits(count: int, noise: float, seed: int) -> Digits:
    """`count` training digits, a share `noise` of them relabelled at random; validation and test are clean."""
    images, labels = _file()
    order = torch.randperm(len(images), generator=generator(seed, 61))
    own, held, test = order[:count], order[count : count + VALIDATION], order[count + VALIDATION :][:TEST]
    source = generator(seed, 62)
    wrong = torch.rand(count, generator=source) < noise
    y = torch.where(wrong, torch.randint(CLASSES, (count,), generator=source), labels[own])
    return Digits(images[own], y, (images[held], labels[held]), (images[test], labels[test]))


class Learner:
    """One way to train on the digits of a seed. All lanes of a seed start from the same weights."""

    def __init__(
        self, lane: str, data: Digits, *, hidden: int, decay: float, l1: float, rate: float, seed: int
    ) -> None:
        self.lane, self._data, self._rate = lane, data, rate
        self._l1 = l1 if lane == "l1" else 0.0
        source = generator(seed, 63)
        self.layer = TracedLSTM(PIXELS, hidden, generator=source)
        self._head = linear(hidden, CLASSES, source)
        self._parameters = [*self.layer.parameters(), *self._head.parameters()]
        self._matrices = [p for p in self._parameters if p.dim() == 2]
        self._optimiser = self._adam(decay if lane == "decay" else 0.0)
        self._masks = generator(seed, 64)
        self.history: list[Losses] = []

    def _adam(self, decay: float) -> torch.optim.Optimizer:
        if not decay:
            return optimiser("adam", self._parameters, LR)
        biases = [p for p in self._parameters if p.dim() == 1]  # not decayed: they amplify nothing
        groups = [{"params": self._matrices, "weight_decay": decay}, {"params": biases, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=LR, fused=True)

    def train(self, epochs: int) -> Iterator[int]:
        """Full-batch epochs, measured every EVERY and at the last; yields the epoch."""
        for epoch in range(1, epochs + 1):
            x = self._dropped(self._data.x) if self.lane == "inout" else self._data.x
            h = self.layer(x)[0][:, -1]
            h = self._dropped(h) if self.lane in {"out", "inout"} else h
            loss = nn.functional.cross_entropy(self._head(h), self._data.y)
            update(loss, self._optimiser, self._parameters, clip=1.0)
            if self._l1:
                self._shrink(LR * self._l1)
            if epoch % EVERY == 0 or epoch == epochs:
                self._measure(epoch)
            yield epoch

    def _dropped(self, signal: Tensor) -> Tensor:
        kept = torch.rand(signal.shape, generator=self._masks) >= self._rate
        return signal * kept / (1 - self._rate)

    def _shrink(self, by: float) -> None:
        """L1's proximal step: every weight moves towards zero by the same amount and stops there."""
        with torch.no_grad():
            for matrix in self._matrices:
                matrix.copy_(matrix.sign() * (matrix.abs() - by).clamp_min(0.0))

    def _measure(self, epoch: int) -> None:
        (x_v, y_v), (x_t, y_t) = self._data.validation, self._data.test
        with torch.no_grad():
            logits = self._head(self.layer(torch.cat([self._data.x, x_v, x_t]))[0][:, -1])
        a, b = len(self._data.x), len(self._data.x) + len(x_v)
        parts = logits[:a], logits[a:b], logits[b:]
        losses = [
            float(nn.functional.cross_entropy(part, y))
            for part, y in zip(parts, (self._data.y, y_v, y_t), strict=True)
        ]
        right = float((parts[2].argmax(1) == y_t).float().mean())
        self.history.append(Losses(epoch, losses[0], losses[1], losses[2], right))

    def stopped(self) -> Losses:
        """Where early stopping would have stopped: the measured epoch with the least validation loss."""
        return min(self.history, key=lambda each: each.validation)

    def histogram(self) -> npt.NDArray[Any]:
        """The share of weights with |w| exactly 0, then in each bin up to 1, then above."""
        size = torch.cat([matrix.detach().abs().flatten() for matrix in self._matrices]).numpy()
        counts, _ = np.histogram(size[size > 0], [*BINS, np.inf])
        return np.concatenate([[np.sum(size == 0)], counts]) / size.size

    def columns_at_zero(self) -> int:
        """How many of the eight input features have no weight left at all."""
        return int((self._matrices[0] == 0).all(0).sum())

    def frame(self) -> tuple[Trace, npt.NDArray[Any]]:
        """Gates and memory ruler (2, 8) on the first validation digit."""
        x = self._data.validation[0][:1]
        with torch.no_grad():
            _, _, trace = self.layer(x)
        return trace, memory_ruler(self.layer, x)

    def subject(self) -> Subject:
        """The network with the first validation digit, to be operated on."""
        x, y = (part[:1] for part in self._data.validation)

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            logits = self._head(output[:, -1])
            chances = logits.softmax(-1)[0].tolist()
            loss = float(nn.functional.cross_entropy(logits, y))
            return Answer(loss, [(f"P({digit})", p) for digit, p in enumerate(chances)])

        return Subject(self.layer, x, rows(), answer)


def rows() -> list[str]:
    """The time steps by name."""
    return [f"row {k}" for k in range(1, PIXELS + 1)]
