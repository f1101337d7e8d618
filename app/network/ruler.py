"""The memory ruler: what the forget gates alone let through, beside what really arrives.

∂h_T/∂h_t is the whole way back, through c and through h; ∏ f_k is its part along the cell alone (Hochreiter &
Schmidhuber 1997). Where the two part, the path through the recurrent weights speaks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from app.network.traced import TracedLSTM

FLOOR, CEILING = -12.0, 3.0  # decades that are drawn


def memory_ruler(layer: TracedLSTM, x: Tensor) -> npt.NDArray[Any]:
    """(2, T) in log10 for one sequence x (1, T, I), cut to [FLOOR, CEILING].

    Row 0: the mean over units of ∏_{k=t+1..T} f_k. Row 1: ‖∂h_T/∂h_t‖_F / √H of the top layer, so both are 1 at
    t = T. All H rows of the Jacobian come from one backward scan, H gradients through one sequence's gates.
    """
    hidden = layer.hidden_size
    with torch.no_grad():
        _, _, trace = layer(x.detach())
        kept = trace.retention()[0].double().mean(-1)
        steps = x.shape[1]
        above = torch.zeros(hidden, steps, hidden, dtype=x.dtype)
        above[:, -1] = torch.eye(hidden, dtype=x.dtype)
        weight = getattr(layer.lstm, f"weight_hh_l{layer.num_layers - 1}")
        reached, _ = trace.gradients(above, weight)
        measured = reached.double().pow(2).sum((0, 2)).sqrt() / hidden**0.5
    rows = torch.stack([kept, measured]).clamp(10.0**FLOOR, 10.0**CEILING).log10()
    return np.asarray(torch.nan_to_num(rows, nan=FLOOR))
