"""Who said it? Utterances of 7 to 29 frames, classified from the last state or a pool, with and without padding.

Nine speakers, 12 cepstrum coefficients a frame: Kudo, Toyama & Shimbo 1999 (JapaneseVowels). Training and test set
are the original ones; the test utterances were recorded on other occasions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from app.network.ruler import memory_ruler
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

FILE = Path(__file__).parents[1] / "datasets" / "speakers.npz"
LANES = ("last", "mean", "max", "last_padded", "frame_mean")
BATCH, EVERY, INPUTS, SPEAKERS, LONGEST, SOLVED = 32, 25, 12, 9, 29, 0.95
BINS = ((7, 10), (11, 15), (16, 20), (21, 29))


class Utterances(NamedTuple):
    """x (N, T, 12) standardised by the training frames and zero past each end, lengths (N,), speakers y (N,)."""

    x: Tensor
    lengths: Tensor
    y: Tensor

    def at(self, rows: Tensor | slice) -> Utterances:
        return Utterances(self.x[rows], self.lengths[rows], self.y[rows])

    @property
    def mask(self) -> Tensor:
        """(N, T, 1), true up to each end."""
        return (torch.arange(self.x.shape[1]) < self.lengths[:, None]).unsqueeze(-1)


def utterances(pad_to: int) -> tuple[Utterances, Utterances]:
    """270 utterances to train on and 370 to test on, padded with zeros to `pad_to` ≥ 29 frames."""
    if not LONGEST <= pad_to <= 1000:
        raise ValueError(f"pad_to must be from {LONGEST} to 1000, not {pad_to}")
    with np.load(FILE) as file:
        frames = torch.from_numpy(file["frames"]).float() / 1000
        lengths = torch.from_numpy(file["lengths"]).long()
        speakers = torch.from_numpy(file["speakers"]).long()
        train = int(file["train"])
    own = frames[: int(lengths[:train].sum())]
    frames = (frames - own.mean(0)) / own.std(0)
    x = nn.utils.rnn.pad_sequence(list(torch.split(frames, lengths.tolist())), batch_first=True)
    x = nn.functional.pad(x, (0, 0, 0, pad_to - x.shape[1]))
    whole = Utterances(x, lengths, speakers)
    return whole.at(slice(0, train)), whole.at(slice(train, None))


def pooled(output: Tensor, said: Utterances, how: str, *, masked: bool) -> Tensor:
    """(N, T, H) → (N, H): the last step's, the mean or the largest; over the padding too unless `masked`."""
    if how == "last":
        return output[torch.arange(len(output)), said.lengths - 1] if masked else output[:, -1]
    if how == "mean":
        return (output * said.mask).sum(1) / said.lengths[:, None] if masked else output.mean(1)
    return (output.masked_fill(~said.mask, -2.0) if masked else output).amax(1)  # h is above −1


class Classifier(nn.Module):
    """LSTM (forget bias 1), pooling, linear layer. `how` is last, mean or max; "frame_mean" has no LSTM."""

    def __init__(self, lane: str, hidden: int, source: torch.Generator) -> None:
        super().__init__()
        self.how, self.masked = lane.removesuffix("_padded"), not lane.endswith("_padded")
        plain = lane == "frame_mean"
        self.layer = TracedLSTM(INPUTS, hidden, init="forget-bias", forget_bias=1.0, generator=source)
        self.head = linear(INPUTS if plain else hidden, SPEAKERS, source)
        self.plain = plain

    def forward(self, said: Utterances, masked: bool | None = None) -> Tensor:
        """Logits (N, 9); `masked` overrides how the padding is treated."""
        if self.plain:
            vector = pooled(said.x, said, "mean", masked=True)
        else:
            # The states up to an utterance's end do not depend on what follows: masking is a matter of reading.
            vector = pooled(
                self.layer(said.x)[0], said, self.how, masked=self.masked if masked is None else masked
            )
        logits: Tensor = self.head(vector)
        return logits


@dataclass
class Lane:
    """One classifier of one seed: test accuracy as it was trained, and with the padding read (same weights)."""

    name: str
    model: Classifier
    optimiser: torch.optim.Optimizer
    parameters: list[Tensor]
    accuracy: float = 0.0
    padded: float | None = None
    reached: int | None = None

    @property
    def size(self) -> int:
        """How many numbers are trained."""
        return sum(each.numel() for each in self.parameters)


class Frame(NamedTuple):
    """Lane `last` on the chosen utterance: with its length given, and reading the padding too."""

    masked: Trace
    padded: Trace
    ruler: Any  # (2, pad_to) of the padded one


class Moment(NamedTuple):
    """After `step` updates; accuracies are new where `measured`, a frame where one was asked for."""

    step: int
    measured: bool
    frame: Frame | None


class Drift(NamedTuple):
    """Lane `last` fed 0 … K zero frames after each test utterance, (K + 1,) each."""

    accuracy: Any
    distance: Any  # mean over utterances of the largest |h_{n+k} − h_n|


class Speaking:
    """All lanes of one seed on the same batches."""

    def __init__(
        self, *, pad_to: int, noise: float, hidden: int, lr: float, steps: int, seed: int, utterance: int = 0
    ) -> None:
        self._train, self.test = utterances(pad_to)
        self._noise, self._lr, self._steps = noise, lr, steps
        self._batches, self._noises = generator(seed, 9), generator(seed, 10)
        self.lanes = [_lane(name, hidden, lr, seed) for name in LANES]
        self.chosen = self.test.at(slice(utterance, utterance + 1))

    def run(self, frames: frozenset[int]) -> Iterator[Moment]:
        """Train; noise on the training frames, and a learning rate that falls linearly to 0, for every lane."""
        for step in range(1, self._steps + 1):
            said = self._train.at(torch.randint(0, len(self._train.y), (BATCH,), generator=self._batches))
            noise = self._noise * torch.randn(said.x.shape, generator=self._noises) * said.mask
            said = said._replace(x=said.x + noise)
            for lane in self.lanes:
                lane.optimiser.param_groups[0]["lr"] = self._lr * (1 - (step - 1) / self._steps)
                loss = nn.functional.cross_entropy(lane.model(said), said.y)
                update(loss, lane.optimiser, lane.parameters, clip=1.0)
            measured = step % EVERY == 0 or step == self._steps
            if measured:
                self._measure(step)
            yield Moment(step, measured, self._frame() if step in frames else None)

    def _measure(self, step: int) -> None:
        for lane in self.lanes:
            lane.accuracy = self._share(lane)
            if lane.reached is None and lane.accuracy >= SOLVED:
                lane.reached = step
            if lane.name in ("last", "mean", "max") and (step == self._steps or lane.name == "last"):
                lane.padded = self._share(lane, masked=False)

    def _right(self, lane: Lane, masked: bool | None = None) -> Tensor:
        with torch.no_grad():
            right: Tensor = lane.model(self.test, masked).argmax(1) == self.test.y
        return right

    def _share(self, lane: Lane, masked: bool | None = None) -> float:
        return float(self._right(lane, masked).float().mean())

    def _frame(self) -> Frame:
        layer, said = self.lanes[0].model.layer, self.chosen
        with torch.no_grad():
            masked, padded = layer(said.x, lengths=said.lengths)[2], layer(said.x)[2]
        return Frame(masked, padded, memory_ruler(layer, said.x))

    def drift(self, most: int) -> Drift:
        """What 0 … `most` zero frames after the end do to the last state and to the answer."""
        model, said = self.lanes[0].model, self.test
        x = nn.functional.pad(said.x[:, :LONGEST], (0, 0, 0, most))
        with torch.no_grad():
            output = model.layer(x)[0]
            steps = said.lengths[:, None] - 1 + torch.arange(most + 1)
            states = output[torch.arange(len(output))[:, None], steps]  # (N, K + 1, H)
            right = model.head(states).argmax(-1) == said.y[:, None]
            distance = (states - states[:, :1]).abs().amax(-1).mean(0)
        return Drift(right.double().mean(0).numpy(), distance.double().numpy())

    def by_length(self) -> list[tuple[str, int, float, float]]:
        """(lengths, utterances, accuracy masked, accuracy reading the padding) of lane `last`."""
        masked, padded = self._right(self.lanes[0]), self._right(self.lanes[0], masked=False)
        rows = []
        for least, most in BINS:
            here = (self.test.lengths >= least) & (self.test.lengths <= most)
            shares = [float(right[here].float().mean()) for right in (masked, padded)]
            rows.append((f"{least}–{most}", int(here.sum()), shares[0], shares[1]))
        return rows

    def packed_difference(self) -> float:
        """Largest |Δh| between the last state with lengths given and that of each utterance run alone."""
        layer, said = self.lanes[0].model.layer, self.test.at(slice(0, 32))
        with torch.no_grad():
            _, (h_n, _), _ = layer(said.x, lengths=said.lengths)
            alone = [layer(x[None, :n])[0][0, -1] for x, n in zip(said.x, said.lengths.tolist(), strict=True)]
        return float((h_n[0] - torch.stack(alone)).abs().max())

    def confusion(self) -> Any:
        """(9, 9): how often lane `last` took an utterance of the row's speaker for the column's."""
        with torch.no_grad():
            guesses = self.lanes[0].model(self.test).argmax(1)
        pairs = self.test.y * SPEAKERS + guesses
        return torch.bincount(pairs, minlength=SPEAKERS**2).view(SPEAKERS, SPEAKERS).numpy()

    def majority(self) -> float:
        """Accuracy of always naming the speaker that is most frequent in the test set."""
        return float(torch.bincount(self.test.y).max()) / len(self.test.y)

    def tokens(self) -> list[str]:
        """Frame numbers, 0 where it is padding."""
        ends = int(self.chosen.lengths)
        return [str(t + 1) if t < ends else "0" for t in range(self.chosen.x.shape[1])]

    def subject(self) -> Subject:
        """Lane `last` with the chosen utterance, without padding."""
        model, end = self.lanes[0].model, int(self.chosen.lengths)

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            logits = model.head(output[:, -1])
            loss = float(nn.functional.cross_entropy(logits, self.chosen.y))
            return Answer(loss, [(f"P({k})", p) for k, p in enumerate(logits.softmax(-1)[0].tolist(), 1)])

        return Subject(model.layer, self.chosen.x[:, :end], self.tokens()[:end], answer)


def _lane(name: str, hidden: int, lr: float, seed: int) -> Lane:
    model = Classifier(name, hidden, generator(seed, 0 if name != "frame_mean" else 1))
    trained = model.head if model.plain else model
    parameters: list[Tensor] = list(trained.parameters())
    return Lane(name, model, optimiser("adam", parameters, lr), parameters)
