"""One token at a time, for a stream: NumPy, since a torch call costs more than the sums of one step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from app.network import weights
from app.network.traced import TracedLSTM
from app.network.weights import Weights

Array = npt.NDArray[Any]


class StreamingLSTM:
    """A copy of a TracedLSTM's weights, stepped at batch size 1, in the weights' own dtype.

    `layers` holds one `StreamingCell` a layer: their h, c (H,) are the state, i, f, g, o (H,) the last step's
    gates. These are views that every step overwrites. Later training does not reach the copy.
    """

    def __init__(self, layer: TracedLSTM) -> None:
        self.layers = [StreamingCell(weights.of(layer.lstm, k)) for k in range(layer.num_layers)]
        self.h, self.c = self.layers[-1].h, self.layers[-1].c
        self._above = self.layers[1:]

    def reset(self) -> None:
        """Back to the zero state."""
        for cell in self.layers:
            cell.h[:] = 0
            cell.c[:] = 0

    def step(self, x: Array) -> Array:
        """The top layer's hidden state (H,) after reading x (input_size,)."""
        h = self.layers[0].step(x)
        for cell in self._above:
            h = cell.step(h)
        return h

    def step_token(self, token: int) -> Array:
        """The same for the one-hot `token`, 0 … input_size − 1: a row of weights instead of a product."""
        h = self.layers[0].step_token(token)
        for cell in self._above:
            h = cell.step(h)
        return h


class StreamingCell:
    """One layer. x, the hidden state and a 1 for the bias stand in one array, so a step is one product.

    σ(z) = ½ + ½ tanh(z/2): with the ½ of z inside the weights, one tanh serves all four gates.
    """

    def __init__(self, source: Weights) -> None:
        w_ih, w_hh = source.w_ih.detach().numpy(), source.w_hh.detach().numpy()
        size, inputs, dtype = w_hh.shape[1], w_ih.shape[1], w_hh.dtype
        bias = np.zeros(4 * size, dtype)
        for each in (source.b_ih, source.b_hh):
            if each is not None:
                bias += each.detach().numpy()
        scale = np.full(4 * size, 0.5, dtype)
        scale[2 * size : 3 * size] = 1.0
        shift = np.full(4 * size, 0.5, dtype)
        shift[2 * size : 3 * size] = 0.0
        self._scale, self._shift = scale, shift
        # (I + 1 + H, 4H), a copy in C order: a product with rows of one in Fortran order copies them each time.
        self._weights = np.ascontiguousarray(np.concatenate([w_ih.T, bias[None], w_hh.T]) * scale)
        self._rows = self._weights[:inputs] + self._weights[inputs]  # (I, 4H): a token's row and the bias
        self._w_hh = self._weights[inputs + 1 :]
        self._read = np.zeros(inputs + 1 + size, dtype)
        self._read[inputs] = 1.0
        self._x, self.h = self._read[:inputs], self._read[inputs + 1 :]
        self.c = np.zeros(size, dtype)
        self._z = np.zeros(4 * size, dtype)
        self.i, self.f, self.g, self.o = np.split(self._z, 4)
        self._written = np.zeros(size, dtype)

    def step(self, x: Array) -> Array:
        """h (H,) after reading x (I,)."""
        self._x[:] = x
        np.dot(self._read, self._weights, out=self._z)
        return self._finish()

    def step_token(self, token: int) -> Array:
        """h (H,) after reading the one-hot `token`."""
        if not 0 <= token < len(self._rows):
            raise ValueError(f"token must be from 0 to {len(self._rows) - 1}, not {token}")
        np.dot(self.h, self._w_hh, out=self._z)
        self._z += self._rows[token]
        return self._finish()

    def _finish(self) -> Array:
        z = self._z
        np.tanh(z, out=z)
        z *= self._scale
        z += self._shift
        np.multiply(self.i, self.g, out=self._written)
        c, h = self.c, self.h
        c *= self.f
        c += self._written
        np.tanh(c, out=h)
        h *= self.o
        return h
