"""One LSTM layer on the fused kernel with all its gates: read from its workspace, else recomputed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

from app.network import workspace
from app.network.trace import Part, Signals
from app.network.weights import Weights
from app.network.workspace import Shape

log = logging.getLogger("mendao.network")
AGREEMENT = 2e-6
_told: list[Shape] = []


class Layer(NamedTuple):
    """output (B, T, H), h_n and c_n (1, B, H) with their graph; the signals without."""

    output: Tensor
    h_n: Tensor
    c_n: Tensor
    part: Part


def run(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Weights) -> Layer:
    """x (B, T, I), h_0 and c_0 (B, H) through one layer, as `torch.nn.LSTM` computes it."""
    tensors = weights.present()
    recording = torch.is_grad_enabled() and any(each.requires_grad for each in (x, h_0, c_0, *tensors))
    shape = Shape(x.shape[0], x.shape[1], x.shape[2], h_0.shape[1])
    expected = x.dtype == torch.float32 and x.device.type == "cpu"  # elsewhere there is no such kernel
    openly = expected and not recording
    trusted = expected and workspace.enabled() and agrees(Shape(2, 3, shape.inputs, shape.hidden), openly)
    raw: Tensor | None
    if trusted and openly:
        output, h_n, c_n, raw = workspace.run_openly(x, h_0, c_0, weights)
    else:
        state = (h_0.unsqueeze(0), c_0.unsqueeze(0))
        # `train` only says that the kernel is to keep its workspace: there is no dropout here.
        output, h_n, c_n = torch.lstm(x, state, tensors, weights.b_ih is not None, 1, 0.0, True, False, True)
        raw = workspace.behind(output) if trusted else None
    seen = output.detach()
    read: Callable[[], Signals]
    if raw is not None and workspace.holds(raw, shape):
        again = _Again(x, h_0, c_0, seen, weights)
        read = partial(_read, raw, shape, openly, c_n.detach(), again)
    else:
        if expected:
            _tell_once(shape)
        signals = after_the_fact(x, h_0, c_0, seen, weights)  # now: an update would change the weights
        read = lambda: signals  # noqa: E731
    return Layer(output, h_n, c_n, Part(read, seen, h_0.detach(), c_0.detach()))


class _Again:
    """What a recomputation needs, and whether it is still what it was."""

    def __init__(self, x: Tensor, h_0: Tensor, c_0: Tensor, output: Tensor, weights: Weights) -> None:
        self._given = x, h_0, c_0, output, weights
        self._versions = self._now()

    def _now(self) -> list[int]:
        *states, weights = self._given
        return [0 if each.is_inference() else each._version for each in (*states, *weights.present())]

    def __call__(self, shape: Shape) -> Signals:
        if self._now() != self._versions:
            raise RuntimeError(
                f"the gates at {shape} have to be recomputed, and weights or inputs have changed since:"
                " read the trace before the update"
            )
        return after_the_fact(*self._given)


def _read(raw: Tensor, shape: Shape, openly: bool, c_n: Tensor, again: _Again) -> Signals:
    """From the workspace, if its layout holds at this very shape: most steps of a training are never looked at."""
    if agrees(shape, openly):
        return workspace.read(raw, shape, c_n)
    _tell_once(shape)
    return again(shape)


def after_the_fact(x: Tensor, h_0: Tensor, c_0: Tensor, output: Tensor, weights: Weights) -> Signals:
    """All gates of all steps in one product from x_t and h_{t−1}, then c = f ∘ c + i ∘ g by a scan; no graph.

    Works wherever `torch.nn.LSTM` works; costs about half a training step more.
    """
    with torch.no_grad():
        batch, steps, hidden = output.shape
        w_ih, w_hh, b_ih, b_hh = weights
        past = torch.empty(steps, batch, hidden, dtype=x.dtype)  # time first: the scan reads whole steps
        past[0] = h_0
        past[1:] = output.transpose(0, 1)[:-1]
        read = x.transpose(0, 1).reshape(steps * batch, -1)
        bias = b_ih + b_hh if b_ih is not None and b_hh is not None else w_ih.new_zeros(4 * hidden)
        z = torch.addmm(bias, read, w_ih.T).addmm_(past.view(steps * batch, hidden), w_hh.T)
        z = z.view(steps, batch, 4 * hidden)
        z[..., : 2 * hidden].sigmoid_()
        z[..., 2 * hidden : 3 * hidden].tanh_()
        z[..., 3 * hidden :].sigmoid_()
        i, f, g, o = z.chunk(4, -1)
        c = i * g
        before = c_0.detach()
        for kept, now in zip(f.unbind(0), c.unbind(0), strict=True):
            before = now.addcmul_(kept, before)
        return i.transpose(0, 1), f.transpose(0, 1), g.transpose(0, 1), o.transpose(0, 1), c.transpose(0, 1)


@lru_cache(maxsize=4096)
def agrees(shape: Shape, openly: bool) -> bool:
    """Whether the workspace of this shape holds the gates where we read them, to `AGREEMENT`.

    Asked of a probe with tame numbers rather than of the user's network, whose weights may be so large,
    or not even numbers, that two right computations differ.
    """
    batch, steps, inputs, hidden = shape
    source = torch.Generator().manual_seed(1)
    bound = max(inputs, hidden) ** -0.5
    with torch.inference_mode(False), torch.enable_grad():

        def drawn(*size: int, within: float = 1.0) -> Tensor:
            return torch.empty(size).uniform_(-within, within, generator=source)

        x, h_0, c_0 = drawn(batch, steps, inputs), drawn(batch, hidden), drawn(batch, hidden)
        weights = Weights(
            drawn(4 * hidden, inputs, within=bound), drawn(4 * hidden, hidden, within=bound),
            drawn(4 * hidden), drawn(4 * hidden),
        )  # fmt: skip
        raw: Tensor | None
        try:
            if openly:
                output, _, c_n, raw = workspace.run_openly(x, h_0, c_0, weights)
            else:
                weights.w_hh.requires_grad_()
                state = (h_0.unsqueeze(0), c_0.unsqueeze(0))
                output, _, c_n = torch.lstm(x, state, list(weights), True, 1, 0.0, True, False, True)  # type: ignore[arg-type]
                raw = workspace.behind(output)
            read = (
                workspace.read(raw, shape, c_n) if raw is not None and workspace.holds(raw, shape) else None
            )
        except (
            RuntimeError,
            AttributeError,
            TypeError,
        ):  # another torch: no such operator, another signature
            return False
        slow = after_the_fact(x, h_0, c_0, output, weights)
    return read is not None and all(_close(a, b) for a, b in zip(read, slow, strict=True))


def _close(a: Tensor, b: Tensor) -> bool:
    """To `AGREEMENT`, of the largest value where that is above 1: a cell state has no bound, float32 has."""
    return float((a - b).abs().max()) <= AGREEMENT * max(1.0, float(b.abs().max()))  # false for NaN as well


def _tell_once(shape: Shape) -> None:
    """One line in a process's log, however many layers there are."""
    if not _told:
        log.warning("oneDNN's workspace does not hold the gates as expected at %s: recomputing them", shape)
        _told.append(shape)
