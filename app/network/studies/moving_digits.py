"""Clips of a moving digit: six ways to combine convolution and LSTM, on frames in order and shuffled.

A CNN for every frame and an LSTM over its features: Donahue et al. 2015; mean pooling beside it: Ng et al. 2015;
convolution inside the gates: Shi et al. 2015. The digit moves on a ring, so a clip played backwards is a clip of
the opposite direction with the same frames: without their order a direction cannot be told from its opposite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from app.network.ruler import memory_ruler
from app.network.studies.digits import digits
from app.network.studies.video_models import MODELS, CNNThenLSTM, build
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.train import generator, optimiser, update

Label = Literal["direction", "digit"]
SIDE, BATCH, HELD_OUT, EVERY = 12, 32, 256, 20
SOLVED = 0.95
LANES = ("cnn_lstm", "cnn_lstm_shuffled", "cnn_mean", "lstm", "cnn_lstm2", "conv_lstm")
CLASSES = {"direction": ("←", "→"), "digit": ("0", "1")}


class Clips(NamedTuple):
    """x (B, T, 12, 12) in [0, 1], classes y (B,), and the digit's column at each frame (B, T)."""

    x: Tensor
    y: Tensor
    places: Tensor

    def shuffled(self, source: torch.Generator) -> Clips:
        """Each clip's frames in a random order of its own."""
        order = torch.rand(self.places.shape, generator=source).argsort(1)
        rows = torch.arange(len(order)).unsqueeze(1)
        return Clips(self.x[rows, order], self.y, self.places[rows, order])


def clips(
    batch: int, frames: int, speed: int, label: Label, pictures: tuple[Tensor, Tensor],
    source: torch.Generator,
) -> Clips:  # fmt: skip
    """Digits of `pictures` (x (N, 8, 8), y (N,)) at a random place of a ring, moving left or right by `speed`."""
    x, y = pictures
    which = torch.randint(0, len(x), (batch,), generator=source)
    direction = torch.randint(0, 2, (batch,), generator=source)
    column = torch.randint(0, SIDE, (batch, 1), generator=source)
    row = torch.randint(0, SIDE, (batch, 1), generator=source)
    places = (column + (2 * direction[:, None] - 1) * speed * torch.arange(frames)) % SIDE
    canvas = x.new_zeros(batch, SIDE, SIDE)
    canvas[:, :8, :8] = x[which]
    down = (torch.arange(SIDE) - row) % SIDE  # (B, 12): the row of `canvas` that is seen at each row
    across = (torch.arange(SIDE) - places[..., None]) % SIDE  # (B, T, 12)
    each = torch.arange(batch)[:, None, None, None]
    seen = canvas[each, down[:, None, :, None], across[:, :, None, :]]
    return Clips(seen, direction if label == "direction" else y[which], places)


@dataclass
class Lane:
    """One model of one seed; accuracies on held-out clips in order and shuffled, after the last measurement."""

    name: str
    model: nn.Module
    optimiser: torch.optim.Optimizer
    parameters: list[Tensor]
    accuracy: float = 0.0  # on what it was trained for: shuffled frames for cnn_lstm_shuffled, else in order
    shuffled: float = 0.0  # on shuffled frames
    reached: int | None = None

    @property
    def size(self) -> int:
        """How many numbers are trained."""
        return sum(each.numel() for each in self.parameters)


class Frame(NamedTuple):
    """CNN and LSTM on the chosen clip, in order and shuffled: traces and memory rulers (2, T)."""

    trace: Trace
    ruler: Any
    shuffled_trace: Trace
    shuffled_ruler: Any


class Moment(NamedTuple):
    """After `step` updates; accuracies are new where `measured`, a frame where one was asked for."""

    step: int
    measured: bool
    frame: Frame | None


class Layers(NamedTuple):
    """What a linear read-out fitted afterwards finds in the two-layer network, as held-out accuracy.

    `features`: in the mean of what layer 1 reads; `first`, `second`: in each layer's last hidden state.
    """

    features: float
    first: float
    second: float


class Video:
    """All lanes of one seed on the same clips."""

    def __init__(
        self, *, label: Label, frames: int, speed: int, hidden: int, lr: float, steps: int, seed: int
    ) -> None:
        data = digits()
        self._train, self._test = _chosen(label, data.x, data.y), _chosen(label, data.test_x, data.test_y)
        self._given, self._steps = (frames, speed, label), steps
        self._batches, self._orders = generator(seed, 9), generator(seed, 10)
        self._seed = seed
        classes = len(CLASSES[label])
        self.lanes = [_lane(name, SIDE, hidden, classes, lr, seed) for name in LANES]
        self.held = self._clips(HELD_OUT, self._test, generator(seed, 11))
        self.held_shuffled = self.held.shuffled(generator(seed, 12))

    def _clips(self, batch: int, pictures: tuple[Tensor, Tensor], source: torch.Generator) -> Clips:
        frames, speed, label = self._given
        return clips(batch, frames, speed, label, pictures, source)

    def _model(self, name: str) -> CNNThenLSTM:
        model = self.lanes[LANES.index(name)].model
        assert isinstance(model, CNNThenLSTM)
        return model

    def run(self, frames: frozenset[int]) -> Iterator[Moment]:
        """Train every lane on the same clips; one lane gets them with their frames shuffled."""
        for step in range(1, self._steps + 1):
            batch = self._clips(BATCH, self._train, self._batches)
            mixed = batch.shuffled(self._orders)
            for lane in self.lanes:
                x = mixed.x if lane.name == "cnn_lstm_shuffled" else batch.x
                loss = nn.functional.cross_entropy(lane.model(x), batch.y)
                update(loss, lane.optimiser, lane.parameters, clip=1.0)
            measured = step % EVERY == 0 or step == self._steps
            if measured:
                self._measure(step)
            yield Moment(step, measured, self._frame() if step in frames else None)

    def _measure(self, step: int) -> None:
        for lane in self.lanes:
            if step == self._steps or lane.name.startswith("cnn_lstm"):
                lane.shuffled = accuracy(lane.model, self.held_shuffled)
            lane.accuracy = (
                lane.shuffled if lane.name == "cnn_lstm_shuffled" else accuracy(lane.model, self.held)
            )
            if lane.reached is None and lane.accuracy >= SOLVED:
                lane.reached = step

    def _frame(self) -> Frame:
        model, found = self._model("cnn_lstm"), []
        for held in (self.held, self.held_shuffled):
            with torch.no_grad():
                features = model.features(held.x[:1])
                _, _, trace = model.layer(features)
            found += [trace, memory_ruler(model.layer, features)]
        return Frame(*found)

    def belief(self) -> Any:
        """(2, T): mean P(right class) after each frame, CNN and LSTM; row 0 in order, row 1 shuffled."""
        model, rows = self._model("cnn_lstm"), []
        for held in (self.held, self.held_shuffled):
            with torch.no_grad():
                chances = model.head(model.layer(model.features(held.x))[0]).softmax(-1)
            rows.append(chances.gather(2, held.y[:, None, None].expand(-1, chances.shape[1], 1)).mean((0, 2)))
        return torch.stack(rows).numpy()

    def layers(self) -> Layers:
        """Read the two-layer network from below: which layer knows the class already?"""
        model = self._model("cnn_lstm2")
        fit = self._clips(1024, self._train, generator(self._seed, 13))
        with torch.no_grad():
            seen, held = _states(model, fit.x), _states(model, self.held.x)
        return Layers(*(_read_out(a, fit.y, b, self.held.y) for a, b in zip(seen, held, strict=True)))

    def strips(self) -> Any:
        """The chosen clip as a picture, frames side by side: in order above, shuffled below, (25, T · 12)."""
        rows = [held.x[0].permute(1, 0, 2).flatten(1) for held in (self.held, self.held_shuffled)]
        return torch.cat([rows[0], rows[0].new_zeros(1, rows[0].shape[1]), rows[1]]).numpy()

    def tokens(self, shuffled: bool = False) -> list[str]:
        """The digit's column at each frame."""
        held = self.held_shuffled if shuffled else self.held
        return [f"x={place}" for place in held.places[0].tolist()]

    def subject(self) -> Subject:
        """CNN and LSTM with the features of the chosen clip."""
        model = self._model("cnn_lstm")
        names = CLASSES[self._given[2]]
        with torch.no_grad():
            features = model.features(self.held.x[:1])

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            logits = model.head(output[:, -1])
            loss = float(nn.functional.cross_entropy(logits, self.held.y[:1]))
            chances = logits.softmax(-1)[0].tolist()
            return Answer(loss, [(f"P({name})", p) for name, p in zip(names, chances, strict=True)])

        return Subject(model.layer, features, self.tokens(), answer)


def _chosen(label: Label, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """All digits where the direction is asked for; only 0 and 1 where the digit is."""
    few = y <= 1 if label == "digit" else torch.ones_like(y, dtype=torch.bool)
    return x[few], y[few]


def accuracy(model: nn.Module, held: Clips) -> float:
    """Share of clips whose class is right."""
    with torch.no_grad():
        return float((model(held.x).argmax(1) == held.y).float().mean())


def _lane(name: str, side: int, hidden: int, classes: int, lr: float, seed: int) -> Lane:
    kind = "cnn_lstm" if name == "cnn_lstm_shuffled" else name
    # The shuffled lane starts from the same weights as its twin in order.
    model = build(kind, side, hidden, classes, generator(seed, MODELS.index(kind)))
    parameters: list[Tensor] = list(model.parameters())
    return Lane(name, model, optimiser("adam", parameters, lr), parameters)


def _states(model: CNNThenLSTM, x: Tensor) -> tuple[Tensor, ...]:
    """Mean feature (B, F) and the last hidden state of each layer, (B, H)."""
    features = model.features(x)
    _, _, trace = model.layer(features)
    return features.mean(1), *(part.h[:, -1] for part in trace.parts)


def _read_out(seen: Tensor, y: Tensor, held: Tensor, held_y: Tensor) -> float:
    """Accuracy of a ridge regression on one-hot classes, fitted on `seen` (N, D), judged on `held`."""
    a, b = (np.concatenate([each.double().numpy(), np.ones((len(each), 1))], 1) for each in (seen, held))
    target = np.eye(int(max(y.max(), held_y.max())) + 1)[y.numpy()]
    weight = np.linalg.solve(a.T @ a + 1e-3 * np.eye(a.shape[1]), a.T @ target)
    return float(((b @ weight).argmax(1) == held_y.numpy()).mean())
