"""Reading gates from oneDNN's workspace: what the fused kernel computed, without a copy.

On the CPU in float32, nn.LSTM runs oneDNN's fused layer, and what it keeps for the backward pass holds
every activated gate. The layout is that of the pinned torch version and is documented nowhere, so
`fused` checks it once for each shape against a recomputation. All offsets count float32 values:

  0                                gates, (T, B, row(4H)): i, f, g, o in the first 4H of each row
  pages(T·B·row(4H))
  + pages(2·(T+1)·B·row(max(I, H)))
  + pages(T·B·row(H))
  + (T+1)·B·H + B·H                c_1 … c_{T−1}, (T − 1, B, H); c_T is the layer's own result
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from app.network.trace import Signals
from app.network.weights import Weights

_NODE = "MkldnnRnnLayerBackward0"
_PAGE = 4096 // 4
_LSTM = 2  # ATen's number for this kind of recurrent layer


class Shape(NamedTuple):
    """What the layout depends on."""

    batch: int
    steps: int
    inputs: int
    hidden: int


def enabled() -> bool:
    """Whether oneDNN is there and has not been switched off."""
    built: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return built and bool(getattr(torch.backends.mkldnn, "enabled", True))


def node_of(output: Tensor) -> Any | None:
    """The fused layer's autograd node behind `output`, or None where another kernel ran."""
    node = output.grad_fn
    for _ in range(4):  # at most a transpose or a view stands between
        if node is None or node.name() == _NODE:
            return node
        node = node.next_functions[0][0] if node.next_functions else None
    return None


def behind(output: Tensor) -> Tensor | None:
    """The workspace that the graph behind `output` holds until backward() frees it."""
    return getattr(node_of(output), "_saved_result3", None)


def run_openly(
    x: Tensor, h_0: Tensor, c_0: Tensor, weights: Weights
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """The same kernel without a graph: output (B, T, H), h_n, c_n (1, B, H) and the workspace.

    Where no gradient is recorded nn.LSTM has no node to ask, but the operator returns its workspace
    as a fourth result as long as the grad mode is on. x (B, T, I), h_0 and c_0 (B, H).
    """
    hidden = weights.w_hh.shape[1]
    zeros = weights.w_hh.new_zeros(4 * hidden)  # the operator wants biases always
    b_ih = zeros if weights.b_ih is None else weights.b_ih.detach()
    b_hh = zeros if weights.b_hh is None else weights.b_hh.detach()
    time_first = x.detach().transpose(0, 1).contiguous()  # it reads raw memory: a view would be misread
    start = h_0.detach().unsqueeze(0).contiguous(), c_0.detach().unsqueeze(0).contiguous()
    with torch.inference_mode(False), torch.enable_grad():
        output, h_n, c_n, raw = torch.ops.aten.mkldnn_rnn_layer.default(
            time_first, weights.w_ih.detach(), weights.w_hh.detach(), b_ih, b_hh, *start,
            False, [], _LSTM, hidden, 1, True, False, False, True,
        )  # fmt: skip
    return output.transpose(0, 1), h_n, c_n, raw


def holds(raw: Tensor, shape: Shape) -> bool:
    """Whether the workspace is large enough for what `read` looks up in it."""
    batch, steps, _, hidden = shape
    if raw.dtype not in (torch.uint8, torch.float32) or raw.numel() * raw.element_size() % 4:
        return False
    end = _states(shape) + (steps - 1) * batch * hidden
    return raw.numel() * raw.element_size() // 4 >= max(end, steps * batch * _row(4 * hidden))


def read(raw: Tensor, shape: Shape, c_n: Tensor) -> Signals:
    """(i, f, g, o, c), each (B, T, H): gates as views of a workspace that `holds` them.

    `c_n` is the layer's last cell state, (1, B, H). The views stay good after backward(), which frees the
    node's hold on the workspace but does not write to it.
    """
    batch, steps, _, hidden = shape
    flat = raw.detach().view(torch.float32)
    row = _row(4 * hidden)
    i, f, g, o = (
        flat.as_strided((batch, steps, hidden), (row, batch * row, 1), k * hidden) for k in range(4)
    )
    before = flat.as_strided((steps - 1, batch, hidden), (batch * hidden, hidden, 1), _states(shape))
    return i, f, g, o, torch.cat([before, c_n.detach()]).transpose(0, 1)


@lru_cache(maxsize=4096)
def _states(shape: Shape) -> int:
    """Where c_1 begins."""
    batch, steps, inputs, hidden = shape
    return (
        _pages(steps * batch * _row(4 * hidden))
        + _pages(2 * (steps + 1) * batch * _row(max(inputs, hidden)))
        + _pages(steps * batch * _row(hidden))
        + (steps + 1) * batch * hidden
        + batch * hidden
    )


def _row(n: int) -> int:
    """A padded row of n: a multiple of 16, and never of 256 (rows would fall on the same cache sets)."""
    padded = -(-n // 16) * 16
    return padded + 16 if padded % 256 == 0 else padded


def _pages(n: int) -> int:
    return -(-n // _PAGE) * _PAGE
