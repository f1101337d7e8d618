"""The LSTM written out, one step at a time: the readable reference that all else is held against.

i_t = σ(W_ii x_t + b_ii + W_hi h_{t−1} + b_hi)      input gate      (B, H), in (0, 1)
f_t = σ(W_if x_t + b_if + W_hf h_{t−1} + b_hf)      forget gate     (B, H), in (0, 1); 1 keeps, 0 erases
g_t = tanh(W_ig x_t + b_ig + W_hg h_{t−1} + b_hg)   candidate       (B, H), in (−1, 1)
o_t = σ(W_io x_t + b_io + W_ho h_{t−1} + b_ho)      output gate     (B, H), in (0, 1)
c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t                     cell state      (B, H), unbounded
h_t = o_t ⊙ tanh(c_t)                               hidden state    (B, H), in (−1, 1)

x_t is (B, I); each W_i· is (H, I), each W_h· is (H, H). The four of a kind are stacked in PyTorch's order
i, f, g, o into (4H, I) and (4H, H), so one product serves all gates.
Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber & Cummins 2000.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from app.network import arguments
from app.network.trace import Part, Trace
from app.network.weights import Weights, of

Hold = Callable[[str, Tensor, int], Tensor]  # (gate's name, gate (B, H), step) → the gate as it is to be


class Step(NamedTuple):
    """One time step, each (B, H); `z` (B, 4H) is what the gates' non-linearities were given."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    c: Tensor
    h: Tensor
    z: Tensor


def step(x: Tensor, h: Tensor, c: Tensor, weights: Weights, hold: Hold | None = None, *, at: int = 0) -> Step:
    """The six equations: x (B, I), h and c (B, H) → the next step. `hold` may put other gates in place."""
    z = x @ weights.w_ih.T + h @ weights.w_hh.T
    if weights.b_ih is not None and weights.b_hh is not None:
        z = z + weights.b_ih + weights.b_hh
    z_i, z_f, z_g, z_o = z.chunk(4, -1)
    i, f, g, o = torch.sigmoid(z_i), torch.sigmoid(z_f), torch.tanh(z_g), torch.sigmoid(z_o)
    if hold is not None:
        i, f, g, o = hold("i", i, at), hold("f", f, at), hold("g", g, at), hold("o", o, at)
    c = f * c + i * g
    h = o * torch.tanh(c)
    return Step(i, f, g, o, c, h, z)


def unroll(x: Tensor, h: Tensor, c: Tensor, weights: Weights, hold: Hold | None = None) -> list[Step]:
    """T steps over x (B, T, I) from h and c (B, H); gradients flow as far as `hold` lets them."""
    steps: list[Step] = []
    for t in range(x.shape[1]):
        steps.append(step(x[:, t], h, c, weights, hold, at=t))
        h, c = steps[-1].h, steps[-1].c
    return steps


def record(steps: list[Step], h_0: Tensor, c_0: Tensor) -> Part:
    """The signals of one layer's steps, each (B, T, H), detached."""
    i, f, g, o, c, h = (torch.stack([each[k].detach() for each in steps], 1) for k in range(6))
    return Part(lambda: (i, f, g, o, c), h, h_0.detach(), c_0.detach())


class LSTMCellReference(nn.Module):
    """One layer by hand; weights as in `torch.nn.LSTMCell`: (4H, I), (4H, H), (4H,), (4H,)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        arguments.sizes(input_size, hidden_size, 1)
        self.input_size, self.hidden_size = input_size, hidden_size

        def drawn(*shape: int) -> nn.Parameter:
            bound = hidden_size**-0.5
            return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))

        self.weight_ih = drawn(4 * hidden_size, input_size)
        self.weight_hh = drawn(4 * hidden_size, hidden_size)
        self.bias_ih = drawn(4 * hidden_size) if bias else None
        self.bias_hh = drawn(4 * hidden_size) if bias else None

    @classmethod
    def of(cls, lstm: nn.LSTM, layer: int = 0) -> LSTMCellReference:
        """The reference with a copy of one layer's weights."""
        weights = of(lstm, layer)
        made = cls(weights.w_ih.shape[1], lstm.hidden_size, bias=lstm.bias, generator=torch.Generator())
        made = made.to(weights.w_ih.dtype)
        with torch.no_grad():
            for mine, theirs in zip(made.weights().present(), weights.present(), strict=True):
                mine.copy_(theirs)
        return made

    def weights(self) -> Weights:
        return Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)

    def step(self, x: Tensor, h: Tensor, c: Tensor, hold: Hold | None = None, at: int = 0) -> Step:
        """One step from x (B, I), h and c (B, H)."""
        return step(x, h, c, self.weights(), hold, at=at)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Trace]:
        """Output (B, T, H) and the trace of one layer for x (B, T, I) from state (h_0, c_0), each (B, H)."""
        batch, _ = arguments.sequence(x, self.input_size, self.weight_ih.dtype)
        zeros = x.new_zeros(batch, self.hidden_size)
        h_0, c_0 = state if state is not None else (zeros, zeros)
        steps = unroll(x, h_0, c_0, self.weights())
        return torch.stack([each.h for each in steps], 1), Trace([record(steps, h_0, c_0)])
