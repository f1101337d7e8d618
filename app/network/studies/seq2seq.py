"""An LSTM encoder and an LSTM decoder, with attention between them or with the final state alone.

Sequence to sequence after Sutskever, Vinyals & Le (2014), who read the source backwards; attention in Luong's dot form
of what Bahdanau, Cho & Bengio (2015) proposed: a_t = softmax(h_t · E), where E (B, S, H) are the encoder's outputs,
and the read-out sees [h_t ; a_t E]. Without attention the read-out sees [h_t ; 0], so both have as many parameters.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from app.network.cell import step
from app.network.traced import TracedLSTM
from app.network.train import linear, optimiser, update
from app.network.weights import of as weights_of


class Pairs(NamedTuple):
    """Sources x (B, S) padded with 0, their lengths (B,), targets y (B, N) with no padding; all int64."""

    x: Tensor
    lengths: Tensor
    y: Tensor


class Greedy(NamedTuple):
    """What the decoder says by itself: tokens (B, N) and, with attention, its weights (B, N, S)."""

    said: Tensor
    weights: Tensor | None


def padded(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """(B, S) with zeros behind the end, and the lengths (B,)."""
    lengths = torch.tensor([len(row) for row in rows])
    x = torch.zeros(len(rows), int(lengths.max()), dtype=torch.int64)
    for place, row in enumerate(rows):
        x[place, : len(row)] = torch.tensor(row)
    return x, lengths


def backwards(x: Tensor, lengths: Tensor) -> Tensor:
    """Every row read from its own end; padding stays behind."""
    place = torch.arange(x.shape[1])
    index = torch.where(place < lengths[:, None], lengths[:, None] - 1 - place, place)
    return x.gather(1, index)


class Seq2Seq:
    """Source symbols 0 … `inputs` − 1, target symbols 0 … `outputs` − 1; the decoder's first input is 0 of its own.

    Embeddings of `hidden` / 2; all first weights come from `source` alone. Adam, gradient norm clipped to 1.
    """

    def __init__(
        self, inputs: int, outputs: int, *, hidden: int, lr: float, attention: bool, reverse: bool,
        source: torch.Generator,
    ) -> None:  # fmt: skip
        self.attention, self.reverse = attention, reverse
        size = max(2, hidden // 2)
        self.read = torch.randn(inputs, size, generator=source).requires_grad_()
        self.write = torch.randn(outputs + 1, size, generator=source).requires_grad_()
        self.encoder = TracedLSTM(size, hidden, init="forget-bias", generator=source)
        self.decoder = TracedLSTM(size, hidden, init="forget-bias", generator=source)
        self.head: nn.Linear = linear(2 * hidden, outputs, source)
        self.parameters: list[Tensor] = [
            self.read, self.write, *self.encoder.parameters(), *self.decoder.parameters(), *self.head.parameters(),
        ]  # fmt: skip
        self._lr = lr
        self._adam = optimiser("adam", self.parameters, lr)

    def embed(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, S, E) of sources, turned round where this model reads backwards."""
        return self.read[backwards(x, lengths) if self.reverse else x]

    def scores(self, pairs: Pairs) -> Tensor:
        """(B, N, K) with the true target's beginning as input (teacher forcing)."""
        memory, state, _ = self.encoder(self.embed(pairs.x, pairs.lengths), lengths=pairs.lengths)
        return self.forced(memory, state, pairs.y, pairs.lengths)

    def forced(self, memory: Tensor, state: tuple[Tensor, Tensor], y: Tensor, lengths: Tensor) -> Tensor:
        """The same from the encoder's outputs (B, S, H) and final state."""
        before = torch.cat([torch.zeros_like(y[:, :1]), y[:, :-1] + 1], 1)
        h, _, _ = self.decoder(self.write[before], state)
        scores, _ = self._read_out(h, memory, lengths)
        return scores

    def _read_out(self, h: Tensor, memory: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        if not self.attention:
            both = torch.cat([h, torch.zeros_like(h)], -1)
            return self.head(both), None
        likeness = h @ memory.transpose(1, 2)  # (B, N, S)
        past = torch.arange(memory.shape[1]) >= lengths[:, None]
        weights = likeness.masked_fill(past[:, None], float("-inf")).softmax(-1)
        return self.head(torch.cat([h, weights @ memory], -1)), weights

    def learn(self, pairs: Pairs, rate: float = 1.0) -> float:
        """One update on a batch at `rate` times the learning rate; the loss before it."""
        for group in self._adam.param_groups:
            group["lr"] = self._lr * rate
        scores = self.scores(pairs)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), pairs.y.flatten())
        update(loss, self._adam, self.parameters, clip=1.0)
        return float(loss.detach())

    @torch.no_grad()
    def greedy(self, x: Tensor, lengths: Tensor, steps: int) -> Greedy:
        """The likeliest symbol at each of `steps`, fed back. Weights stand in the source's own order."""
        memory, (h_n, c_n), _ = self.encoder(self.embed(x, lengths), lengths=lengths)
        h, c, own = h_n[0], c_n[0], weights_of(self.decoder.lstm, 0)
        now = torch.zeros(len(x), 1, dtype=torch.int64)
        said, seen = [], []
        for _ in range(steps):  # by hand: for a single step the fused kernel's own preparations take longer
            done = step(self.write[now[:, 0]], h, c, own)
            h, c = done.h, done.c
            scores, weights = self._read_out(h[:, None], memory, lengths)
            chosen = scores.argmax(-1)
            said.append(chosen)
            now = chosen + 1
            if weights is not None:
                seen.append(weights)
        looked = None
        if seen:
            looked = torch.cat(seen, 1)
            if self.reverse:
                steps_back = backwards(torch.arange(x.shape[1]).expand(len(x), -1), lengths)
                looked = looked.gather(2, steps_back[:, None].expand_as(looked))
        return Greedy(torch.cat(said, 1), looked)

    def exact(self, pairs: Pairs) -> float:
        """The share of sources whose greedy output is the target to the last symbol."""
        said = self.greedy(pairs.x, pairs.lengths, pairs.y.shape[1]).said
        return float((said == pairs.y).all(1).double().mean())

    @torch.no_grad()
    def loss(self, pairs: Pairs) -> float:
        """Mean cross-entropy of the targets, teacher-forced."""
        return float(nn.functional.cross_entropy(self.scores(pairs).flatten(0, 1), pairs.y.flatten()))
