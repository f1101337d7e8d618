"""What will the visitor do next? Shop sessions from a known chain, counted and learnt.

A session is an entry (how the visitor came) and then actions. The next action depends on the two steps before it; in
the world "long" the one after a checkout depends on the entry instead, however long ago that was. As the chain is
known, so is the best that any model can do. Recurrent session models: Hidasi et al. 2016; that plain counting often
keeps up: Ludewig & Jannach 2018.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from app.network.ruler import memory_ruler
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

World = Literal["long", "order2"]
ENTRIES, ACTIONS = 3, 8  # tokens 0 … 2 are entries, 3 … 10 actions
TOKENS, NOTHING = ENTRIES + ACTIONS, ENTRIES + ACTIONS  # NOTHING stands before the entry
CHECKOUT, AFTER = 4, (5, 6, 7)  # actions: checkout, and what follows it for each entry
SHARPNESS, OBEYED = 2.2, 0.95
EMBEDDED, BATCH, HELD_OUT, EVERY = 16, 64, 500, 20
TRUST = 2.0  # how many observations the shorter context counts for
MODELS = ("popularity", "markov1", "markov2", "right", "lstm", "oracle")
Array = npt.NDArray[Any]


class Score(NamedTuple):
    """HR@1, HR@3 and MRR over all steps, and HR@1 over the steps that follow a checkout (nan where none)."""

    hr1: float
    hr3: float
    mrr: float
    after: float


class Moment(NamedTuple):
    """After `step` updates: the LSTM's HR@1 on held-out sessions where measured, a frame where one is due."""

    step: int
    hr1: float | None
    frame: tuple[Trace, Array] | None


def chain(world: World, seed: int) -> Tensor:
    """P(next action | entry, token before last, last token), (3, 12, 11, 8)."""
    logits = SHARPNESS * torch.randn(TOKENS + 1, TOKENS, ACTIONS, generator=generator(seed, 51))
    table = logits.softmax(-1).expand(ENTRIES, -1, -1, -1).clone()
    if world == "long":
        rest = (1 - OBEYED) / (ACTIONS - 1)
        for entry, action in enumerate(AFTER):
            table[entry, :, ENTRIES + CHECKOUT] = rest
            table[entry, :, ENTRIES + CHECKOUT, action] = OBEYED
    return table


def sessions(table: Tensor, count: int, length: int, source: torch.Generator) -> Tensor:
    """(count, 1 + length) tokens: an entry, then `length` actions drawn from the chain."""
    entry = torch.randint(ENTRIES, (count,), generator=source)
    drawn = [torch.full((count,), NOTHING), entry]
    for _ in range(length):
        chances = table[entry, drawn[-2], drawn[-1]]
        drawn.append(ENTRIES + torch.multinomial(chances, 1, generator=source)[:, 0])
    return torch.stack(drawn[1:], 1)


def shuffled(tokens: Tensor, source: torch.Generator) -> Tensor:
    """The same sessions with the actions of each in random order; the entry stays first."""
    order = torch.rand(tokens.shape[0], tokens.shape[1] - 1, generator=source).argsort(1)
    return torch.cat([tokens[:, :1], tokens[:, 1:].gather(1, order)], 1)


def contexts(tokens: Array) -> tuple[Array, Array, Array]:
    """(entry, token before last, last token) of every prefix, each (N, T) for tokens (N, T)."""
    before = np.concatenate([np.full((len(tokens), 1), NOTHING), tokens[:, :-1]], 1)
    return np.repeat(tokens[:, :1], tokens.shape[1], 1), before, tokens


class Counted:
    """Popularity and Markov models by counting; a longer context leans on the next shorter one where it is thin."""

    def __init__(self, tokens: Array) -> None:
        entry, before, last = contexts(tokens[:, :-1])
        following = tokens[:, 1:] - ENTRIES
        full = np.zeros((ENTRIES, TOKENS + 1, TOKENS, ACTIONS))
        np.add.at(full, (entry, before, last, following), 1.0)
        popular = full.sum((0, 1, 2)) + 1.0
        self._popularity = popular / popular.sum()
        self._first = _leaning(full.sum((0, 1)), self._popularity)
        self._second = _leaning(full.sum(0), self._first)
        self._right = _leaning(full, self._second)

    def predict(self, model: str, tokens: Array) -> Array:
        """P(next action) after every prefix of tokens (N, T): (N, T, 8). "right" knows the entry too."""
        entry, before, last = contexts(tokens)
        if model == "popularity":
            return np.broadcast_to(self._popularity, (*tokens.shape, ACTIONS))
        if model == "markov1":
            return np.asarray(self._first[last])
        if model == "markov2":
            return np.asarray(self._second[before, last])
        return np.asarray(self._right[entry, before, last])


def _leaning(counts: Array, shorter: Array) -> Array:
    return np.asarray((counts + TRUST * shorter) / (counts.sum(-1, keepdims=True) + TRUST))


def score(chances: Array, tokens: Array) -> Score:
    """Rank the true next action among all eight by its probability (N, T, 8); ties count against the model."""
    following = tokens[:, 1:] - ENTRIES
    true = np.take_along_axis(chances, following[..., None], -1)
    rank = (chances >= true).sum(-1)
    paid = rank[tokens[:, :-1] == ENTRIES + CHECKOUT]
    after = float((paid == 1).mean()) if paid.size else float("nan")
    return Score(float((rank == 1).mean()), float((rank <= 3).mean()), float((1 / rank).mean()), after)


class Shop:
    """One seed: its chain, its sessions, the counted models and an LSTM. `own` is a session to look at."""

    def __init__(
        self, world: World, *, count: int, length: int, hidden: int, lr: float, mixed: bool, seed: int,
        own: Sequence[int],
    ) -> None:  # fmt: skip
        self.table = chain(world, seed)
        self._data = sessions(self.table, count, length, generator(seed, 52))
        if mixed:
            self._data = shuffled(self._data, generator(seed, 53))
        self._held = sessions(self.table, HELD_OUT, length, generator(seed, 54))
        self._counted = Counted(self._data.numpy())
        source = generator(seed, 55)
        self._embedding = torch.empty(TOKENS, EMBEDDED).normal_(generator=source).requires_grad_()
        self._layer = TracedLSTM(EMBEDDED, hidden, init="forget-bias", forget_bias=1.0, generator=source)
        self._head = linear(hidden, ACTIONS, source)
        self._parameters = [self._embedding, *self._layer.parameters(), *self._head.parameters()]
        self._optimiser = optimiser("adam", self._parameters, lr)
        self._batches = generator(seed, 56)
        self._own = torch.tensor([list(own)])

    def train(self, steps: int, frames: frozenset[int]) -> Iterator[Moment]:
        """Up to `steps` updates on batches drawn from the training sessions."""
        for step in range(1, steps + 1):
            rows = self._data[torch.randint(len(self._data), (BATCH,), generator=self._batches)]
            logits = self._logits(rows[:, :-1])
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten() - ENTRIES)
            update(loss, self._optimiser, self._parameters, clip=1.0)
            due = step % EVERY == 0 or step == steps
            hr1 = self.score("lstm").hr1 if due else None
            yield Moment(step, hr1, self._frame() if step in frames else None)

    def _logits(self, tokens: Tensor) -> Tensor:
        """(B, T, 8) after every prefix."""
        logits: Tensor = self._head(self._layer(self._embedding[tokens])[0])
        return logits

    def predict(self, model: str, tokens: Tensor) -> Array:
        """P(next action) after every prefix of tokens (N, T): (N, T, 8)."""
        if model == "lstm":
            with torch.no_grad():
                return self._logits(tokens).softmax(-1).numpy()
        if model == "oracle":
            entry, before, last = (torch.tensor(each) for each in contexts(tokens.numpy()))
            return self.table[entry, before, last].numpy()
        return self._counted.predict(model, tokens.numpy())

    def score(self, model: str) -> Score:
        """A model on the held-out sessions."""
        return score(self.predict(model, self._held[:, :-1]), self._held.numpy())

    def own(self, model: str) -> Array:
        """P(next action) (8,) at the end of the learner's own session."""
        return np.asarray(self.predict(model, self._own)[0, -1])

    def _frame(self) -> tuple[Trace, Array]:
        with torch.no_grad():
            x = self._embedding[self._own]
            _, _, trace = self._layer(x)
        return trace, memory_ruler(self._layer, x)

    def subject(self, names: Sequence[str], tokens: list[str]) -> Subject:
        """The LSTM with the own session; the loss is its cross-entropy against the chain's own next action."""
        truth = torch.tensor(self.own("oracle"))

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            logged = self._head(output[0, -1]).log_softmax(-1)
            rows = [(f"P({name})", float(p)) for name, p in zip(names, logged.exp(), strict=True)]
            return Answer(float(-(truth * logged).sum()), rows)

        return Subject(self._layer, self._embedding[self._own].detach(), tokens, answer)
