"""Sentiment of real Chinese reviews: a character LSTM beside naive Bayes on a bag of characters and pairs.

The reviews (app/network/datasets/reviews.LICENCE.txt) were freed of repeats before they were cut into training and
test parts: in the package they come from, half of all lines are repeats, and splitting first would test on lines that
were learnt. Naive Bayes with add-one smoothing over which characters and pairs occur is the classic baseline.
"""

from __future__ import annotations

import functools
import gzip
import json
import math
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from app.network.ruler import memory_ruler
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

FILE = Path(__file__).parent.parent / "datasets/reviews.json.gz"
TESTED, LONGEST, BATCH, EMBEDDED, RARE, PIECE = 1200, 60, 32, 32, 2, 300


class Review(NamedTuple):
    """A line and whether it is favourable."""

    text: str
    label: int


class Frame(NamedTuple):
    """The learner's sentence: its trace, the memory ruler (2, T), and P(favourable) after each character."""

    trace: Trace
    ruler: Any
    chances: list[float]


class Moment(NamedTuple):
    """After `step` updates; (test accuracy, loss on the test part, loss on the training part) where new."""

    step: int
    measured: tuple[float, float, float] | None
    frame: Frame | None


def features(text: str, order: int) -> set[str]:
    """Characters, and for order 2 pairs of neighbours, that occur in a text."""
    return {text[k : k + n] for n in range(1, order + 1) for k in range(len(text) - n + 1)}


class Bayes:
    """Naive Bayes over which characters (and pairs) occur, add-one smoothing, both classes equally likely."""

    def __init__(self, train: list[Review], order: int) -> None:
        self._order = order
        seen: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        for text, label in train:
            seen[label].update(features(text, order))
        totals = [sum(counts.values()) for counts in seen]
        words = seen[0].keys() | seen[1].keys()
        self._weights = {
            word: math.log((seen[1][word] + 1) / (totals[1] + len(words)))
            - math.log((seen[0][word] + 1) / (totals[0] + len(words)))
            for word in words
        }

    def score(self, text: str) -> float:
        """log P(favourable) − log P(unfavourable); what never occurred counts nothing."""
        return math.fsum(self._weights.get(word, 0.0) for word in sorted(features(text, self._order)))

    def weight(self, word: str) -> float:
        """A character's or pair's own part."""
        return self._weights.get(word, 0.0)

    def accuracy(self, test: list[Review]) -> float:
        """The share of lines with the right sign."""
        return sum((self.score(text) > 0) == bool(label) for text, label in test) / len(test)


class Alphabet:
    """Characters that occur at least RARE times in training, from 1 on; 0 is any other."""

    def __init__(self, train: list[Review]) -> None:
        counts = Counter(char for text, _ in train for char in text)
        self.place = {char: k for k, char in enumerate(sorted(c for c, n in counts.items() if n >= RARE), 1)}

    def encode(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """(B, T) padded with 0, and the lengths (B,); texts are cut at LONGEST."""
        rows = [[self.place.get(char, 0) for char in text[:LONGEST]] for text in texts]
        lengths = torch.tensor([len(row) for row in rows])
        x = torch.zeros(len(rows), int(lengths.max()), dtype=torch.int64)
        for k, row in enumerate(rows):
            x[k, : len(row)] = torch.tensor(row)
        return x, lengths


class Part(NamedTuple):
    """Lines as the network reads them: characters (N, T) padded with 0, lengths (N,), labels (N,) of 0 and 1."""

    x: Tensor
    lengths: Tensor
    labels: Tensor


class Reviews:
    """Lines without repeats; `test` is the file's end, the same for every seed.

    What does not depend on a seed is made once: it takes as long as the training of a short run.
    """

    def __init__(self, train: list[Review], test: list[Review]) -> None:
        self.train, self.test = train, test
        self.alphabet = Alphabet(train)
        self.bags = {"single": Bayes(train, 1), "pairs": Bayes(train, 2)}
        self.of_bags = {name: bag.accuracy(test) for name, bag in self.bags.items()}
        self.seen, self.unseen = self._part(train), self._part(test)

    def _part(self, reviews: list[Review]) -> Part:
        x, lengths = self.alphabet.encode([text for text, _ in reviews])
        return Part(x, lengths, torch.tensor([float(label) for _, label in reviews]))


@functools.cache
def _lines() -> list[Review]:
    held = json.loads(gzip.decompress(FILE.read_bytes()))
    return [Review(text, int(label)) for text, label in zip(held["texts"], held["labels"], strict=True)]


@functools.lru_cache(maxsize=4)
def load(limit: int = 100_000) -> Reviews:
    """All reviews, or the first `limit` of the training part."""
    return Reviews(_lines()[:-TESTED][:limit], _lines()[-TESTED:])


class Sentiment:
    """Embeddings, one LSTM, the mean of its states over the text, one logit. Adam; norm clipped to 1."""

    def __init__(self, data: Reviews, *, own: str, hidden: int, lr: float, dropout: float, seed: int) -> None:
        self._data, self._lr, self._dropout = data, lr, dropout
        source = generator(seed, 1)
        size = len(data.alphabet.place) + 1
        self.embedding = (0.3 * torch.randn(size, EMBEDDED, generator=source)).requires_grad_()
        self.layer = TracedLSTM(EMBEDDED, hidden, init="forget-bias", generator=source)
        self.head: nn.Linear = linear(hidden, 1, source)
        self._parameters: list[Tensor] = [self.embedding, *self.layer.parameters(), *self.head.parameters()]
        self._adam = optimiser("adam", self._parameters, lr)
        self._draws = generator(seed, 2)
        self.tokens = list(own[:LONGEST])
        self._own = data.alphabet.encode([own])[0]

    def _logits(self, x: Tensor, lengths: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B,): the read-out of the mean hidden state over each text's own characters."""
        output, _, _ = self.layer(self.embedding[x], lengths=lengths)
        mean = output.sum(1) / lengths[:, None]
        found: Tensor = self.head(mean if mask is None else mean * mask)[:, 0]
        return found

    def run(self, limit: int, measures: frozenset[int], frames: frozenset[int]) -> Iterator[Moment]:
        """`limit` updates; the learning rate falls linearly to a tenth."""
        (x, lengths, labels), keep = self._data.seen, 1.0 - self._dropout
        for step in range(1, limit + 1):
            rows = torch.randint(0, len(x), (BATCH,), generator=self._draws)
            mask = torch.rand(BATCH, self.layer.hidden_size, generator=self._draws) < keep
            for group in self._adam.param_groups:
                group["lr"] = self._lr * (1.0 - 0.9 * (step - 1) / limit)
            most = int(lengths[rows].max())
            logits = self._logits(x[rows, :most], lengths[rows], mask.float() / keep)
            loss = nn.functional.binary_cross_entropy_with_logits(logits, labels[rows])
            update(loss, self._adam, self._parameters, clip=1.0)
            measured = self.measure() if step in measures or step == limit else None
            yield Moment(step, measured, self._frame() if step in frames else None)

    @torch.no_grad()
    def _judged(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Logits (B,) in pieces of texts about equally long, so that little padding is read."""
        found = torch.empty(len(x))
        for rows in torch.split(lengths.argsort(stable=True), PIECE):
            found[rows] = self._logits(x[rows, : int(lengths[rows].max())], lengths[rows])
        return found

    def measure(self) -> tuple[float, float, float]:
        """(test accuracy, test loss, training loss on as many lines), nothing dropped."""
        (x, lengths, labels), unseen = self._data.seen, self._data.unseen
        logits, n = self._judged(unseen.x, unseen.lengths), len(unseen.x)
        own = self._judged(x[:n], lengths[:n])
        judge = nn.functional.binary_cross_entropy_with_logits
        return self._right(logits), float(judge(logits, unseen.labels)), float(judge(own, labels[:n]))

    def _right(self, logits: Tensor) -> float:
        return float(((logits > 0).float() == self._data.unseen.labels).double().mean())

    def shuffled(self) -> float:
        """Test accuracy with each line's characters in a random order: what is left without order."""
        x, lengths, _ = self._data.unseen
        keys = torch.rand(x.shape, generator=self._draws)
        past = torch.arange(x.shape[1]) >= lengths[:, None]
        return self._right(self._judged(x.gather(1, keys.masked_fill(past, 2.0).argsort(1)), lengths))

    def mistakes(self) -> list[tuple[str, int, float]]:
        """Test lines with their label and P(favourable), the most confidently wrong first."""
        x, lengths, labels = self._data.unseen
        chances = self._judged(x, lengths).sigmoid()
        order = (chances - labels).abs().argsort(descending=True, stable=True).tolist()
        return [(self._data.test[k].text, self._data.test[k].label, float(chances[k])) for k in order]

    @torch.no_grad()
    def _frame(self) -> Frame:
        x = self.embedding[self._own].detach()
        _, _, trace = self.layer(x)
        return Frame(trace, memory_ruler(self.layer, x), self.chances())

    @torch.no_grad()
    def chances(self) -> list[float]:
        """P(favourable) of the learner's sentence as far as it has been read, for every character."""
        output, _, _ = self.layer(self.embedding[self._own])
        so_far = output[0].cumsum(0) / torch.arange(1, output.shape[1] + 1)[:, None]
        found: list[float] = self.head(so_far)[:, 0].sigmoid().tolist()
        return found

    def subject(self) -> Subject:
        """The network on the learner's sentence; the loss is against what it says untouched."""
        label = torch.tensor([float(self.chances()[-1] > 0.5)])
        x = self.embedding[self._own].detach()
        return Subject(self.layer, x, self.tokens, partial(_answer, self.head, label))


def _answer(head: nn.Linear, label: Tensor, output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
    logit = head(output.mean(1))[:, 0]
    loss = float(nn.functional.binary_cross_entropy_with_logits(logit, label))
    return Answer(loss, [("logit", float(logit)), ("P(+)", float(logit.sigmoid()))])
