"""The traced network against torch.nn.LSTM, in one process and one run; one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from unittest.mock import patch

import numpy as np
import torch
from torch import nn

from app.demos.frames import gates_event, shown_steps
from app.demos.temporal_order import FRAMES
from app.network import StreamingLSTM, TracedGRU, TracedLSTM, TracedRNN, cell, prepare_process, workspace
from app.network.studies.race import Race
from app.network.train import generator
from app.protocol import encode
from tests.bench.table import Row, ratios

SIZES = ((16, 16), (32, 16), (64, 1), (64, 16), (64, 64), (128, 16), (128, 64))
INPUTS, STEPS = 32, 100


def rows(quick: bool) -> Iterator[Row]:
    prepare_process()
    rounds = 3 if quick else 11
    for hidden, batch in SIZES[::3] if quick else SIZES:
        bar = 1.1 if hidden >= 64 else 1.2
        traced, looked_at, plain, slow, naive = _steps(hidden, batch)
        name = f"H {hidden}, B {batch}, T {STEPS}"
        yield Row(f"training step, traced / nn.LSTM, {name}", ratios(rounds, traced, plain), "×", bar)
        yield Row(
            f"training step, traced and every signal read / nn.LSTM, {name}",
            ratios(rounds, looked_at, plain),
            "×",
        )
        yield Row(f"training step, gates recomputed / nn.LSTM, {name}", ratios(rounds, slow, plain), "×", 1.7)
        few = max(2, rounds // 4)
        if hidden <= 64 and batch <= 16:
            yield Row(
                f"naive loop, four products a step / traced training step, {name}",
                ratios(few, naive, traced),
                "×",
                7,
                at_least=True,
            )
        forward, plain_forward = _forward(hidden, batch)
        yield Row(f"forward only, traced / nn.LSTM, {name}", ratios(rounds, forward, plain_forward), "×", 1.5)
    for hidden, batch in ((16, 32), (64, 16)):
        for kind in (TracedGRU, TracedRNN):
            ours, plain = _comparison(kind, hidden, batch)
            name = f"{kind.__name__} / its torch.nn, H {hidden}, B {batch}, T {STEPS}"
            yield Row(f"training step, {name}", ratios(rounds, ours, plain), "×", 1)
    yield Row("streaming inference, B 1, H 64", _streaming(), "µs a token", 10)
    drawn, plain = _race(drawing=True), _race(drawing=False)
    yield Row("temporal order race, drawn / not drawn", ratios(2 if quick else 5, drawn, plain), "×", 1.1)


def _comparison(
    kind: type[TracedGRU | TracedRNN], hidden: int, batch: int
) -> tuple[Callable[[], float], Callable[[], float]]:
    """Forward and backward of a GRU or RNN with all its gates, and of the plain module inside it."""
    layer = kind(INPUTS, hidden, generator=generator(1))
    x = torch.randn(batch, STEPS, INPUTS, generator=generator(2))

    def step(run: nn.Module) -> Callable[[], None]:
        def once() -> None:
            layer.zero_grad(set_to_none=True)
            run(x)[0][:, -1].square().sum().backward()

        return once

    return _timed(step(layer), 10), _timed(step(layer.inner), 10)


def _timed(work: Callable[[], object], times: int) -> Callable[[], float]:
    def measure() -> float:
        began = time.perf_counter()
        for _ in range(times):
            work()
        return (time.perf_counter() - began) / times

    work()
    return measure


def _steps(hidden: int, batch: int) -> tuple[Callable[[], float], ...]:
    """A training step (forward, backward, Adam): traced, traced and read, plain, without the workspace, naive."""
    source = generator(1)
    x = torch.randn(batch, STEPS, INPUTS, generator=source)
    times = max(1, 4000 // (hidden * batch))

    def step(run: Callable[[torch.Tensor], torch.Tensor], module: nn.Module) -> Callable[[], None]:
        adam = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)

        def once() -> None:
            adam.zero_grad(set_to_none=True)
            run(x)[:, -1].square().sum().backward()
            adam.step()

        return once

    made = TracedLSTM(INPUTS, hidden, generator=source)
    other = TracedLSTM(INPUTS, hidden, generator=source)
    plain = nn.LSTM(INPUTS, hidden, batch_first=True)
    by_hand = cell.LSTMCellReference(INPUTS, hidden, generator=source)

    def four_products(x: torch.Tensor) -> torch.Tensor:
        """The textbook loop: each gate its own product at every step."""
        w, u = by_hand.weight_ih.chunk(4), by_hand.weight_hh.chunk(4)
        assert by_hand.bias_ih is not None
        assert by_hand.bias_hh is not None
        b, d = by_hand.bias_ih.chunk(4), by_hand.bias_hh.chunk(4)
        h = c = x.new_zeros(batch, hidden)
        outputs = []
        for t in range(STEPS):
            z = [x[:, t] @ w[k].T + b[k] + h @ u[k].T + d[k] for k in range(4)]
            c = torch.sigmoid(z[1]) * c + torch.sigmoid(z[0]) * torch.tanh(z[2])
            h = torch.sigmoid(z[3]) * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs, 1)

    def all_read(x: torch.Tensor) -> torch.Tensor:
        output, _, trace = made(x)
        for name in ("i", "f", "g", "o", "c", "h"):
            getattr(trace, name)
        return output

    recomputed = step(lambda x: other(x)[0], other)

    def without_workspace() -> None:
        with patch.object(workspace, "enabled", lambda: False):
            recomputed()

    return (
        _timed(step(lambda x: made(x)[0], made), times),
        _timed(step(all_read, made), times),
        _timed(step(lambda x: plain(x)[0], plain), times),
        _timed(without_workspace, times),
        _timed(step(four_products, by_hand), max(1, times // 8)),
    )


def _forward(hidden: int, batch: int) -> tuple[Callable[[], float], Callable[[], float]]:
    source = generator(2)
    x = torch.randn(batch, STEPS, INPUTS, generator=source)
    made = TracedLSTM(INPUTS, hidden, generator=source)
    times = max(2, 8000 // (hidden * batch))

    def run(module: nn.Module) -> Callable[[], None]:
        def once() -> None:
            with torch.no_grad():
                module(x)

        return once

    return _timed(run(made), times), _timed(run(made.lstm), times)


def _race(*, drawing: bool) -> Callable[[], float]:
    """CPU seconds of one seed's race at the demo's defaults, with or without its frames, rulers and encoding."""

    def run() -> float:
        frames = frozenset(shown_steps(300, FRAMES)) if drawing else frozenset[int]()
        race = Race(steps=40, hidden=16, lr=0.01, seed=0)
        began = time.process_time()
        for moment in race.run(300, frames):
            if moment.frame is not None:
                lane, trace, ruler = moment.frame
                encode(gates_event("gates", trace, moment.step, race.tokens, lane=lane, ruler=ruler))
        return time.process_time() - began

    return run


def _streaming() -> float:
    layer = StreamingLSTM(TracedLSTM(INPUTS, 64, generator=generator(3)))
    tokens = np.random.default_rng(0).integers(0, INPUTS, 2000).tolist()

    def read() -> None:
        for token in tokens:
            layer.step_token(token)

    measure = _timed(read, 1)
    return min(measure() for _ in range(5)) / len(tokens) * 1e6
