"""Counting in plain PyTorch: RNN, GRU and LSTM at equal parameters on aⁿbⁿ, tested past the training length.

Run:  python counting.py               (the demo's defaults)
      python counting.py largest=16 seeds=1

S aⁿ bⁿ is read and the next symbol predicted; a sequence is right if every b but the first and the final S
are. reach_… is the median over seeds of the largest N such that n = 1 … N are all right.
Prints one JSON line a metric. Needs torch only.
"""

import json
import statistics
import sys

import torch
from torch import nn

PARAMS = {"largest": 8, "seeds": 4, "steps": 200, "lr": 0.08, "hidden": 10, "seed": 0}
LANES = {"rnn": (nn.RNN, 1), "gru": (nn.GRU, 3), "lstm": (nn.LSTM, 4)}
FARTHEST = 60


def generator(*seed):
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def draw(module, bound, source):
    with torch.no_grad():
        for weight in module.parameters():
            weight.uniform_(-bound, bound, generator=source)


def size(sets, hidden):
    return sets * (hidden * (hidden + 3) + 2 * hidden)


def build(lane, hidden, seed):
    """The lane's layer and read-out, with about as many parameters as an LSTM of `hidden` units."""
    module, sets = LANES[lane]
    units = min(range(1, 4 * hidden + 8), key=lambda h: abs(size(sets, h) - size(4, hidden)))
    source = generator(seed, list(LANES).index(lane))
    layer, head = module(3, units, batch_first=True), nn.Linear(units, 3)
    draw(layer, units**-0.5, source)
    draw(head, units**-0.5, source)
    return layer, head


def sequences(n, largest):
    """x (B, T, 3) over S, a, b; the next symbols (B, T), −100 past the end; where they are certain."""
    n, place = n[:, None], torch.arange(2 * largest + 1)
    symbols = torch.where(place == 0, 0, torch.where(place <= n, 1, 2))
    inside = place <= 2 * n
    following = torch.where(place < n, 1, torch.where(place < 2 * n, 2, 0))
    x = nn.functional.one_hot(symbols, 3).float() * inside[..., None]
    return x, torch.where(inside, following, -100), inside & (place > n)


def reach(layer, head, test):
    x, y, certain = test
    with torch.no_grad():
        wrong = ((head(layer(x)[0]).argmax(-1) != y) & certain).any(1).nonzero()
    return int(wrong[0]) if len(wrong) else len(y)


def train(lane, p, seed):
    """The lane's reach after training."""
    layer, head = build(lane, p["hidden"], seed)
    parameters = [*layer.parameters(), *head.parameters()]
    adam = torch.optim.Adam(parameters, lr=p["lr"], fused=True)
    source, farthest = generator(seed, 99), max(FARTHEST, p["largest"])
    for step in range(1, p["steps"] + 1):
        n = torch.randint(1, p["largest"] + 1, (16,), generator=source)
        x, y, _ = sequences(n, p["largest"])
        for group in adam.param_groups:
            group["lr"] = p["lr"] * (1.0 - 0.9 * (step - 1) / p["steps"])
        loss = nn.functional.cross_entropy(head(layer(x)[0]).reshape(-1, 3), y.reshape(-1))
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
    return reach(layer, head, sequences(torch.arange(1, farthest + 1), farthest))


def main():
    p = dict(PARAMS)
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    for lane in LANES:
        found = [train(lane, p, p["seed"] + k) for k in range(p["seeds"])]
        print(json.dumps({"metric": f"reach_{lane}", "value": float(statistics.median(found))}))


if __name__ == "__main__":
    main()
