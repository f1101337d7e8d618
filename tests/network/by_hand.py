"""An LSTM and a GRU written out a second time, with nothing of the app in them but the description of a clamp."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from app.network import Clamp

Weights = tuple[Tensor, Tensor, Tensor | None, Tensor | None]


@contextlib.contextmanager
def without_onednn() -> Iterator[None]:
    """oneDNN switched off; torch warns of a flag that it sets back by itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "TF32 acceleration")
        with torch.backends.mkldnn.flags(enabled=False):
            yield


class Unrolled(NamedTuple):
    """[layer][step] tensors (B, H) with their graph; past a padded end h is 0 and c stays."""

    h: list[list[Tensor]]
    c: list[list[Tensor]]
    gates: list[list[dict[str, Tensor]]]
    h_n: Tensor  # (layers, B, H), of the last valid step
    c_n: Tensor

    @property
    def output(self) -> Tensor:
        return torch.stack(self.h[-1], 1)


def weights(module: nn.RNNBase, layer: int) -> Weights:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    w_ih, w_hh, b_ih, b_hh = (getattr(module, f"{name}_l{layer}", None) for name in names)
    assert w_ih is not None
    assert w_hh is not None
    return w_ih, w_hh, b_ih, b_hh


def held(gate: Tensor, name: str, clamps: Sequence[Clamp], layer: int, t: int) -> Tensor:
    """`gate` (B, H) with each clamp laid over it in turn."""
    for clamp in clamps:
        here = clamp.layer in (None, layer) and (clamp.steps is None or t in clamp.steps)
        if clamp.gate == name and here:
            units = range(gate.shape[1]) if clamp.units is None else clamp.units
            columns = [
                torch.full_like(gate[:, k], clamp.value) if k in units else gate[:, k]
                for k in range(gate.shape[1])
            ]
            gate = torch.stack(columns, 1)
    return gate


def lstm(
    module: nn.LSTM,
    x: Tensor,
    state: tuple[Tensor, Tensor] | None = None,
    clamps: Sequence[Clamp] = (),
    lengths: Sequence[int] | None = None,
) -> Unrolled:
    batch, steps, _ = x.shape
    ends = torch.tensor([steps] * batch if lengths is None else list(lengths))
    zeros = x.new_zeros(module.num_layers, batch, module.hidden_size)
    h_0, c_0 = (zeros, zeros) if state is None else state
    all_h: list[list[Tensor]] = []
    all_c: list[list[Tensor]] = []
    all_gates: list[list[dict[str, Tensor]]] = []
    for layer in range(module.num_layers):
        w_ih, w_hh, b_ih, b_hh = weights(module, layer)
        h, c = h_0[layer], c_0[layer]
        all_h.append([])
        all_c.append([])
        all_gates.append([])
        for t in range(steps):
            z = nn.functional.linear(x[:, t] if layer == 0 else all_h[layer - 1][t], w_ih, b_ih)
            z = z + nn.functional.linear(h, w_hh, b_hh)
            squashed = zip("ifgo", z.chunk(4, 1), strict=True)
            gates = {
                name: torch.tanh(part) if name == "g" else torch.sigmoid(part) for name, part in squashed
            }
            gates = {name: held(gate, name, clamps, layer, t) for name, gate in gates.items()}
            valid = (t < ends)[:, None]
            c = torch.where(valid, gates["f"] * c + gates["i"] * gates["g"], c)
            h = torch.where(valid, gates["o"] * torch.tanh(c), torch.zeros_like(c))
            all_h[layer].append(h)
            all_c[layer].append(c)
            all_gates[layer].append(gates)
    rows = torch.arange(batch)
    h_n = torch.stack([torch.stack(each, 1)[rows, ends - 1] for each in all_h])
    return Unrolled(all_h, all_c, all_gates, h_n, torch.stack([each[-1] for each in all_c]))


def gru(
    module: nn.GRU, x: Tensor, state: Tensor | None = None, clamps: Sequence[Clamp] = ()
) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Output (B, T, H), and r, z, n, h, each (B, T, H), of every layer."""
    batch, steps, _ = x.shape
    h_0 = x.new_zeros(module.num_layers, batch, module.hidden_size) if state is None else state
    below, found = x, []
    for layer in range(module.num_layers):
        w_ih, w_hh, b_ih, b_hh = weights(module, layer)
        h, seen = h_0[layer], []
        for t in range(steps):
            x_r, x_z, x_n = nn.functional.linear(below[:, t], w_ih, b_ih).chunk(3, 1)
            h_r, h_z, h_n = nn.functional.linear(h, w_hh, b_hh).chunk(3, 1)
            r = held(torch.sigmoid(x_r + h_r), "r", clamps, layer, t)
            z = held(torch.sigmoid(x_z + h_z), "z", clamps, layer, t)
            n = held(torch.tanh(x_n + r * h_n), "n", clamps, layer, t)
            h = (1 - z) * n + z * h
            seen.append({"r": r, "z": z, "n": n, "h": h})
        found.append({name: torch.stack([step[name] for step in seen], 1) for name in "rznh"})
        below = found[-1]["h"]
    return below, found
