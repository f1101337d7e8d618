"""∂L/∂h_t and ∂L/∂c_t of every step by one backward scan over the saved gates.

With δh_t and δc_t for the two gradients and δz_t for that of the pre-activations (backpropagation through
time of the equations in `cell`; Graves & Schmidhuber 2005 train LSTMs by this full gradient):

δh_t = ∂L/∂output_t + W_hhᵀ δz_{t+1}
δc_t = δc_{t+1} ⊙ f_{t+1} + δh_t ⊙ o_t ⊙ (1 − tanh² c_t)
δz_t = (δc_t g_t i_t(1−i_t),  δc_t c_{t−1} f_t(1−f_t),  δc_t i_t(1−g_t²),  δh_t tanh(c_t) o_t(1−o_t))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from app.network.clamp import Held
from app.network.padding import Padding

if TYPE_CHECKING:
    from app.network.trace import Part


def backward_scan(
    part: Part,
    d_output: Tensor,
    weight_hh: Tensor,
    *,
    d_h_n: Tensor | None,
    d_c_n: Tensor | None,
    held: Held,
    padding: Padding | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """(δh, δc) each (B, T, H) and δz (B, T, 4H) of one layer; see the module's equations.

    A held gate is a constant: its δz is zero. Past a padded sequence's end f = 1 carries δc_n back to it.
    `d_output` may hold several gradients (B, T, H) for the one sequence of a part of batch size 1.
    """
    with torch.no_grad():
        i, f, g, o, c = part.signals
        _, steps, hidden = c.shape
        tanh_c = torch.tanh(c)
        before = torch.cat([part.c_0.unsqueeze(1), c[:, :-1]], 1)
        # What does not depend on later steps, for all steps at once; time first: a step is contiguous.
        to_z = torch.stack([g * i * (1 - i), before * f * (1 - f), i * (1 - g * g), tanh_c * o * (1 - o)])
        for k, name in enumerate("ifgo"):
            mask = held.mask(name)
            if mask is not None:
                to_z[k].masked_fill_(mask, 0.0)
        to_z = to_z.permute(2, 1, 0, 3).contiguous()  # (T, B or 1, 4, H)
        to_c = (o * (1 - tanh_c * tanh_c)).transpose(0, 1).contiguous()
        keep = f.transpose(0, 1).contiguous()
        given = d_output.detach().clone()
        if d_h_n is not None and padding is not None:
            padding.add_at_last(given, d_h_n)
        elif d_h_n is not None:
            given[:, -1] += d_h_n
        d_h = given.transpose(0, 1).contiguous()
        batch = d_h.shape[1]
        d_c, d_z = torch.empty_like(d_h), d_h.new_empty(steps, batch, 4, hidden)
        from_c = torch.zeros(batch, hidden, dtype=c.dtype) if d_c_n is None else d_c_n.detach()
        for t in range(steps - 1, -1, -1):
            if t < steps - 1:
                d_h[t].addmm_(d_z[t + 1].view(batch, -1), weight_hh.detach())
                from_c = d_c[t + 1] * keep[t + 1]
            torch.addcmul(from_c, d_h[t], to_c[t], out=d_c[t])
            torch.mul(d_c[t].unsqueeze(1), to_z[t, :, :3], out=d_z[t, :, :3])
            torch.mul(d_h[t], to_z[t, :, 3], out=d_z[t, :, 3])
        return d_h.transpose(0, 1), d_c.transpose(0, 1), d_z.view(steps, batch, -1).transpose(0, 1)
