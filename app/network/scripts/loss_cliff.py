"""The cliff in the loss of a one-unit recurrent network, and gradient descent with and without clipping.

Run:  python loss_cliff.py            (the demo's defaults)
      python loss_cliff.py start_w=6 start_b=-2.6 lr=0.5 threshold=0.1 T=50

Pascanu, Mikolov & Bengio 2013, figure 6. Prints one JSON line a metric: the share of walkers that are on the page
(w from 2 to 8, b from −4 to 0) to the end, for each way to clip, and how much steeper than the typical slope the wall
is. Everything in float64. Needs torch only.
"""

import json
import math
import sys

import torch

PARAMS = {"cell": "rnn", "start_w": 5.5, "start_b": -2.2, "lr": 0.3, "threshold": 0.1, "T": 50, "updates": 120, "starts": 8, "seed": 0}  # fmt: skip  # noqa: E501
W, B = (2.0, 8.0), (-4.0, 0.0)
LANES = ("none", "norm", "value")


def generator(*seed):
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def loss(cell, w, b, steps):
    if cell == "rnn":
        x = torch.full_like(w, 0.5)
        for _ in range(steps):
            x = w * torch.sigmoid(x) + b
        return (torch.sigmoid(x) - 0.7) ** 2
    h, c = torch.full_like(w, 0.4), torch.full_like(w, 0.5)
    for _ in range(steps):
        z = w * h
        gate = torch.sigmoid(z)  # input and output gate alike
        c = torch.sigmoid(z + 1.0) * c + gate * torch.tanh(z + b)
        h = gate * torch.tanh(c)
    return (h - 0.7) ** 2


def slope(cell, points, steps):
    """(loss, gradient) at points (…, 2)."""
    points = points.detach().requires_grad_()
    value = loss(cell, points[..., 0], points[..., 1], steps)
    value.sum().backward()
    return value.detach(), points.grad


def typical(cell, steps):
    """The median slope over the page."""
    w, b = torch.linspace(*W, 41, dtype=torch.float64), torch.linspace(*B, 41, dtype=torch.float64)
    _, gradient = slope(cell, torch.stack([w.expand(41, 41), b[:, None].expand(41, 41)], -1), steps)
    return float(gradient.norm(dim=-1).median())


def wall(cell, w, steps):
    """The steepest slope met while closing in on the largest jump along a line of constant w."""
    (low, high), steepest = B, 0.0
    for _ in range(8):
        b = torch.linspace(low, high, 65, dtype=torch.float64)
        value, gradient = slope(cell, torch.stack([torch.full_like(b, w), b], -1), steps)
        steepest = max(steepest, float(gradient.norm(dim=-1).max()))
        jump = int(value.diff().abs().argmax())
        low, high = float(b[jump]), float(b[jump + 1])
        if high - low < 1e-14:
            break
    return steepest


def descend(p):
    """For every lane and start, whether the walker left the page."""
    first = torch.tensor([p["start_w"], p["start_b"]], dtype=torch.float64).repeat(p["starts"], 1)
    off = torch.randn(p["starts"], 2, generator=generator(p["seed"], 41), dtype=torch.float64)
    first[1:] += 0.05 * off[1:]
    first = torch.stack([first[:, 0].clamp(*W), first[:, 1].clamp(*B)], -1)
    points, left = first.expand(3, -1, -1).clone(), torch.zeros(3, p["starts"], dtype=torch.bool)
    for step in range(p["updates"] + 1):
        _, (none, norm, value) = slope(p["cell"], points, p["T"])
        if step == p["updates"]:
            break
        length = norm.norm(dim=-1, keepdim=True).clamp_min(1e-300)
        norm = norm * (p["threshold"] / length).clamp(max=1.0)
        value = value.clamp(-p["threshold"], p["threshold"])
        points = points - p["lr"] * torch.stack([none, norm, value]) * ~left[..., None]
        w, b = points[..., 0], points[..., 1]
        left |= (w < W[0]) | (w > W[1]) | (b < B[0]) | (b > B[1])
    return left


def main():
    p = dict(PARAMS)
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    left = descend(p)
    found = {f"kept_{lane}": 1 - float(left[k].double().mean()) for k, lane in enumerate(LANES)}
    for cell in ("rnn", "lstm"):
        found[f"wall_{cell}"] = wall(cell, 5.0, p["T"]) / typical(cell, p["T"])
    for name, value in found.items():
        print(json.dumps({"metric": name, "value": value if math.isfinite(value) else None}))


if __name__ == "__main__":
    main()
