"""An LSTM that shows every gate of every unit and step without giving up the fused kernel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from app.network import arguments, cell, fused
from app.network import weights as weights_
from app.network.clamp import Clamp, Held
from app.network.clamp import check as check_clamps
from app.network.padding import Padding
from app.network.trace import Part, Trace
from app.network.weights import Init, Weights

GATES = ("i", "f", "g", "o")


class TracedLSTM(nn.Module):
    """`torch.nn.LSTM` (batch first, 1–2 layers) whose forward also returns a `Trace`.

    x (B, T, input_size) → output (B, T, H), (h_n, c_n) each (layers, B, H), trace of (layers, B, T, H).
    Equal to `self.lstm`, the plain layer inside, in outputs, states and gradients.

    init: "default" is PyTorch's U(±1/√H). "forget-bias" sets the forget gate's bias to `forget_bias`
    (Gers et al. 2000; Jozefowicz et al. 2015). "chrono" draws b_f ~ log U(1, chrono_t_max − 1) and sets
    b_i = −b_f (Tallec & Ollivier 2018). With `generator` all first weights are drawn from it alone.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        init: Init = "default",
        forget_bias: float = 1.0,
        chrono_t_max: int = 100,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        arguments.sizes(input_size, hidden_size, num_layers)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.lstm = weights_.build(
            nn.LSTM, input_size, hidden_size, num_layers, bias=bias, generator=generator
        )
        weights_.set_gate_biases(self.lstm, init, forget_bias, chrono_t_max, generator)

    def forward(
        self,
        x: Tensor,
        state: tuple[Tensor, Tensor] | None = None,
        clamp: Sequence[Clamp] | None = None,
        lengths: Tensor | Sequence[int] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor], Trace]:
        """Run the layer from `state` (h_0, c_0), each (layers, B, H); None is zeros.

        `lengths` (B,) marks padding: then as a packed nn.LSTM, the output is zero past a sequence's end and
        h_n, c_n are those of its last valid step. `clamp` holds gates; such a run goes step by step.
        Raises ValueError naming the argument that is off and its bound.
        """
        dtype = weights_.of(self.lstm, 0).w_hh.dtype
        batch, steps = arguments.sequence(x, self.input_size, dtype)
        h_0, c_0 = self._start(x, state, batch, dtype)
        clamps = check_clamps(clamp, GATES, self.hidden_size, self.num_layers)
        padding = Padding.of(lengths, batch, steps)
        flow = x if padding is None else padding.blank(x)
        parts, h_n, c_n = [], [], []
        for layer in range(self.num_layers):
            weights = weights_.of(self.lstm, layer)
            start = h_0[layer], c_0[layer]
            if clamps:
                held = Held(clamps, layer, steps, self.hidden_size, x)
                flow, h, c, part = _by_hand(flow, start, weights, held, padding)
            else:
                wide, weights = (flow, weights) if padding is None else padding.attach(flow, weights)
                flow, h, c, part = fused.run(wide, *start, weights)
            h_n.append(h if padding is None else padding.last(flow).unsqueeze(0))
            c_n.append(c)
            parts.append(part)
        return flow, (_one(h_n), _one(c_n)), Trace(parts, clamps, padding)

    def _start(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None, batch: int, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        shape = (self.num_layers, batch, self.hidden_size)
        if state is None:
            zeros = x.new_zeros(shape)
            return zeros, zeros
        if not isinstance(state, (tuple, list)) or len(state) != 2:
            raise ValueError(f"state must be two tensors of shape {shape}, not {type(state).__name__}")
        h_0, c_0 = state
        return arguments.state("state[0]", h_0, shape, dtype), arguments.state("state[1]", c_0, shape, dtype)

    def gradients(
        self, trace: Trace, d_output: Tensor, d_state: tuple[Tensor | None, Tensor | None] = (None, None)
    ) -> tuple[Tensor, Tensor]:
        """(∂L/∂h_t, ∂L/∂c_t) of every layer, each (layers, B, T, H), by one backward scan a layer.

        `d_output` (B, T, H) is `output.grad` (call `output.retain_grad()` before backward), `d_state` the
        gradients of h_n and c_n, each (layers, B, H), where the loss uses them. Call before the update.
        """
        d_h_n, d_c_n = d_state
        found: list[tuple[Tensor, Tensor]] = []
        flow = d_output
        for layer in range(self.num_layers - 1, -1, -1):
            weights = weights_.of(self.lstm, layer)
            d_h, d_c, d_z = trace.scan(
                flow, weights.w_hh, layer,
                None if d_h_n is None else d_h_n[layer], None if d_c_n is None else d_c_n[layer],
            )  # fmt: skip
            found.insert(0, (d_h, d_c))
            flow = d_z @ weights.w_ih.detach()
        return torch.stack([each[0] for each in found]), torch.stack([each[1] for each in found])


def _by_hand(
    x: Tensor, start: tuple[Tensor, Tensor], weights: Weights, held: Held, padding: Padding | None
) -> tuple[Tensor, Tensor, Tensor, Part]:
    """One step at a time, with gates held; gradients flow as far as the clamps let them."""

    def hold(name: str, gate: Tensor, at: int) -> Tensor:
        gate = held(name, gate, at)
        if padding is None or name == "g":
            return gate
        return gate.masked_fill(
            padding.past[:, at, None], 1.0 if name == "f" else 0.0
        )  # nothing happens there

    steps = cell.unroll(x, *start, weights, hold)
    output = torch.stack([each.h for each in steps], 1)
    last = steps[-1]
    return output, last.h.unsqueeze(0), last.c.unsqueeze(0), cell.record(steps, *start)


def _one(states: list[Tensor]) -> Tensor:
    """(layers, B, H) of one (1, B, H) a layer."""
    return states[0] if len(states) == 1 else torch.cat(states)
