"""What a traced LSTM tells of one forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor

from app.network.clamp import Clamp, Held
from app.network.gradient import backward_scan
from app.network.padding import Padding

Signals = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]  # i, f, g, o, c, each (B, T, H)


class Part:
    """One layer's signals i, f, g, o, c, h, each (B, T, H), and the state it started from, (B, H); all detached.

    `read` gives i, f, g, o, c when one of them is first asked for: most training steps are never looked at.
    """

    def __init__(self, read: Callable[[], Signals], h: Tensor, h_0: Tensor, c_0: Tensor) -> None:
        self._read = read
        self.h, self.h_0, self.c_0 = h, h_0, c_0

    @cached_property
    def signals(self) -> Signals:
        """(i, f, g, o, c)."""
        return self._read()

    @property
    def i(self) -> Tensor:
        return self.signals[0]

    @property
    def f(self) -> Tensor:
        return self.signals[1]

    @property
    def g(self) -> Tensor:
        return self.signals[2]

    @property
    def o(self) -> Tensor:
        return self.signals[3]

    @property
    def c(self) -> Tensor:
        return self.signals[4]


class Trace:
    """All six signals of an LSTM, each (layers, B, T, H), detached.

    i, f, o in (0, 1); g, h in (−1, 1); c unbounded; h_0 and c_0 (layers, B, H). Past a padded sequence's
    end the state is held: i = o = h = 0, f = 1, c = c_n. With one layer every signal is a view of what the
    kernel keeps, made when it is first asked for; with two, the layers are put together then.
    """

    def __init__(
        self, parts: Sequence[Part], clamps: Sequence[Clamp] = (), padding: Padding | None = None
    ) -> None:
        self.parts, self.clamps, self.padding = tuple(parts), tuple(clamps), padding

    @cached_property
    def i(self) -> Tensor:
        """Input gate."""
        return self._joined("i")

    @cached_property
    def f(self) -> Tensor:
        """Forget gate: 1 keeps, 0 erases."""
        return self._joined("f")

    @cached_property
    def g(self) -> Tensor:
        """Candidate."""
        return self._joined("g")

    @cached_property
    def o(self) -> Tensor:
        """Output gate."""
        return self._joined("o")

    @cached_property
    def c(self) -> Tensor:
        """Cell state."""
        return self._joined("c")

    @cached_property
    def h(self) -> Tensor:
        """Hidden state."""
        return self._joined("h")

    @cached_property
    def h_0(self) -> Tensor:
        """Hidden state before the first step, (layers, B, H)."""
        return self._joined("h_0")

    @cached_property
    def c_0(self) -> Tensor:
        """Cell state before the first step, (layers, B, H)."""
        return self._joined("c_0")

    def _joined(self, name: str) -> Tensor:
        found: list[Tensor] = [getattr(part, name) for part in self.parts]
        return found[0].unsqueeze(0) if len(found) == 1 else torch.stack(found)

    def retention(self, layer: int = -1) -> Tensor:
        """The memory ruler: ∏_{k=t+1..T} f_k for each t, (B, T, H).

        The part of ∂c_T/∂c_t that goes along the cell alone, with no weight and no squashing in it
        (Hochreiter & Schmidhuber 1997; Gers et al. 2000). For a padded sequence T is its own last step.
        """
        f = self.parts[layer].f
        kept = torch.ones(f.shape, dtype=f.dtype)
        kept[:, :-1] = f[:, 1:].flip(1).cumprod(1).flip(1)
        return kept

    def gradients(
        self, d_output: Tensor, weight_hh: Tensor, layer: int = -1, *,
        d_h_n: Tensor | None = None, d_c_n: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """(∂L/∂h_t, ∂L/∂c_t), each (B, T, H): the whole gradient that reaches a state, by one backward scan.

        `d_output` (B, T, H) is ∂L/∂ this layer's output (`output.retain_grad()` before backward, then
        `output.grad`); d_h_n and d_c_n (B, H) are those of the final states, where the loss uses them.
        `weight_hh` (4H, H) is the recurrent matrix as it was in the forward pass: ask before the update.
        Of a single sequence (trace with B = 1) `d_output` may hold any number of gradients at once.
        """
        d_h, d_c, _ = self.scan(d_output, weight_hh, layer, d_h_n, d_c_n)
        return d_h, d_c

    def scan(
        self, d_output: Tensor, weight_hh: Tensor, layer: int, d_h_n: Tensor | None, d_c_n: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The same, and ∂L/∂z (B, T, 4H), the gradient of the gates' pre-activations."""
        part = self.parts[layer]
        batch, steps, hidden = part.h.shape
        if d_output.shape[1:] != (steps, hidden) or batch not in (1, d_output.shape[0]):
            raise ValueError(
                f"d_output must have shape {(batch, steps, hidden)}, not {tuple(d_output.shape)}"
            )
        held = Held(self.clamps, layer % len(self.parts), steps, hidden, part.h)
        return backward_scan(
            part, d_output, weight_hh, d_h_n=d_h_n, d_c_n=d_c_n, held=held, padding=self.padding
        )
