"""The GRU with the LSTM's interface, for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from app.network.clamp import Clamp, Held
from app.network.clamp import check as check_clamps
from app.network.padding import Padding
from app.network.recurrent import Recurrent
from app.network.weights import Weights

GATES = ("r", "z", "n")


@dataclass(frozen=True)
class GRUTrace:
    """r, z in (0, 1), n and h in (−1, 1), each (layers, B, T, H), detached; zero past a padded end.

    r resets, n is new, z = 1 keeps: so in PyTorch and in Cho et al. 2014; other texts have 1 − z.
    """

    r: Tensor
    z: Tensor
    n: Tensor
    h: Tensor


class TracedGRU(Recurrent):
    """`torch.nn.GRU` whose forward also returns r, z, n, h (Cho et al. 2014, in PyTorch's variant).

    r_t = σ(W_ir x_t + b_ir + W_hr h_{t−1} + b_hr)             (B, H)
    z_t = σ(W_iz x_t + b_iz + W_hz h_{t−1} + b_hz)             (B, H)
    n_t = tanh(W_in x_t + b_in + r_t ⊙ (W_hn h_{t−1} + b_hn))  (B, H)
    h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}                      (B, H)

    Its kernel keeps no gates: they are recomputed in one product after the fact.
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, bias: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__(nn.GRU, input_size, hidden_size, num_layers, bias=bias, generator=generator)

    def forward(
        self,
        x: Tensor,
        state: Tensor | None = None,
        clamp: Sequence[Clamp] | None = None,
        lengths: Tensor | Sequence[int] | None = None,
    ) -> tuple[Tensor, Tensor, GRUTrace]:
        """x (B, T, input), state (layers, B, H) → output (B, T, H), h_n (layers, B, H), trace.

        Clamps hold r, z or n. Raises ValueError naming the argument that is off and its bound.
        """
        h_0 = self.start(x, state)
        clamps = check_clamps(clamp, GATES, self.hidden_size, self.num_layers)
        padding = Padding.of(lengths, x.shape[0], x.shape[1])
        flow = x if padding is None else padding.blank(x)
        last, signals = [], []
        for layer in range(self.num_layers):
            before, weights = flow, self.weights(layer)
            if clamps:
                held = Held(clamps, layer, x.shape[1], self.hidden_size, x)
                flow, gates = _by_hand(before, h_0[layer], weights, held)
            else:
                flow, gates = _fused(before, h_0[layer], weights)
            flow, h = self.finish(flow, padding)
            last.append(h)
            blank = [each if padding is None else padding.blank(each) for each in gates]
            signals.append([*blank, flow.detach()])
        r, z, n, h = (torch.stack(layers) for layers in zip(*signals, strict=True))
        return flow, torch.stack(last), GRUTrace(r, z, n, h)


def _fused(x: Tensor, h_0: Tensor, weights: Weights) -> tuple[Tensor, Sequence[Tensor]]:
    """PyTorch's own kernel, then (r, z, n) from its h in one product."""
    biased = weights.b_ih is not None
    output, _ = torch.gru(x, h_0.unsqueeze(0), weights.present(), biased, 1, 0.0, False, False, True)
    with torch.no_grad():
        earlier = torch.cat([h_0.unsqueeze(1), output[:, :-1]], 1)
        from_x = nn.functional.linear(x, weights.w_ih, weights.b_ih)
        from_h = nn.functional.linear(earlier, weights.w_hh, weights.b_hh)
        return output, _gates(from_x, from_h)


def _gates(
    from_x: Tensor, from_h: Tensor, held: Held | None = None, at: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """(r, z, n), each (…, H), of the two products, each (…, 3H) with its bias."""
    x_r, x_z, x_n = from_x.chunk(3, -1)
    h_r, h_z, h_n = from_h.chunk(3, -1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    if held is not None:
        r, z = held("r", r, at), held("z", z, at)
    n = torch.tanh(x_n + r * h_n)
    return r, z, n if held is None else held("n", n, at)


def _by_hand(x: Tensor, h: Tensor, weights: Weights, held: Held) -> tuple[Tensor, Sequence[Tensor]]:
    """One step at a time, with gates held; gradients flow as far as the clamps let them."""
    outputs, gates = [], []
    from_x = nn.functional.linear(x, weights.w_ih, weights.b_ih)
    for t in range(x.shape[1]):
        r, z, n = _gates(from_x[:, t], nn.functional.linear(h, weights.w_hh, weights.b_hh), held, t)
        h = (1 - z) * n + z * h
        outputs.append(h)
        gates.append(torch.stack([r, z, n]).detach())
    return torch.stack(outputs, 1), torch.stack(gates, 2).unbind(0)
