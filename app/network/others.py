"""GRU and tanh RNN with the same interface, for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from app.network.trace import Clamp, check_clamps


@dataclass(frozen=True)
class GRUTrace:
    """r, z in (0, 1), n and h in (−1, 1), each (layers, B, T, H), detached. z = 1 keeps (PyTorch's sense)."""

    r: Tensor
    z: Tensor
    n: Tensor
    h: Tensor


@dataclass(frozen=True)
class RNNTrace:
    """h in (−1, 1), (layers, B, T, H), detached."""

    h: Tensor


class _Recurrent(nn.Module):
    """What GRU and RNN share: the plain layer inside, layer by layer runs, padding, first weights."""

    def __init__(self, kind: type[nn.RNNBase], input_size: int, hidden_size: int, num_layers: int, bias: bool) -> None:
        super().__init__()
        for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            if not 1 <= value <= (2 if name == "num_layers" else 4096):
                raise ValueError(f"{name} must be from 1 to {2 if name == 'num_layers' else 4096}, not {value}")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.inner = kind(input_size, hidden_size, num_layers, bias=bias, batch_first=True)  # type: ignore[arg-type]

    def draw(self, generator: torch.Generator | None) -> None:
        if generator is not None:
            with torch.no_grad():
                for weight in self.inner.parameters():
                    weight.uniform_(-(self.hidden_size**-0.5), self.hidden_size**-0.5, generator=generator)

    def weights(self, layer: int) -> list[Tensor]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [w for n in names if (w := getattr(self.inner, f"{n}_l{layer}", None)) is not None]

    def start(self, x: Tensor, state: Tensor | None, lengths: Tensor | None) -> Tensor:
        if x.dim() != 3 or x.shape[2] != self.input_size:
            raise ValueError(f"x must have shape (B, T, {self.input_size}), not {tuple(x.shape)}")
        shape = (self.num_layers, x.shape[0], self.hidden_size)
        if state is not None and state.shape != shape:
            raise ValueError(f"state must have shape {shape}, not {tuple(state.shape)}")
        if lengths is not None and (lengths.min() < 1 or lengths.max() > x.shape[1]):
            raise ValueError(f"lengths must be from 1 to {x.shape[1]}")
        return x.new_zeros(shape) if state is None else state

    @staticmethod
    def ends(output: Tensor, lengths: Tensor | None) -> Tensor:
        last = output.shape[1] - 1 if lengths is None else (lengths - 1).to(torch.long)
        return output[torch.arange(output.shape[0]), last]

    @staticmethod
    def mask(output: Tensor, lengths: Tensor | None) -> Tensor:
        return output if lengths is None else output * (torch.arange(output.shape[1]) < lengths[:, None]).unsqueeze(-1)


class TracedGRU(_Recurrent):
    """`torch.nn.GRU` whose forward also returns r, z, n, h (Cho et al. 2014, PyTorch's variant).

    r_t = σ(W_ir x_t + b_ir + W_hr h_{t−1} + b_hr) · z_t likewise ·
    n_t = tanh(W_in x_t + b_in + r_t ⊙ (W_hn h_{t−1} + b_hn)) · h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, bias: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__(nn.GRU, input_size, hidden_size, num_layers, bias)
        self.draw(generator)

    def forward(
        self,
        x: Tensor,
        state: Tensor | None = None,
        clamp: Sequence[Clamp] | None = None,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, GRUTrace]:
        """x (B, T, input) → output (B, T, H), h_n (layers, B, H), trace. Clamps hold r, z or n."""
        h_0 = self.start(x, state, lengths)
        if clamp:
            check_clamps(clamp, ("r", "z", "n"), self.hidden_size, self.num_layers)
        flow, ends, signals = x, [], []
        for layer in range(self.num_layers):
            before = flow
            if clamp:
                flow, gates = self._by_hand(before, h_0[layer], layer, clamp)
            else:
                flow, _ = torch.gru(
                    before, h_0[layer : layer + 1], self.weights(layer), self.inner.bias, 1, 0.0, self.training, False, True
                )
                with torch.no_grad():
                    earlier = torch.cat([h_0[layer].unsqueeze(1), flow[:, :-1]], 1)
                    gates = torch.stack(self._gates(before, earlier, layer))
            ends.append(self.ends(flow, lengths))
            signals.append(torch.cat([gates.detach(), flow.detach().unsqueeze(0)]))
        r, z, n, h = torch.stack(signals, 1)
        return self.mask(flow, lengths), torch.stack(ends), GRUTrace(r, z, n, h)

    def _gates(self, x: Tensor, h: Tensor, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        w_ih, w_hh, *biases = self.weights(layer)
        b_ih, b_hh = biases if biases else (0.0, 0.0)
        x_r, x_z, x_n = (x @ w_ih.T + b_ih).chunk(3, -1)
        h_r, h_z, h_n = (h @ w_hh.T + b_hh).chunk(3, -1)
        r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
        return r, z, torch.tanh(x_n + r * h_n)

    def _by_hand(self, x: Tensor, h: Tensor, layer: int, clamps: Sequence[Clamp]) -> tuple[Tensor, Tensor]:
        w_ih, w_hh, *biases = self.weights(layer)
        b_ih, b_hh = biases if biases else (0.0, 0.0)
        outputs, gates = [], []
        for t in range(x.shape[1]):
            x_r, x_z, x_n = (x[:, t] @ w_ih.T + b_ih).chunk(3, -1)
            h_r, h_z, h_n = (h @ w_hh.T + b_hh).chunk(3, -1)
            held = {"r": torch.sigmoid(x_r + h_r), "z": torch.sigmoid(x_z + h_z)}
            for clamp in clamps:
                if clamp.gate in held and clamp.touches(layer, t):
                    held[clamp.gate] = clamp.apply(held[clamp.gate])
            n = torch.tanh(x_n + held["r"] * h_n)
            for clamp in clamps:
                if clamp.gate == "n" and clamp.touches(layer, t):
                    n = clamp.apply(n)
            h = (1 - held["z"]) * n + held["z"] * h
            outputs.append(h)
            gates.append(torch.stack([held["r"], held["z"], n]))
        return torch.stack(outputs, 1), torch.stack(gates, 2)


class TracedRNN(_Recurrent):
    """`torch.nn.RNN` with tanh: h_t = tanh(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh) (Elman 1990)."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, bias: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__(nn.RNN, input_size, hidden_size, num_layers, bias)
        self.draw(generator)

    def forward(
        self,
        x: Tensor,
        state: Tensor | None = None,
        clamp: Sequence[Clamp] | None = None,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, RNNTrace]:
        """x (B, T, input) → output (B, T, H), h_n (layers, B, H), trace. There is no gate to clamp."""
        if clamp:
            raise ValueError("clamp: a tanh RNN has no gates")
        h_0 = self.start(x, state, lengths)
        flow, ends, signals = x, [], []
        for layer in range(self.num_layers):
            flow, _ = torch.rnn_tanh(
                flow, h_0[layer : layer + 1], self.weights(layer), self.inner.bias, 1, 0.0, self.training, False, True
            )
            ends.append(self.ends(flow, lengths))
            signals.append(flow.detach())
        return self.mask(flow, lengths), torch.stack(ends), RNNTrace(torch.stack(signals))
