"""The GRU with the LSTM's interface, for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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

    Its steps and their gradient are our own, several times as fast as PyTorch's on a CPU at these sizes.
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
                unrolled = _Unrolled.apply(before, h_0[layer], *weights)  # type: ignore[no-untyped-call]
                flow, *gates = (each.transpose(0, 1) for each in unrolled)
            flow, h = self.finish(flow, padding)
            last.append(h)
            blank = [each if padding is None else padding.blank(each) for each in gates]
            signals.append([*blank, flow.detach()])
        r, z, n, h = (torch.stack(layers) for layers in zip(*signals, strict=True))
        return flow, torch.stack(last), GRUTrace(r, z, n, h)


class _Unrolled(torch.autograd.Function):
    """All steps of one layer, and back through them by hand; the gates are kept on the way.

    PyTorch has no fused GRU on CPUs: it records some ten operations a step, which autograd then visits one by one.
    Here a step is five, in place, and three back: of its gradient only ∂L/∂h_t has to wait for later steps.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, h_0: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """x (B, T, I), h_0 (B, H) → output, r, z, n, each (T, B, H)."""
        steps, hidden = x.shape[1], h_0.shape[1]
        sums = nn.functional.linear(x.transpose(0, 1), w_ih, b_ih).view(steps, -1, 3, hidden)
        n = sums[:, :, 2].clone()
        sums[:, :, 2] = 0  # becomes W_hn h + b_hn, which r multiplies
        if b_hh is not None:
            sums += b_hh.view(3, hidden)
        states = x.new_empty(steps + 1, *h_0.shape)
        states[0] = h_0
        r, z, inner = sums.unbind(2)
        turned = w_hh.T
        rows = (sums.flatten(2), sums[:, :, :2], r, z, inner, n, states[:-1], states[1:])
        for whole, rz_t, r_t, z_t, inner_t, n_t, before, h in zip(*map(torch.unbind, rows), strict=True):
            whole.addmm_(before, turned)
            rz_t.sigmoid_()
            n_t.addcmul_(r_t, inner_t).tanh_()
            torch.lerp(n_t, before, z_t, out=h)
        ctx.save_for_backward(x, w_ih, w_hh, sums, n, states)
        ctx.biased = b_ih is not None
        ctx.mark_non_differentiable(r, z, n)
        return states[1:], r, z, n

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, given: Tensor, *_gates: Tensor) -> tuple[Tensor | None, ...]:
        """∂L/∂output (T, B, H) → the gradients of forward's arguments."""
        x, w_ih, w_hh, kept, n, states = ctx.saved_tensors
        steps, batch, _, hidden = kept.shape
        r, z, inner = kept.unbind(2)
        # ∂h_t by each of the three sums that h_{t−1} enters through W_hh
        at_n = (1 - z) * (1 - n * n)
        factors = torch.stack([at_n * inner * r * (1 - r), (states[:-1] - n) * z * (1 - z), at_n * r], 2)
        sums = torch.empty_like(factors)
        at_h = torch.cat([given.new_zeros(1, batch, hidden), given])  # ∂L/∂h_0 … ∂L/∂h_T
        rows = (at_h[1:], at_h[1:].unsqueeze(2), at_h[:-1], factors, sums, sums.flatten(2), z)
        for here, wide, before, factor, into, flat, keep in zip(
            *(reversed(each.unbind()) for each in rows), strict=True
        ):
            torch.mul(wide, factor, out=into)
            before.addcmul_(here, keep).addmm_(flat, w_hh)
        flat = sums.view(-1, 3 * hidden)
        d_hh = flat.T @ states[:-1].reshape(-1, hidden)
        d_b_hh = flat.sum(0) if ctx.biased else None
        sums[:, :, 2] = at_h[1:] * at_n  # x enters the third sum without r
        read = x.transpose(0, 1).reshape(steps * batch, -1)
        d_x = (flat @ w_ih).view(steps, batch, -1).transpose(0, 1) if ctx.needs_input_grad[0] else None
        d_b_ih = flat.sum(0) if ctx.biased else None
        return d_x, at_h[0], flat.T @ read, d_hh, d_b_ih, d_b_hh


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
