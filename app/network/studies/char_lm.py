"""A character language model: next-character training, perplexity beside n-gram models, sampling, a free run.

Perplexity is the exponential of the mean cross-entropy of the next character (natural logarithm). Graves (2013) for
generation by prediction; Holtzman et al. (2020) for top-p; Khandelwal et al. (2018) for how much context is used.
"""

from __future__ import annotations

import functools
import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from app.network.data import one_hot
from app.network.ruler import memory_ruler
from app.network.streaming import StreamingLSTM
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

Array = npt.NDArray[Any]
FOLDER = Path(__file__).parent.parent / "datasets"
BATCH, WINDOW, ROWS = 32, 40, 8  # training windows; the held-out text is read in ROWS pieces
PASSAGE, SAMPLE = 28, 120  # characters whose gates are shown; characters of a sample
HELD_OUT, MOST_HELD_OUT = 10, 4000  # one character in ten, at the end; at most so many
ALPHABET, STRANGE = 600, "□"  # rarer characters than the ALPHABET most frequent are read as STRANGE
PREFIX = 32  # true characters before a free run
CONTEXTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
SMOOTHING = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
NEAR = 1.02  # a context is long enough where perplexity is within 2 % of the longest one's


class Corpus(NamedTuple):
    """A text as class indexes: `train` and `held` (N,) int64 over `alphabet`."""

    alphabet: list[str]
    train: Tensor
    held: Tensor


class Choice(NamedTuple):
    """How the next character is chosen: temperature (0 is greedy), the top k (0: all), the top share p (1: all)."""

    temperature: float
    k: int = 0
    p: float = 1.0


class Sample(NamedTuple):
    """Generated text and the watched unit's tanh(c) after each character, both as long as the text."""

    text: str
    values: list[float]
    unit: int


class Moment(NamedTuple):
    """After `step` updates; perplexity on held-out text where it is new; a frame where one is due."""

    step: int
    perplexity: float | None
    frame: tuple[Trace, Any, Sample] | None


def read(name: str, own: str = "") -> str:
    """The text of a corpus: names, sonnets, tang, or `own`."""
    if name == "own":
        return own
    texts: dict[str, str] = json.loads((FOLDER / "texts.json").read_text(encoding="utf-8"))
    return texts[name]


def corpus(text: str) -> Corpus:
    """Cut by position: the end is held out. The alphabet is the whole text's, for all models alike."""
    common = sorted(char for char, _ in Counter(text).most_common(ALPHABET))
    alphabet = [*common, STRANGE] if len(set(text)) > ALPHABET else common
    place = {char: k for k, char in enumerate(alphabet)}
    index = torch.tensor([place.get(char, len(alphabet) - 1) for char in text])
    held = min(MOST_HELD_OUT, len(text) // HELD_OUT)
    return Corpus(alphabet, index[:-held], index[-held:])


def grams(data: Corpus) -> tuple[float, float, float]:
    """Held-out perplexity of a unigram, a bigram and a trigram model.

    Each is smoothed towards the next shorter: (count + β·V·q) / (total + β·V); β is the best of SMOOTHING on the
    held-out text itself, a favour to the baselines.
    """
    size = len(data.alphabet)
    train, held = data.train.tolist(), data.held.tolist()
    below: dict[tuple[int, ...], float] = {}
    found = []
    for order in (1, 2, 3):
        counts = Counter(tuple(train[k : k + order]) for k in range(len(train) - order + 1))
        totals: Counter[tuple[int, ...]] = Counter()
        for gram, n in counts.items():
            totals[gram[:-1]] += n
        seen = [tuple(held[max(0, k + 1 - order) : k + 1]) for k in range(2, len(held))]
        best: tuple[float, dict[tuple[int, ...], float]] = (math.inf, {})
        for beta in SMOOTHING:
            chance = {
                gram: (counts[gram] + beta * size * below.get(gram[1:], 1 / size))
                / (totals[gram[:-1]] + beta * size)
                for gram in set(seen)
            }
            loss = -sum(math.log(chance[gram]) for gram in seen) / len(seen)
            best = min(best, (loss, chance), key=lambda each: each[0])
        found.append(math.exp(best[0]))
        below = best[1]
    return found[0], found[1], found[2]


class CharLM:
    """One LSTM over one-hot characters with a linear read-out, Adam, windows drawn anywhere in the text."""

    def __init__(self, data: Corpus, *, hidden: int, lr: float, seed: int) -> None:
        self.data, self._lr = data, lr
        size, source = len(data.alphabet), generator(seed, 1)
        self.layer = TracedLSTM(size, hidden, init="forget-bias", generator=source)
        self.head = linear(hidden, size, source)
        self._parameters: list[Tensor] = [*self.layer.parameters(), *self.head.parameters()]
        self._adam = optimiser("adam", self._parameters, lr)
        self._draws, self._seed = generator(seed, 2), seed
        self.passage = data.held[: PASSAGE + 1]
        self.tokens = [shown(data.alphabet[k]) for k in self.passage[:-1].tolist()]

    def run(
        self, limit: int, measures: frozenset[int], frames: frozenset[int], unit: int
    ) -> Iterator[Moment]:
        """`limit` updates; perplexity after those in `measures`, a frame with a sample after those in `frames`.

        The learning rate falls linearly to a tenth. `unit` is watched in samples; below 0 it is `follower()`.
        """
        train, size = self.data.train, len(self.data.alphabet)
        window = min(WINDOW, len(train) - 2)
        reach = torch.arange(window + 1)
        for step in range(1, limit + 1):
            starts = torch.randint(0, len(train) - window, (BATCH,), generator=self._draws)
            rows = train[starts[:, None] + reach]
            for group in self._adam.param_groups:
                group["lr"] = self._lr * (1.0 - 0.9 * (step - 1) / limit)
            scores = self.head(self.layer(one_hot(rows[:, :-1], size))[0])
            loss = nn.functional.cross_entropy(scores.reshape(-1, size), rows[:, 1:].reshape(-1))
            update(loss, self._adam, self._parameters, clip=1.0)
            measured = self.perplexity() if step in measures or step == limit else None
            yield Moment(step, measured, self._frame(step, unit) if step in frames else None)

    def _frame(self, step: int, unit: int) -> tuple[Trace, Any, Sample]:
        x = one_hot(self.passage[None, :-1], len(self.data.alphabet))
        with torch.no_grad():
            _, _, trace = self.layer(x)
        watched = self.follower() if unit < 0 else unit
        sample = self.sample(SAMPLE, Choice(0.8), generator(self._seed, 3, step), watched)
        return trace, memory_ruler(self.layer, x), sample

    def perplexity(self) -> float:
        """On the held-out text, read in ROWS pieces from the zero state."""
        held, size = self.data.held, len(self.data.alphabet)
        length = (len(held) - 1) // ROWS
        x = torch.stack([held[k * length : (k + 1) * length + 1] for k in range(ROWS)])
        with torch.no_grad():
            scores = self.head(self.layer(one_hot(x[:, :-1], size))[0])
            loss = nn.functional.cross_entropy(scores.reshape(-1, size), x[:, 1:].reshape(-1))
        return math.exp(float(loss))

    def contexts(self) -> list[tuple[int, float]]:
        """(k, perplexity) where the model sees the last k characters only; the same targets for every k."""
        held, size = self.data.held, len(self.data.alphabet)
        longest = min(CONTEXTS[-1], len(held) // 2)
        ends = torch.arange(longest, len(held), max(1, (len(held) - longest) // 400))
        found = []
        for k in (each for each in CONTEXTS if each <= longest):
            x = held[ends[:, None] - k + torch.arange(k)]
            with torch.no_grad():
                scores = self.head(self.layer(one_hot(x, size))[0][:, -1])
                loss = nn.functional.cross_entropy(scores, held[ends])
            found.append((k, math.exp(float(loss))))
        return found

    def free_run(self, steps: int, starts: int = 200) -> tuple[Array, Array]:
        """Share of wrong characters at each of `steps` places after PREFIX true ones, each (steps,).

        First: greedy with the true text as input (teacher forcing). Second: greedy with its own output as input.
        """
        held, size = self.data.held, len(self.data.alphabet)
        room = len(held) - PREFIX - steps
        places = torch.arange(0, room + 1, max(1, room // starts))
        rows = held[places[:, None] + torch.arange(PREFIX + steps)]
        true = rows[:, PREFIX:]
        with torch.no_grad():
            said = self.head(self.layer(one_hot(rows[:, :-1], size))[0]).argmax(-1)[:, PREFIX - 1 :]
            _, state, _ = self.layer(one_hot(rows[:, : PREFIX - 1], size))
            now, own = rows[:, PREFIX - 1], []
            for _ in range(steps):
                out, state, _ = self.layer(one_hot(now[:, None], size), state)
                now = self.head(out[:, -1]).argmax(-1)
                own.append(now)
        forced = (said != true).double().mean(0)
        free = (torch.stack(own, 1) != true).double().mean(0)
        return np.asarray(forced), np.asarray(free)

    def follower(self) -> int:
        """The unit whose tanh(c) goes along best with the place in the line, over a piece of held-out text."""
        piece = self.data.held[:1000]
        breaks = [self.data.alphabet[k] == "\n" for k in piece.tolist()]
        place, seen = 0, []
        for is_break in breaks:
            place = 0 if is_break else place + 1
            seen.append(place)
        with torch.no_grad():
            _, _, trace = self.layer(one_hot(piece[None], len(self.data.alphabet)))
        c = np.tanh(np.asarray(trace.c[0, 0].double()))
        c, wanted = c - c.mean(0), np.array(seen, float) - np.mean(seen)
        return int(np.abs(wanted @ c / (np.sqrt((c**2).sum(0)) + 1e-9)).argmax())

    def sample(self, length: int, choice: Choice, source: torch.Generator, unit: int = 0) -> Sample:
        """Text of `length` characters from the zero state, after a line break where the alphabet has one."""
        alphabet = self.data.alphabet
        stream = StreamingLSTM(self.layer)
        weight, bias = (np.asarray(each.detach()) for each in (self.head.weight, self.head.bias))
        token = alphabet.index("\n") if "\n" in alphabet else int(self.data.held[0])
        draws = torch.rand(length, generator=source, dtype=torch.float64).tolist()
        chars, values = [], []
        for draw in draws:
            token = pick(weight @ stream.step_token(token) + bias, choice, draw)
            chars.append(alphabet[token])
            values.append(float(np.tanh(stream.c[unit])))
        return Sample("".join(chars), values, unit)

    def subject(self) -> Subject:
        """The network with the passage, to be operated on; judged on every next character."""
        size = len(self.data.alphabet)
        x, y = one_hot(self.passage[None, :-1], size), self.passage[1:]

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            scores = self.head(output[0])
            loss = float(nn.functional.cross_entropy(scores, y))
            right = float((scores.argmax(-1) == y).float().mean())
            chance = scores.softmax(-1)[torch.arange(len(y)), y]
            late = float(chance[-10:].mean())
            return Answer(
                loss, [("perplexity", math.exp(loss)), ("accuracy", right), ("P(true), last 10", late)]
            )

        return Subject(self.layer, x, self.tokens, answer)


def pick(scores: Array, choice: Choice, draw: float) -> int:
    """The index chosen from scores (V,) with `draw` in [0, 1): softmax at the temperature, cut, drawn."""
    if choice.temperature <= 0:
        return int(scores.argmax())
    scaled = scores.astype(np.float64) / choice.temperature
    chances = np.exp(scaled - scaled.max())
    chances /= chances.sum()
    order = np.argsort(-chances, kind="stable")
    kept = chances[order]
    if choice.k:
        kept[choice.k :] = 0.0
    if choice.p < 1:
        kept[1:][np.cumsum(kept)[:-1] >= choice.p * kept.sum()] = 0.0
    return int(order[min(int(np.searchsorted(np.cumsum(kept), draw * kept.sum(), "right")), len(kept) - 1)])


def shown(char: str) -> str:
    """A character as a token that can be seen."""
    return {"\n": "↵", " ": "␣"}.get(char, char)


def distinct(text: str, n: int = 4) -> float:
    """The share of n-grams of a text that are different ones."""
    every = [text[k : k + n] for k in range(len(text) - n + 1)]
    return len(set(every)) / max(1, len(every))


def known(text: str, corpus_text: str, n: int = 4) -> float:
    """The share of a text's n-grams that occur in the corpus."""
    every = [text[k : k + n] for k in range(len(text) - n + 1)]
    return sum(each in _occurring(corpus_text, n) for each in every) / max(1, len(every))


@functools.lru_cache(maxsize=4)
def _occurring(text: str, n: int) -> frozenset[str]:
    return frozenset(text[k : k + n] for k in range(len(text) - n + 1))
