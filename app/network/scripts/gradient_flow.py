"""How much of the gradient reaches the first step: log₁₀ of ‖∂L/∂x_1‖ / ‖∂L/∂x_T‖ before any training.

Run:  python gradient_flow.py                        (the demo's defaults)
      python gradient_flow.py T=100 forget_bias=3 seeds=5
      python gradient_flow.py cell=lstm scale=20

L is a random linear read-out of the last hidden state of a batch of noise; means over seeds. `forget_bias` 0
leaves PyTorch's start, `scale` multiplies the recurrent weights, `clip` > 0 clips the gradient's norm.
In float64: float32 underflows by T = 100. Prints one JSON line a metric. Needs torch only.
"""

import json
import math
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

# fmt: off
PARAMS = {"cell": "lstm", "T": 50, "forget_bias": 0.0, "scale": 1.0, "clip": 0.0, "hidden": 32, "seeds": 3, "seed": 0}
# fmt: on
KINDS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
INPUTS, BATCH = 8, 16


def generator(*seed: int) -> torch.Generator:
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def draw(module: nn.Module, bound: float, source: torch.Generator) -> None:
    """All weights from U(±bound), in PyTorch's order."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.uniform_(-bound, bound, generator=source)


def log10(value: float) -> float:
    return math.log10(value) if 0 < value < math.inf else (-math.inf if value == 0 else math.inf)


def ratio(cell: str, p: dict[str, Any], seed: int) -> float:
    """log₁₀ ‖∂L/∂x_1‖ − log₁₀ ‖∂L/∂x_T‖ of one cell and seed."""
    hidden, source = p["hidden"], generator(seed, list(KINDS).index(cell))
    layer = KINDS[cell](INPUTS, hidden, batch_first=True)
    draw(layer, hidden**-0.5, source)
    if cell == "lstm" and p["forget_bias"] > 0:
        forget = slice(hidden, 2 * hidden)  # of i, f, g, o; PyTorch adds two biases
        with torch.no_grad():
            _, _, first, second = layer.all_weights[0]
            first[forget], second[forget] = p["forget_bias"], 0.0
    head = nn.Linear(hidden, 1)
    draw(head, hidden**-0.5, source)
    layer, head = layer.double(), head.double()
    x = torch.randn(BATCH, p["T"], INPUTS, generator=source, dtype=torch.float64).requires_grad_()
    with torch.no_grad():
        layer.all_weights[0][1].mul_(p["scale"])
    (gradient,) = torch.autograd.grad(head(layer(x)[0][:, -1]).sum(), x)
    if p["clip"] > 0:
        gradient = gradient * min(1.0, p["clip"] / (float(gradient.norm()) + 1e-6))
    norms = gradient.norm(dim=(0, 2)).tolist()
    return log10(norms[0]) - log10(norms[-1])


def main() -> None:
    p: dict[str, Any] = dict(PARAMS)
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    found = {}
    for cell in KINDS:
        each = [ratio(cell, p, seed) for seed in range(p["seed"], p["seed"] + p["seeds"])]
        found[f"log10_ratio_{cell}"] = sum(each) / len(each)
    found["log10_ratio"] = found[f"log10_ratio_{p['cell']}"]
    for name, value in found.items():
        shown = value if math.isfinite(value) else None  # underflow or overflow, not a number
        sys.stdout.write(json.dumps({"metric": name, "value": shown}) + "\n")


if __name__ == "__main__":
    main()
