"""Where dropout goes in a recurrent layer: four placements on one recall task, trained side by side.

A symbol is shown at the first step and asked for at the last. One mask for the whole sequence on h: Gal & Ghahramani
2016. A mask on the candidate g: Semeniuta et al. 2016. A fresh mask on the cell state at every step: what not to do.
All models run as one batch of models, since a loop over steps costs the same for one as for many.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from app.network.data import recall
from app.network.train import advance, generator, linear
from app.network.weights import build, of

PLACES = ("nowhere", "h_locked", "h_step", "g_step", "c_step")
CLASSES, CHANCE = 4, 0.25
BATCH, HELD_OUT, EVERY, FORGET_BIAS, LR = 24, 200, 20, 3.0, 0.01


class Recalled(NamedTuple):
    """Accuracy (places, seeds) on unseen sequences after `step` updates; empty where it was not measured."""

    step: int
    accuracy: list[list[float]]


class Dropping:
    """Every placement of every seed; those of a seed share first weights, batches and the draws of masks."""

    def __init__(self, *, steps: int, hidden: int, rate: float, seed: int, seeds: int) -> None:
        self._hidden, self._rate, self._seeds = hidden, rate, seeds
        self._data = [generator(seed + k, 72) for k in range(seeds)]
        self._masks = [generator(seed + k, 73) for k in range(seeds)]
        self._steps = steps
        held = [recall(HELD_OUT, steps, generator(seed + k, 74)) for k in range(seeds)]
        self._held = self._spread([b.x for b in held]), self._spread([b.y for b in held])
        self._parameters = self._weights(seed)
        self._optimiser = torch.optim.Adam(self._parameters, lr=LR)

    def _spread(self, each: list[Tensor]) -> Tensor:
        """(places · seeds, …) of one tensor a seed."""
        return torch.stack(each).repeat(len(PLACES), *(1,) * each[0].dim())

    def _weights(self, seed: int) -> list[Tensor]:
        """w_ih, w_hh, bias, head and its bias of all models, drawn as nn.LSTM and nn.Linear are.

        The gates stand in the order i, f, o, g, so that one sigmoid does for three of them.
        """
        drawn: list[list[Tensor]] = []
        for k in range(self._seeds):
            source = generator(seed + k, 71)
            lstm = build(nn.LSTM, CLASSES + 1, self._hidden, 1, bias=True, generator=source)
            w_ih, w_hh, b_ih, b_hh = of(lstm, 0)
            assert b_ih is not None
            assert b_hh is not None
            bias = (b_ih + b_hh).detach().clone()
            bias[self._hidden : 2 * self._hidden] = FORGET_BIAS
            head = linear(self._hidden, CLASSES, source)
            order = torch.arange(4 * self._hidden).view(4, -1)[[0, 1, 3, 2]].flatten()
            drawn.append([w_ih[order].T, w_hh[order].T, bias[order][None], head.weight.T, head.bias[None]])
        return [
            self._spread([each[n].detach() for each in drawn]).contiguous().requires_grad_() for n in range(5)
        ]

    def _logits(self, x: Tensor, *, training: bool) -> Tensor:
        """(M, B, 4) of x (M, B, T, 5)."""
        w_ih, w_hh, bias, head, head_bias = self._parameters
        models, batch, steps, inputs = x.shape
        wide = torch.baddbmm(bias, x.reshape(models, batch * steps, inputs), w_ih)
        wide = wide.view(models, batch, steps, 4 * self._hidden)
        h = c = x.new_zeros(models, batch, self._hidden)
        masks = self._drawn(batch, steps) if training else None
        for t in range(steps):
            z = torch.baddbmm(wide[:, :, t], h, w_hh)
            i, f, o = z[..., : 3 * self._hidden].sigmoid().chunk(3, -1)
            g = z[..., 3 * self._hidden :].tanh()
            if masks is None:
                c = f * c + i * g
                h = o * c.tanh()
            else:
                c = (f * c + i * (g * masks["g"][t])) * masks["c"][t]
                h = o * c.tanh() * masks["h"][t]
        return torch.baddbmm(head_bias, h, head)

    def _drawn(self, batch: int, steps: int) -> dict[str, Tensor]:
        """What h, g and c are multiplied by: (T, M, B, H), 0 where dropped, 1/(1 − p) where kept, else 1."""
        each = [torch.rand(1 + steps, batch, self._hidden, generator=source) for source in self._masks]
        drawn = (torch.stack(each, 1) >= self._rate).float() / (1 - self._rate)  # (1 + T, seeds, B, H)
        locked, fresh = drawn[:1].expand(steps, -1, -1, -1), drawn[1:]
        plain = torch.ones_like(fresh)
        return {
            "h": torch.cat([plain, locked, fresh, plain, plain], 1),
            "g": torch.cat([plain, plain, plain, fresh, plain], 1),
            "c": torch.cat([plain, plain, plain, plain, fresh], 1),
        }

    def train(self, updates: int) -> Iterator[Recalled]:
        """All models together; norm clipping at 1 for each on its own."""
        for step in range(1, updates + 1):
            batches = [recall(BATCH, self._steps, source) for source in self._data]
            x, y = self._spread([b.x for b in batches]), self._spread([b.y for b in batches])
            logits = self._logits(x, training=True)
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum") / BATCH
            for parameter in self._parameters:
                parameter.grad = None
            loss.backward()  # type: ignore[no-untyped-call]
            self._clip()
            advance(self._optimiser)
            yield Recalled(step, self._accuracy() if step % EVERY == 0 or step == updates else [])

    def _clip(self) -> None:
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        norm = torch.stack([g.flatten(1).pow(2).sum(1) for g in gradients]).sum(0).sqrt()
        scale = (1.0 / (norm + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(scale[:, None, None])

    def _accuracy(self) -> list[list[float]]:
        x, y = self._held
        with torch.no_grad():
            right = (self._logits(x, training=False).argmax(-1) == y).float().mean(-1)
        accuracy: list[list[float]] = right.view(len(PLACES), self._seeds).tolist()
        return accuracy
