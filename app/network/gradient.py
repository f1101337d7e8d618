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
        weight = weight_hh.detach()
        later: Tensor | None = None
        walk = zip(  # views of all steps at once: taking each by its index costs as much as the arithmetic
            *(reversed(each.unbind(0)) for each in (d_h, d_c, d_z.flatten(2), keep, to_c)),
            *(
                reversed(each.unbind(0))
                for each in (d_z[:, :, :3], d_z[:, :, 3], to_z[:, :, :3], to_z[:, :, 3])
            ),
            strict=True,
        )
        for d_h_t, d_c_t, d_z_t, kept, o_c, by_c, by_h, c_to_z, h_to_z in walk:
            if later is not None:
                d_h_t.addmm_(later, weight)
            torch.addcmul(from_c, d_h_t, o_c, out=d_c_t)
            torch.mul(d_c_t.unsqueeze(1), c_to_z, out=by_c)
            torch.mul(d_h_t, h_to_z, out=by_h)
            from_c, later = d_c_t * kept, d_z_t
        return d_h.transpose(0, 1), d_c.transpose(0, 1), d_z.view(steps, batch, -1).transpose(0, 1)
