"""A still picture as a sequence: an LSTM reads it in an imposed order, beside a CNN and a linear model.

Reading pictures line by line or pixel by pixel as a test of recurrent networks: Le, Jaitly & Hinton 2015. A fixed
random order takes away what neighbours tell each other and leaves everything else in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from app.network.ruler import memory_ruler
from app.network.studies.digits import Split, digits
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

Order = Literal["rows", "columns", "upwards", "pixels"]
LANES = ("lstm", "lstm_shuffled", "cnn", "cnn_scrambled", "logistic")
BATCH, EVERY, CLASSES, SOLVED = 64, 20, 10, 0.95
INKS = "·░▒▓█"


def sequence(images: Tensor, order: Order) -> Tensor:
    """(B, 8, 8) → (B, T, I): 8 steps of 8 grey values, or for "pixels" 64 steps of one."""
    if order == "pixels":
        return images.reshape(-1, 64, 1)
    turned = {"rows": images, "columns": images.transpose(1, 2), "upwards": images.flip(1)}
    return turned[order].contiguous()


def picture_of(drawing: str) -> Tensor:
    """(8, 8) in [0, 1] of 64 hexadecimal digits, row by row; 0 is paper, f is ink."""
    return torch.tensor([int(each, 16) / 15 for each in drawing]).view(8, 8)


class Reader(nn.Module):
    """Chrono LSTM over the sequence, optionally in a fixed random order of its steps; classes from h_T."""

    def __init__(
        self, order: Order, hidden: int, source: torch.Generator, permutation: Tensor | None
    ) -> None:
        super().__init__()
        self.order, self.permutation = order, permutation
        steps, inputs = (64, 1) if order == "pixels" else (8, 8)
        self.layer = TracedLSTM(inputs, hidden, init="chrono", chrono_t_max=steps, generator=source)
        self.head = linear(hidden, CLASSES, source)

    def steps(self, images: Tensor) -> Tensor:
        """(B, 8, 8) → (B, T, I) in this reader's order."""
        flow = sequence(images, self.order)
        return flow if self.permutation is None else flow[:, self.permutation]

    def forward(self, images: Tensor) -> Tensor:
        """(B, 8, 8) → logits (B, 10)."""
        logits: Tensor = self.head(self.layer(self.steps(images))[0][:, -1])
        return logits


class SmallCNN(nn.Module):
    """Two 3 × 3 convolutions, each with ReLU and 2 × 2 max pooling, then a linear layer."""

    def __init__(self, source: torch.Generator, permutation: Tensor | None) -> None:
        super().__init__()
        self.permutation = permutation
        self.first = nn.Conv2d(1, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 24, 3, padding=1)
        self.head = nn.Linear(24 * 2 * 2, CLASSES)
        for part in (self.first, self.second, self.head):
            bound = part.weight[0].numel() ** -0.5
            with torch.no_grad():
                for weight in part.parameters():
                    weight.uniform_(-bound, bound, generator=source)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 8, 8) → logits (B, 10)."""
        if self.permutation is not None:
            images = images.flatten(1)[:, self.permutation].view(-1, 8, 8)
        flow = nn.functional.max_pool2d(self.first(images.unsqueeze(1)).relu(), 2)
        flow = nn.functional.max_pool2d(self.second(flow).relu(), 2)
        logits: Tensor = self.head(flow.flatten(1))
        return logits


@dataclass
class Lane:
    """One model of one seed and how far it got: `accuracy` on held-out pictures after the last step measured."""

    name: str
    model: nn.Module
    optimiser: torch.optim.Optimizer
    parameters: list[Tensor]
    accuracy: float = 0.0
    reached: int | None = None  # the first measured step at SOLVED or better

    @property
    def size(self) -> int:
        """How many numbers are trained."""
        return sum(each.numel() for each in self.parameters)


class Frame(NamedTuple):
    """The LSTM on the chosen picture: its trace, its memory ruler (2, T), P(class) after each step (10, T)."""

    trace: Trace
    ruler: Any
    belief: Any


class Moment(NamedTuple):
    """After `step` updates; accuracies are new where `measured`, a frame where one was asked for."""

    step: int
    measured: bool
    frame: Frame | None


class Reading:
    """All lanes of one seed on the same batches. `picture` (8, 8) is the one that is looked at."""

    def __init__(
        self, *, order: Order, split: Split, hidden: int, lr: float, steps: int, seed: int,
        picture: int = 0, drawing: str = "",
    ) -> None:  # fmt: skip
        """`picture` counts the held-out pictures from 0 to 359; a `drawing` of 64 hex digits takes its place."""
        self._data, self._lr, self._steps = digits(split), lr, steps
        self._batches = generator(seed, 9)
        self.lanes = [_lane(name, order, hidden, lr, seed) for name in LANES]
        self.order = order
        self.picture = picture_of(drawing) if drawing else self._data.test_x[picture]
        self.label = None if drawing else int(self._data.test_y[picture])

    @property
    def reader(self) -> Reader:
        """The LSTM in the chosen order."""
        model = self.lanes[0].model
        assert isinstance(model, Reader)
        return model

    def run(self, frames: frozenset[int]) -> Iterator[Moment]:
        """Train; the learning rate falls linearly to 0, for every lane alike."""
        for step in range(1, self._steps + 1):
            pick = torch.randint(0, len(self._data.x), (BATCH,), generator=self._batches)
            x, y = self._data.x[pick], self._data.y[pick]
            for lane in self.lanes:
                lane.optimiser.param_groups[0]["lr"] = self._lr * (1 - (step - 1) / self._steps)
                loss = nn.functional.cross_entropy(lane.model(x), y)
                update(loss, lane.optimiser, lane.parameters, clip=1.0)
            measured = step % EVERY == 0 or step == self._steps
            if measured:
                self._measure(step)
            yield Moment(step, measured, self._frame() if step in frames else None)

    def _measure(self, step: int) -> None:
        for lane in self.lanes:
            lane.accuracy = float((self._guesses(lane) == self._data.test_y).float().mean())
            if lane.reached is None and lane.accuracy >= SOLVED:
                lane.reached = step

    def _guesses(self, lane: Lane) -> Tensor:
        with torch.no_grad():
            guesses: Tensor = lane.model(self._data.test_x).argmax(1)
        return guesses

    def _frame(self) -> Frame:
        x = self.reader.steps(self.picture.unsqueeze(0))
        with torch.no_grad():
            output, _, trace = self.reader.layer(x)
            belief = self.reader.head(output[0]).softmax(-1).T
        return Frame(trace, memory_ruler(self.reader.layer, x), belief.numpy())

    def confusion(self) -> Any:
        """(10, 10): how often the LSTM called a held-out picture of the row's class by the column's."""
        pairs = self._data.test_y * CLASSES + self._guesses(self.lanes[0])
        return torch.bincount(pairs, minlength=CLASSES**2).view(CLASSES, CLASSES).numpy()

    def guesses(self) -> list[tuple[str, int, float]]:
        """(lane, class, its probability) of every lane for the chosen picture."""
        said = []
        for lane in self.lanes:
            with torch.no_grad():
                chances = lane.model(self.picture.unsqueeze(0)).softmax(-1)[0]
            said.append((lane.name, int(chances.argmax()), float(chances.max())))
        return said

    def tokens(self) -> list[str]:
        """What is read at each step, as shades."""
        steps = self.reader.steps(self.picture.unsqueeze(0))[0]
        return ["".join(INKS[min(4, int(value * 5))] for value in step) for step in steps.tolist()]

    def subject(self) -> Subject:
        """The LSTM with the chosen picture. A drawing has no label: its loss is that of the untouched guess."""
        reader, x = self.reader, self.reader.steps(self.picture.unsqueeze(0))
        right = torch.tensor([self.label if self.label is not None else self.guesses()[0][1]])

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            logits = reader.head(output[:, -1])
            loss = float(nn.functional.cross_entropy(logits, right))
            return Answer(loss, [(f"P({k})", p) for k, p in enumerate(logits.softmax(-1)[0].tolist())])

        return Subject(reader.layer, x, self.tokens(), answer)


def _lane(name: str, order: Order, hidden: int, lr: float, seed: int) -> Lane:
    source = generator(seed, LANES.index(name))
    model: nn.Module
    if name == "logistic":
        model = nn.Sequential(nn.Flatten(), linear(64, CLASSES, source))
    elif name.startswith("lstm"):
        steps = 64 if order == "pixels" else 8
        shuffled = torch.randperm(steps, generator=generator(seed, 20)) if name == "lstm_shuffled" else None
        model = Reader(order, hidden, source, shuffled)
    else:
        scrambled = torch.randperm(64, generator=generator(seed, 21)) if name == "cnn_scrambled" else None
        model = SmallCNN(source, scrambled)
    parameters: list[Tensor] = list(model.parameters())
    return Lane(name, model, optimiser("adam", parameters, lr), parameters)
