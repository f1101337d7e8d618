"""The LSTM written out, one step at a time: the readable reference that all else is held against.

i_t = σ(W_ii x_t + b_ii + W_hi h_{t−1} + b_hi)      input gate
f_t = σ(W_if x_t + b_if + W_hf h_{t−1} + b_hf)      forget gate, 1 keeps
g_t = tanh(W_ig x_t + b_ig + W_hg h_{t−1} + b_hg)   candidate
o_t = σ(W_io x_t + b_io + W_ho h_{t−1} + b_ho)      output gate
c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t                     cell state
h_t = o_t ⊙ tanh(c_t)                               hidden state

Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 1999. Gates stand in PyTorch's order i, f, g, o.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from app.network.trace import Clamp, Trace


class Step(NamedTuple):
    """One time step, each (B, H); `z` (B, 4H) is what the gates' non-linearities were given."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    c: Tensor
    h: Tensor
    z: Tensor


class LSTMCellReference(nn.Module):
    """One layer. Weights are named and shaped as in `torch.nn.LSTMCell`: (4H, I), (4H, H), (4H,), (4H,)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        bound = hidden_size**-0.5
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, input_size).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, hidden_size).uniform_(-bound, bound))
        zeros = torch.zeros(4 * hidden_size)
        self.bias_ih = nn.Parameter(zeros.clone().uniform_(-bound, bound)) if bias else None
        self.bias_hh = nn.Parameter(zeros.clone().uniform_(-bound, bound)) if bias else None

    def step(
        self, x: Tensor, h: Tensor, c: Tensor, clamps: Sequence[Clamp] = (), at: int = 0, layer: int = 0
    ) -> Step:
        """One step from x (B, I), h and c (B, H)."""
        return step(x, h, c, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, clamps, at, layer)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Trace]:
        """Output (B, T, H) and the trace of one layer for x (B, T, I)."""
        zeros = x.new_zeros(x.shape[0], self.hidden_size)
        h, c = state if state is not None else (zeros, zeros)
        c_0 = c.detach().unsqueeze(0)
        steps = []
        for t in range(x.shape[1]):
            steps.append(self.step(x[:, t], h, c))
            h, c = steps[-1].h, steps[-1].c
        output = torch.stack([each.h for each in steps], 1)
        return output, stack(steps, c_0)


def step(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    clamps: Sequence[Clamp] = (),
    at: int = 0,
    layer: int = 0,
) -> Step:
    """The six equations, with any gate held where a clamp touches this step."""
    z = x @ weight_ih.T + h @ weight_hh.T
    if bias_ih is not None and bias_hh is not None:
        z = z + bias_ih + bias_hh
    z_i, z_f, z_g, z_o = z.chunk(4, -1)
    gates = {"i": torch.sigmoid(z_i), "f": torch.sigmoid(z_f), "g": torch.tanh(z_g), "o": torch.sigmoid(z_o)}
    for clamp in clamps:
        if clamp.touches(layer, at):
            gates[clamp.gate] = clamp.apply(gates[clamp.gate])
    c = gates["f"] * c + gates["i"] * gates["g"]
    h = gates["o"] * torch.tanh(c)
    return Step(gates["i"], gates["f"], gates["g"], gates["o"], c, h, z)


def stack(steps: Sequence[Step], c_0: Tensor) -> Trace:
    """Steps of one layer as a Trace with layers = 1."""
    signals = {name: torch.stack([getattr(each, name).detach() for each in steps], 1).unsqueeze(0) for name in "ifgoch"}
    return Trace(**signals, c_0=c_0)
