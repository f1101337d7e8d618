"""Reading gates from oneDNN's workspace: what the fused kernel computed, without a copy.

In training on the CPU in float32, nn.LSTM runs oneDNN's fused layer; its autograd node keeps every
activated gate for the backward pass. The layout is that of the pinned torch version and is
documented nowhere, so `TracedLSTM` checks it once for each shape against a recomputation.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_NODE = "MkldnnRnnLayerBackward0"
_PAGE = 4096 // 4  # floats


def _row(n: int) -> int:
    """Floats in a padded row of n: a multiple of 16, and never of 256 (cache associativity)."""
    padded = -(-n // 16) * 16
    return padded + 16 if padded % 256 == 0 else padded


def _pages(n: int) -> int:
    return -(-n // _PAGE) * _PAGE


def node_of(output: Tensor) -> Any | None:
    """The fused layer's autograd node behind `output`, or None where another kernel ran."""
    node = output.grad_fn
    for _ in range(4):  # at most a transpose or a view stands between
        if node is None or node.name() == _NODE:
            break
        node = node.next_functions[0][0] if node.next_functions else None
    return node if node is not None and node.name() == _NODE else None


def read(
    node: Any, batch: int, steps: int, inputs: int, hidden: int, c_n: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor] | None:
    """(i, f, g, o, c) as views (B, T, H) of the node's workspace; None where it is too small to be ours.

    Call before backward(), which frees the node's hold on it. `c_n` (B, H) is the layer's last cell state.
    """
    raw = getattr(node, "_saved_result3", None)
    if raw is None or raw.dtype != torch.uint8 and raw.dtype != torch.float32:
        return None
    flat = raw.view(torch.float32).flatten()
    row, hidden_row, widest = _row(4 * hidden), _row(hidden), _row(max(inputs, hidden))
    start = (
        _pages(steps * batch * row)
        + _pages(2 * (steps + 1) * batch * widest)
        + _pages(steps * batch * hidden_row)
        + (steps + 1) * batch * hidden
        + batch * hidden
    )
    if flat.numel() < start + (steps - 1) * batch * hidden or flat.numel() < steps * batch * row:
        return None
    gates = flat[: steps * batch * row].view(steps, batch, row)[..., : 4 * hidden].transpose(0, 1)
    earlier = flat[start : start + (steps - 1) * batch * hidden].view(steps - 1, batch, hidden)
    c = torch.cat([earlier, c_n.detach().unsqueeze(0)]).transpose(0, 1)
    i, f, g, o = gates.split(hidden, -1)
    return i, f, g, o, c
