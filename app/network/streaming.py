"""One token at a time, for a stream: NumPy with arrays made once, since a torch call costs more than the sums."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.network.traced import TracedLSTM

_Array = npt.NDArray[np.float32]


class StreamingLSTM:
    """A one-layer TracedLSTM's weights, stepped at batch size 1.

    Attributes h, c (H,) are the state; i, f, g, o (H,) views of the last step's gates.
    """

    def __init__(self, layer: TracedLSTM) -> None:
        if layer.num_layers != 1:
            raise ValueError(f"num_layers must be 1 to be streamed, not {layer.num_layers}")
        weights = {name: value.detach().numpy() for name, value in layer.lstm.named_parameters()}
        size = layer.hidden_size
        self._w_x: _Array = np.ascontiguousarray(weights["weight_ih_l0"].T)
        self._w_h: _Array = np.ascontiguousarray(weights["weight_hh_l0"].T)
        biases = [weights[name] for name in ("bias_ih_l0", "bias_hh_l0") if name in weights]
        self._bias: _Array = sum(biases, np.zeros(4 * size, np.float32))
        # σ(z) = (1 + tanh(z/2)) / 2: one tanh call then serves all four gates.
        self._scale: _Array = np.full(4 * size, 0.5, np.float32)
        self._scale[2 * size : 3 * size] = 1.0
        self._shift: _Array = np.full(4 * size, 0.5, np.float32)
        self._shift[2 * size : 3 * size] = 0.0
        self._w_x *= self._scale
        self._w_h *= self._scale
        self._bias = self._bias * self._scale
        self._z: _Array = np.empty(4 * size, np.float32)
        self._from_x: _Array = np.empty(4 * size, np.float32)
        self.i, self.f, self.g, self.o = np.split(self._z, 4)
        self.h: _Array = np.zeros(size, np.float32)
        self.c: _Array = np.zeros(size, np.float32)
        self._write: _Array = np.empty(size, np.float32)

    def reset(self) -> None:
        self.h[:] = 0
        self.c[:] = 0

    def step(self, x: _Array) -> _Array:
        """The hidden state (H,) after reading x (input_size,); a view that the next step overwrites."""
        z = self._z
        np.dot(self.h, self._w_h, out=z)
        np.dot(x, self._w_x, out=self._from_x)
        z += self._from_x
        return self._finish(z)

    def step_token(self, token: int) -> _Array:
        """The same for a one-hot input: a row of the weights instead of a product."""
        z = self._z
        np.dot(self.h, self._w_h, out=z)
        z += self._w_x[token]
        return self._finish(z)

    def _finish(self, z: _Array) -> _Array:
        z += self._bias
        np.tanh(z, out=z)
        z *= self._scale
        z += self._shift
        np.multiply(self.i, self.g, out=self._write)
        self.c *= self.f
        self.c += self._write
        np.tanh(self.c, out=self.h)
        self.h *= self.o
        return self.h
