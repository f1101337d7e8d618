"""Heads on frozen token features of a BERT-type encoder: what does an LSTM on top add?

The feature-based use of BERT puts a BiLSTM on frozen vectors (Devlin et al. 2019, section 5.3). Here four heads read
the same vectors of short sentences: linear on their mean, linear on the first token, LSTM, BiLSTM; and as a control two
of them read context-free word vectors, and an LSTM reads the contextual ones in shuffled order.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from app.network.ruler import memory_ruler
from app.network.studies.minilm import installed
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

TASKS = ("acts", "kind", "verb")
LANES = ("mean", "first", "lstm", "bilstm", "shuffled", "mean_words", "lstm_words")
SIZE, BATCH, HELD_VERBS, SOLVED = 72, 32, 2, 0.9  # held-out verbs of each of the two kinds
MARGIN = 0.02  # two of 96 sentences: less is no difference
LINEAR_PACE = 5.0  # the linear heads learn best at a higher rate: a small search, see the demo's words
_FILE = Path(__file__).resolve().parent.parent / "datasets" / "bert.npz"


class Sentences(NamedTuple):
    """contextual and plain (N, T, 72), zero past `lengths` (N,); labels (N, 3) over TASKS; verbs (N,); pieces."""

    contextual: Tensor
    plain: Tensor
    lengths: Tensor
    labels: Tensor
    verbs: Tensor
    pieces: list[list[str]]
    kept: float  # share of variance that the projection to 72 numbers keeps


@functools.cache
def corpus() -> Sentences:
    """The 384 sentences that ship."""
    with np.load(_FILE) as file:
        kept = {name: file[name] for name in file.files}
    contextual = torch.from_numpy(kept["low"] + kept["step"] * kept["features"].astype(np.float32))
    plain = torch.from_numpy(kept["words"].astype(np.float32))[kept["ids"].astype(np.int64)]
    lengths = [int(n) for n in kept["lengths"]]
    names = kept["pieces"][kept["ids"]].tolist()
    ends = np.cumsum(lengths)
    labels = torch.from_numpy(kept["labels"].astype(np.int64))[:, [0, 2, 1]]  # stored as acts, verb, kind
    return Sentences(
        _padded(contextual, lengths), _padded(plain, lengths), torch.tensor(lengths), labels,
        torch.from_numpy(kept["verbs"].astype(np.int64)),
        [names[end - n : end] for end, n in zip(ends, lengths, strict=True)], float(kept["kept"]),
    )  # fmt: skip


def encode(text: str) -> tuple[list[str], Tensor] | None:
    """(pieces, features (1, T, 72)) of another sentence; None where the encoder is not installed."""
    encoder = installed()
    if encoder is None:
        return None
    found = encoder(text)
    with np.load(_FILE) as file:
        basis, mean = torch.from_numpy(file["basis"].astype(np.float32)), torch.from_numpy(file["mean"])
        scale = float(file["scale"])
    return found.pieces, ((found.contextual - mean) @ basis / scale).unsqueeze(0)


class Head(nn.Module):
    """One of LANES: x (B, T, 72) and lengths (B,) → logits (B, 2)."""

    def __init__(self, lane: str, hidden: int, source: torch.Generator) -> None:
        super().__init__()
        self.kind = lane.removesuffix("_words").replace("shuffled", "lstm")
        self.layer: TracedLSTM | None = None
        self.back: TracedLSTM | None = None
        width = SIZE
        if self.kind in ("lstm", "bilstm"):
            self.layer = TracedLSTM(SIZE, hidden, init="forget-bias", generator=source)
            width = hidden
        if self.kind == "bilstm":
            self.back = TracedLSTM(SIZE, hidden, init="forget-bias", generator=source)
            width = 2 * hidden
        self.head = linear(width, 2, source)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The mean and the LSTMs see the valid tokens only."""
        if self.kind == "first":
            read = x[:, 0]
        elif self.layer is None:
            read = x.sum(1) / lengths[:, None]
        else:
            read = self.layer(x, lengths=lengths)[1][0][-1]
            if self.back is not None:
                read = torch.cat([read, self.back(turned(x, lengths), lengths=lengths)[1][0][-1]], -1)
        logits: Tensor = self.head(read)
        return logits

    def work(self, tokens: float) -> float:
        """Multiply-adds for a sentence of so many tokens, the linear layer's included."""
        matrices = [
            weight.numel()
            for layer in (self.layer, self.back)
            if layer is not None
            for weight in layer.parameters()
            if weight.dim() == 2
        ]
        return tokens * sum(matrices) + self.head.weight.numel()


def turned(x: Tensor, lengths: Tensor) -> Tensor:
    """Each sequence back to front within its own length."""
    place = torch.arange(x.shape[1])
    at = torch.where(place < lengths[:, None], lengths[:, None] - 1 - place, place)
    return x.gather(1, at.unsqueeze(-1).expand_as(x))


def shuffled(x: Tensor, lengths: Tensor, source: torch.Generator) -> Tensor:
    """Each sequence's valid steps in a random order of its own."""
    keys = torch.rand(x.shape[:2], generator=source) + 2 * (torch.arange(x.shape[1]) >= lengths[:, None])
    return x.gather(1, keys.argsort(1).unsqueeze(-1).expand_as(x))


@dataclass
class Lane:
    """One head of one seed; `course` holds (step, accuracy on sentences with unseen verbs)."""

    name: str
    model: Head
    optimiser: torch.optim.Optimizer
    parameters: list[Tensor]
    course: list[tuple[int, float]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many numbers are trained."""
        return sum(each.numel() for each in self.parameters)

    @property
    def accuracy(self) -> float:
        """After the last step."""
        return self.course[-1][1]

    @property
    def solved_at(self) -> int | None:
        """The first measured step at SOLVED or better."""
        return next((step for step, accuracy in self.course if accuracy >= SOLVED), None)


class Frame(NamedTuple):
    """The LSTM head on one sentence: trace, memory ruler (2, T), P(label 1) after each token (T,)."""

    trace: Trace
    ruler: Any
    belief: list[float]


class Heads:
    """All heads of one seed on the same batches. Which verbs are held out depends on the seed."""

    def __init__(
        self, *, task: str, hidden: int, lr: float, steps: int, examples: int, seed: int, shown: int = 0
    ) -> None:
        """`examples` sentences train; `shown` counts the held-out sentences, from 0, and is looked at."""
        self._data, self._lr, self._steps = corpus(), lr, steps
        self._y = self._data.labels[:, TASKS.index(task)]
        cut = generator(seed, 80)
        pick = [torch.randperm(8, generator=cut)[:HELD_VERBS] + 8 * kind for kind in range(2)]
        held = torch.isin(self._data.verbs, torch.cat(pick))
        self.test = torch.where(held)[0]
        train = torch.where(~held)[0]
        self.train = train[torch.randperm(len(train), generator=cut)[:examples]]
        self._batches = generator(seed, 81)
        mixed = shuffled(self._data.contextual, self._data.lengths, generator(seed, 82))
        self._inputs = {"shuffled": mixed, "mean_words": self._data.plain, "lstm_words": self._data.plain}
        self.lanes = [_lane(name, hidden, lr, seed) for name in LANES]
        self.shown = int(self.test[shown % len(self.test)])

    def run(self, every: int) -> Iterator[int]:
        """Train and yield the step; accuracies are measured each `every` steps. The rate falls to a tenth."""
        for step in range(1, self._steps + 1):
            pick = self.train[torch.randint(0, len(self.train), (BATCH,), generator=self._batches)]
            for lane in self.lanes:
                rate = self._lr * (1 if lane.model.layer else LINEAR_PACE)
                lane.optimiser.param_groups[0]["lr"] = rate * (1 - 0.9 * (step - 1) / self._steps)
                loss = nn.functional.cross_entropy(self._logits(lane, pick), self._y[pick])
                update(loss, lane.optimiser, lane.parameters, clip=1.0)
            if step % every == 0 or step == self._steps:
                for lane in self.lanes:
                    lane.course.append((step, self.accuracy(lane, self.test)))
            yield step

    def accuracy(self, lane: Lane, which: Tensor) -> float:
        """The share of these sentences that a head gets right."""
        with torch.no_grad():
            return float((self._logits(lane, which).argmax(1) == self._y[which]).float().mean())

    def _logits(self, lane: Lane, which: Tensor) -> Tensor:
        x = self._inputs.get(lane.name, self._data.contextual)[which]
        logits: Tensor = lane.model(x, self._data.lengths[which])
        return logits

    def milliseconds(self, lane: Lane, passes: int = 20) -> float:
        """CPU time of one sentence through the head alone, batch of one: the best of some passes."""
        best = float("inf")
        with torch.no_grad():
            for _ in range(passes):
                start = time.process_time()
                self._logits(lane, self.test[:1])
                best = min(best, time.process_time() - start)
        return 1000 * best

    def work(self, lane: Lane) -> float:
        """Multiply-adds of a head for a sentence of mean length."""
        return lane.model.work(float(self._data.lengths.float().mean()))

    def sentence(self) -> tuple[list[str], Tensor, int]:
        """(pieces, features (1, T, 72), label) of the sentence that is looked at."""
        size = int(self._data.lengths[self.shown])
        return (
            self._data.pieces[self.shown],
            self._data.contextual[self.shown, None, :size],
            int(self._y[self.shown]),
        )

    def said(self, x: Tensor) -> list[tuple[str, float]]:
        """(lane, P(label 1)) of the heads on contextual features for one sentence (1, T, 72)."""
        ends = torch.tensor([x.shape[1]])
        with torch.no_grad():
            return [(lane.name, float(lane.model(x, ends).softmax(-1)[0, 1])) for lane in self.lanes[:4]]

    def frame(self, x: Tensor) -> Frame:
        """The LSTM head on one sentence."""
        model = self._reader()
        assert model.layer is not None
        with torch.no_grad():
            output, _, trace = model.layer(x)
            belief: list[float] = model.head(output[0]).softmax(-1)[:, 1].tolist()
        return Frame(trace, memory_ruler(model.layer, x), belief)

    def subject(self, pieces: list[str], x: Tensor, label: int) -> Subject:
        """The LSTM head with one sentence, to be operated on."""
        model = self._reader()
        assert model.layer is not None

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            logits = model.head(output[:, -1])
            loss = float(nn.functional.cross_entropy(logits, torch.tensor([label])))
            return Answer(loss, [("P(1)", float(logits.softmax(-1)[0, 1])), ("y", float(label))])

        return Subject(model.layer, x, pieces, answer)

    def _reader(self) -> Head:
        return self.lanes[LANES.index("lstm")].model


class Comparison(NamedTuple):
    """Accuracies of two lanes over seeds: the mean difference first − second, and in how many seeds the first is better
    by more than MARGIN, and in how many it is not worse by more than MARGIN."""

    gain: float
    better: int
    level: int


def compare(first: list[float], second: list[float]) -> Comparison:
    """Seed by seed."""
    gaps = [one - two for one, two in zip(first, second, strict=True)]
    better, level = sum(gap > MARGIN for gap in gaps), sum(gap >= -MARGIN for gap in gaps)
    return Comparison(sum(gaps) / len(gaps), better, level)


def _lane(name: str, hidden: int, lr: float, seed: int) -> Lane:
    model = Head(name, hidden, generator(seed, 83, LANES.index(name)))
    parameters: list[Tensor] = list(model.parameters())
    return Lane(name, model, optimiser("adam", parameters, lr), parameters)


def _padded(rows: Tensor, lengths: list[int]) -> Tensor:
    """(N, longest, 72) of all tokens one after the other."""
    return nn.utils.rnn.pad_sequence(list(torch.split(rows, lengths)), batch_first=True)
