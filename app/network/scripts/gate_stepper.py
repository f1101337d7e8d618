# ruff: noqa: E501 - PARAMS is one line
"""The LSTM's six equations written out over your own text or numbers, held against nn.LSTM.

Run:  python gate_stepper.py                              (the demo's defaults)
      python gate_stepper.py "text=1, 0, -1" steps=100 clamp=keep
      python gate_stepper.py text=hello clamp_gate=f clamp_value=0.5 clamp_from=2 clamp_to=4

The weights are random and untrained. A held gate keeps its value whatever is read: clamp=keep is f = 1 and
i = 0, forget is f = 0, open is i = f = o = 1; clamp_gate holds one more over steps counted from 1.
Prints one JSON line a metric. Needs torch only.
"""

import json
import re
import sys
from typing import Any

import torch
from torch import Tensor, nn

# fmt: off
PARAMS = {"text": "hello", "steps": 0, "hidden": 4, "forget_bias": 0.0, "c0": 1.0, "clamp": "none", "clamp_gate": "none", "clamp_value": 1.0, "clamp_from": 1, "clamp_to": 100, "seed": 0}
# fmt: on
NUMBERS = r"\s*[-+]?\d*\.?\d+(?:[\s,，、]+[-+]?\d*\.?\d+)*\s*"
HELD: dict[str, dict[str, float]] = {
    "none": {},
    "keep": {"f": 1.0, "i": 0.0},
    "forget": {"f": 0.0},
    "open": {"i": 1.0, "f": 1.0, "o": 1.0},
}


def read(text: str, steps: int) -> Tensor:
    """x (T, I): numbers as they are, characters one-hot over the distinct ones; round and round for `steps`."""
    if re.fullmatch(NUMBERS, text):
        x = torch.tensor([float(part) for part in re.split(r"[\s,，、]+", text.strip())][:60])[:, None]
    else:
        known = sorted(set(text))
        x = torch.eye(len(known))[[known.index(char) for char in text]]
    steps = steps or len(x)
    return x.repeat(-(-steps // len(x)), 1)[:steps]


def build(inputs: int, p: dict[str, Any]) -> nn.LSTM:
    """PyTorch's own layer, its weights drawn from U(±1/√H) in PyTorch's order, then the forget bias."""
    hidden = p["hidden"]
    layer = nn.LSTM(inputs, hidden, batch_first=True)
    source = torch.Generator().manual_seed(p["seed"] + 1)
    forget = slice(hidden, 2 * hidden)  # PyTorch's order: i, f, g, o
    with torch.no_grad():
        for weight in layer.parameters():
            weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)
        if p["forget_bias"] > 0:  # PyTorch adds two biases
            _, _, first, second = layer.all_weights[0]
            first[forget], second[forget] = p["forget_bias"], 0.0
    return layer


def unroll(
    layer: nn.LSTM, x: Tensor, c0: float, held: dict[int, dict[str, float]]
) -> list[dict[str, Tensor]]:
    """Every step's i, f, g, o, c, h, each (H,); `held` maps a step from 0 to the gates held there."""
    w_ih, w_hh, b_ih, b_hh = layer.all_weights[0]
    h, c, steps = torch.zeros(layer.hidden_size), torch.full((layer.hidden_size,), c0), []
    for t, x_t in enumerate(x):
        z = w_ih @ x_t + b_ih + w_hh @ h + b_hh
        z_i, z_f, z_g, z_o = z.chunk(4)
        gates = {"i": z_i.sigmoid(), "f": z_f.sigmoid(), "g": z_g.tanh(), "o": z_o.sigmoid()}
        for name, value in held.get(t, {}).items():
            gates[name] = torch.full_like(c, value)
        c = gates["f"] * c + gates["i"] * gates["g"]
        h = gates["o"] * c.tanh()
        steps.append({**gates, "c": c, "h": h})
    return steps


def measure(p: dict[str, Any]) -> dict[str, float | None]:
    x, c0 = read(p["text"], p["steps"]), p["c0"]
    layer = build(x.shape[1], p)
    chosen = {t: dict(HELD[p["clamp"]]) for t in range(len(x))}
    if p["clamp_gate"] != "none":
        for t in range(p["clamp_from"] - 1, min(p["clamp_to"], len(x))):
            chosen[t][p["clamp_gate"]] = p["clamp_value"]
    with torch.no_grad():
        free, held = unroll(layer, x, c0, {}), unroll(layer, x, c0, chosen)
        state = (torch.zeros(1, 1, p["hidden"]), torch.full((1, 1, p["hidden"]), c0))
        theirs = layer(x[None], state)[0][0]
        long = x.repeat(-(-100 // len(x)), 1)[:100]
        kept = unroll(layer, long, c0, dict.fromkeys(range(100), HELD["keep"]))
        gone = unroll(layer, x, c0, dict.fromkeys(range(len(x)), HELD["forget"]))[0]
    drift = max(float((step["c"] - c0).abs().max()) for step in held)
    left = float(held[-1]["c"].abs().mean())
    return {
        "max_abs_diff": max(float((step["h"] - h).abs().max()) for step, h in zip(free, theirs, strict=True)),
        "c_drift": drift / abs(c0) if c0 else drift,
        "c_kept": left / abs(c0) if c0 else None,
        "max|c_t − c_0|": max(float((step["c"] - c0).abs().max()) for step in kept),
        "|c_1 − i·g|": float((gone["c"] - gone["i"] * gone["g"]).abs().max()),
    }


def main() -> None:
    p: dict[str, Any] = dict(PARAMS)
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    for name, value in measure(p).items():
        sys.stdout.write(json.dumps({"metric": name, "value": value}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
