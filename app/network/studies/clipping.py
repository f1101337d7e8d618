"""The same exploding run under four treatments of its gradient, and what each does to a single vector.

Plain SGD throughout: Adam would rescale the gradient and hide the effect. Norm clipping: Pascanu et al. 2013.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from app.network.data import adding
from app.network.ruler import memory_ruler
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear
from app.network.weights import of

METHODS = ("none", "source", "value", "norm")
BATCH, STEPS, HIDDEN = 16, 60, 32
SOURCE = """\
for grad in grads:
    if np.abs(grad) > threshold:
        grad = np.sign(grad) * threshold
"""


def source_code(grads: list[Any], threshold: float) -> list[Any]:
    """Run the source's clipping code as printed and hand back the list that it was given."""
    exec(SOURCE, {"np": np, "grads": grads, "threshold": threshold})  # noqa: S102 - a constant of this file
    return grads


def clip(method: str, parameters: Sequence[Tensor], threshold: float) -> None:
    """Treat the gradients in place, as `method` says."""
    if method == "norm":
        nn.utils.clip_grad_norm_(parameters, threshold)
    elif method == "value":
        nn.utils.clip_grad_value_(parameters, threshold)
    elif method == "source":
        for parameter in parameters:
            assert parameter.grad is not None
            treated = source_code(parameter.grad.flatten().tolist(), threshold)
            parameter.grad.copy_(torch.tensor(treated).view_as(parameter.grad))


def treated(method: str, gradient: Sequence[float], threshold: float) -> list[float]:
    """A single gradient vector after the treatment."""
    vector = torch.zeros(len(gradient), requires_grad=True)
    vector.grad = torch.tensor(gradient)
    clip(method, [vector], threshold)
    return [float(n) for n in vector.grad]


def on_tensors() -> str:
    """What the source's code does with one tensor per parameter, as a framework has them: the error's text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's, about being handed a tensor
            source_code([torch.tensor([5.0, -7.0, 0.1])], 1.0)
    except RuntimeError as error:
        return f"RuntimeError: {error}"
    return "no error"


@dataclass
class Lane:
    """One treatment, from the same weights on the same batches."""

    method: str
    layer: TracedLSTM
    head: nn.Linear
    parameters: list[Tensor]
    losses: list[float] = field(default_factory=list)
    cosines: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    difference: float = 0.0  # largest |w − w′| against the untreated lane, while both are finite
    identical: bool = True  # bit by bit the weights of the untreated lane, NaN included

    @property
    def finite(self) -> bool:
        return all(math.isfinite(loss) for loss in self.losses)

    @property
    def largest_after(self) -> float | None:
        """The largest finite norm after treatment; None where there was none."""
        return max((n for n in self.after if math.isfinite(n)), default=None)


class Clipping:
    """Four lanes that remember the adding problem's two numbers with blown-up recurrent weights."""

    def __init__(self, *, threshold: float, scale: float, lr: float, seed: int) -> None:
        self._threshold, self._lr, self._seed = threshold, lr, seed
        self.lanes = [_lane(method, scale, seed) for method in METHODS]

    def step(self, step: int) -> dict[str, Trace | None]:
        """One SGD step of every lane; each lane's trace, None once it is not finite any more."""
        x, y = adding(BATCH, STEPS, generator(self._seed, 8, step))
        traces = {lane.method: self._train(lane, x, y) for lane in self.lanes}
        self._compare()
        return traces

    def _train(self, lane: Lane, x: Tensor, y: Tensor) -> Trace | None:
        out, _, trace = lane.layer(x)
        loss = (lane.head(out[:, -1]).squeeze(-1) - y).pow(2).mean()
        for parameter in lane.parameters:
            parameter.grad = None
        loss.backward()
        raw = _gradient(lane.parameters)
        clip(lane.method, lane.parameters, self._threshold)
        after = _gradient(lane.parameters)
        with torch.no_grad():
            for parameter in lane.parameters:
                assert parameter.grad is not None
                parameter.sub_(parameter.grad, alpha=self._lr)
        lane.losses.append(loss.item())
        lane.before.append(float(raw.norm()))
        lane.after.append(float(after.norm()))
        cosine = float(nn.functional.cosine_similarity(raw, after, dim=0))
        if math.isfinite(cosine):
            lane.cosines.append(cosine)
        return trace if lane.finite and bool(torch.isfinite(trace.c).all()) else None

    def _compare(self) -> None:
        plain = torch.cat([p.detach().flatten() for p in self.lanes[0].parameters])
        for lane in self.lanes:
            mine = torch.cat([p.detach().flatten() for p in lane.parameters])
            lane.identical &= torch.equal(mine.view(torch.int32), plain.view(torch.int32))
            gap = (mine - plain).abs()
            finite = gap[torch.isfinite(gap)]
            if len(finite):
                lane.difference = max(lane.difference, float(finite.max()))

    def ruler(self, method: str) -> Any:
        """The memory ruler of a lane on the first sequence of a fresh batch."""
        return memory_ruler(self.lanes[METHODS.index(method)].layer, self._fresh()[0])

    def _fresh(self) -> tuple[Tensor, Tensor]:
        x, y = adding(1, STEPS, generator(self._seed, 9))
        return x, y

    def subject(self) -> Subject:
        """The norm-clipped network with one fresh sequence."""
        lane = self.lanes[METHODS.index("norm")]
        x, y = self._fresh()

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            said = float(lane.head(output[:, -1]))
            return Answer((said - float(y)) ** 2, [("ŷ", said), ("y", float(y))])

        return Subject(lane.layer, x, tokens(x), answer)


def tokens(x: Tensor) -> list[str]:
    """Each step's number, with + where it is marked."""
    return [f"{value:.2f}{'+' if mark else ''}" for value, mark in x[0].tolist()]


def _lane(method: str, scale: float, seed: int) -> Lane:
    source = generator(seed, 7)
    layer = TracedLSTM(2, HIDDEN, init="forget-bias", forget_bias=1.0, generator=source)
    head = linear(HIDDEN, 1, source)
    with torch.no_grad():
        of(layer.lstm, 0).w_hh.mul_(scale)
    return Lane(method, layer, head, [*layer.parameters(), *head.parameters()])


def _gradient(parameters: Sequence[Tensor]) -> Tensor:
    """All gradients as one vector, in float64."""
    return torch.cat([p.grad.flatten() for p in parameters if p.grad is not None]).double()
