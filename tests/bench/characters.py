"""Character language model, tokens a second: traced at B 1 and 32, a NumPy LSTM of our own, recurrentjs on node."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from app.network import TracedLSTM
from app.network.train import generator, linear
from tests.bench.table import Row

VOCABULARY = 40
SIZES = ((20, 25), (64, 50), (128, 50))
RECURRENTJS = """
const R = require('recurrentjs'); const [H, T, V, secs] = process.argv.slice(2).map(Number);
const model = R.initLSTM(V, [H], V); const solver = new R.Solver(); let tokens = 0; const began = Date.now();
while (Date.now() - began < secs * 1000) {
  const G = new R.Graph(); let prev = {};
  for (let t = 0; t < T; t++) {
    const x = new R.Mat(V, 1); x.w[(tokens * 7 + t) % V] = 1;
    const out = R.forwardLSTM(G, model, [H], x, prev); prev = out;
    const p = R.softmax(out.o); const y = (tokens * 7 + t + 1) % V; out.o.dw = p.w; out.o.dw[y] -= 1;
  }
  G.backward(); solver.step(model, 0.01, 1e-6, 5); tokens += T;
}
console.log(JSON.stringify({ rate: tokens / ((Date.now() - began) / 1000) }));
"""


def rows(quick: bool) -> Iterator[Row]:
    seconds = 0.5 if quick else 2.0
    for hidden, steps in SIZES[:1] if quick else SIZES:
        name = f"H {hidden}, T {steps}"
        one, many, own = (
            _torch(hidden, steps, 1, seconds),
            _torch(hidden, steps, 32, seconds),
            _numpy(hidden, steps, seconds),
        )
        yield Row(f"char-LM training, traced B 1, {name}", one, "tokens/s")
        yield Row(f"char-LM training, traced B 32, {name}", many, "tokens/s")
        yield Row(f"char-LM training, NumPy by hand B 1, {name}", own, "tokens/s")
        yield Row(f"traced B 1 / NumPy by hand, {name}", one / own, "×", 1.0, at_least=True)
        peer = _recurrentjs(hidden, steps, seconds)
        if peer:
            yield Row(f"char-LM training, recurrentjs, {name}", peer, "tokens/s")
            yield Row(f"traced B 1 / recurrentjs, {name}", one / peer, "×", 1.0, at_least=True)


def _torch(hidden: int, steps: int, batch: int, seconds: float) -> float:
    source = generator(4)
    layer, head = TracedLSTM(VOCABULARY, hidden, generator=source), linear(hidden, VOCABULARY, source)
    adam = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.01, fused=True)
    index = torch.randint(0, VOCABULARY, (batch, steps + 1), generator=source)
    x, y = nn.functional.one_hot(index[:, :-1], VOCABULARY).float(), index[:, 1:].reshape(-1)
    tokens, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        adam.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(head(layer(x)[0]).view(-1, VOCABULARY), y).backward()
        adam.step()
        tokens += batch * steps
    return tokens / (time.perf_counter() - began)


def _numpy(hidden: int, steps: int, seconds: float) -> float:
    """An LSTM language model written out in NumPy: forward, backward through time, Adagrad, one sequence."""
    chance = np.random.default_rng(0)
    w = chance.normal(0, 0.1, (4 * hidden, VOCABULARY + hidden + 1)).astype(np.float32)
    v = chance.normal(0, 0.1, (VOCABULARY, hidden)).astype(np.float32)
    memory_w, memory_v = np.zeros_like(w), np.zeros_like(v)
    tokens = chance.integers(0, VOCABULARY, steps + 1)
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        h, c, kept = np.zeros(hidden, np.float32), np.zeros(hidden, np.float32), []
        dv, dhs = np.zeros_like(v), []
        for t in range(steps):
            read = np.zeros(w.shape[1], np.float32)
            read[tokens[t]], read[VOCABULARY:-1], read[-1] = 1.0, h, 1.0
            z = w @ read
            gates = 1 / (1 + np.exp(-z))
            gates[2 * hidden : 3 * hidden] = np.tanh(z[2 * hidden : 3 * hidden])
            i, f, g, o = np.split(gates, 4)
            before, c = c, f * c + i * g
            h = o * np.tanh(c)
            p = np.exp(v @ h)
            p /= p.sum()
            p[tokens[t + 1]] -= 1
            dv += np.outer(p, h)
            dhs.append(v.T @ p)
            kept.append((read, i, f, g, o, before, c))
        dw, dh, dc = np.zeros_like(w), np.zeros(hidden, np.float32), np.zeros(hidden, np.float32)
        for t in reversed(range(steps)):
            read, i, f, g, o, before, c = kept[t]
            dh = dh + dhs[t]
            squashed = np.tanh(c)
            dc = dc + dh * o * (1 - squashed**2)
            dz = np.concatenate(
                [
                    dc * g * i * (1 - i),
                    dc * before * f * (1 - f),
                    dc * i * (1 - g**2),
                    dh * squashed * o * (1 - o),
                ]
            )
            dw += np.outer(dz, read)
            dh, dc = w[:, VOCABULARY:-1].T @ dz, dc * f
        for weight, gradient, memory in ((w, dw, memory_w), (v, dv, memory_v)):
            np.add(memory, gradient**2, out=memory)
            np.subtract(weight, 0.1 * gradient / np.sqrt(memory + 1e-8), out=weight)
        done += steps
    return done / (time.perf_counter() - began)


def _recurrentjs(hidden: int, steps: int, seconds: float) -> float | None:
    """Fetched from npm for this measurement only; None where node or the package cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    with tempfile.TemporaryDirectory() as folder:
        fetch = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "recurrentjs"]
        if subprocess.run(fetch, cwd=folder, capture_output=True, check=False).returncode:
            return None
        Path(folder, "bench.js").write_text(RECURRENTJS)
        words = [str(n) for n in (hidden, steps, VOCABULARY, seconds)]
        done = subprocess.run(
            [node, "bench.js", *words], cwd=folder, capture_output=True, text=True, check=False
        )
        return float(json.loads(done.stdout)["rate"]) if done.returncode == 0 else None
