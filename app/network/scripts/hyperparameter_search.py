"""Grid against random search on one budget, and the best of K on labels that are coin tosses.

Run:  python hyperparameter_search.py digits.npz            (the demo's defaults)
      python hyperparameter_search.py digits.npz budget=27 seeds=1

digits.npz stands in app/network/datasets. A trial is a small LSTM that reads 8 × 8 digits row by row. The demo's third
search is optuna's TPE, which this file leaves out to stay free of it: ask TPESampler for lr, hidden and decay, and tell
it trial(...). Prints one JSON line a metric. Needs torch and numpy.
"""

import json
import math
import sys

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

PARAMS = {"budget": "16", "updates": 24, "seeds": 3, "seed": 0}
GRIDS = {8: (2, 2, 2), 16: (4, 2, 2), 27: (3, 3, 3), 36: (4, 3, 3)}
RANGES = ((1e-4, 1.0), (4, 48), (1e-4, 10.0))  # learning rate, hidden units, weight decay, on a log scale


def generator(*seed):
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def placed(shares):
    """(learning rate, hidden units, decay) at these shares of the ranges."""
    lr, hidden, decay = (
        math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        for (low, high), share in zip(RANGES, shares, strict=True)
    )
    return lr, round(hidden), decay


def grid(budget):
    axes = [[(k + 0.5) / n for k in range(n)] for n in GRIDS[budget]]
    return [placed((a, b, c)) for a in axes[0] for b in axes[1] for c in axes[2]]


def random(budget, seed):
    drawn = torch.rand(budget, 3, generator=generator(seed, 81), dtype=torch.float64).tolist()
    return [placed(shares) for shares in drawn]


class Reader(nn.Module):
    def __init__(self, hidden, outputs, source):
        super().__init__()
        self.lstm, self.head = nn.LSTM(8, hidden, batch_first=True), nn.Linear(hidden, outputs)
        with torch.no_grad():
            for weight in self.parameters():
                weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def measured(model, x, y):
    with torch.no_grad():
        loss = float(cross_entropy(model(x), y))
    return min(loss, 10.0) if math.isfinite(loss) else 10.0


def trial(setting, images, labels, updates, seed):
    """(validation loss, model) of one setting; the first 300 rows train, 150 validate."""
    lr, hidden, decay = setting
    model, batches = Reader(hidden, 10, generator(seed, 83)), generator(seed, 84)
    adam = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=decay, fused=True)
    for _ in range(updates):
        rows = torch.randint(300, (32,), generator=batches)
        loss = cross_entropy(model(images[rows]), labels[rows])
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
    return measured(model, images[300:450], labels[300:450]), model


def flattery(most, seed):
    """(validation, test) accuracy of the best of `most` random voters on coin tosses, over 200 draws of labels."""
    source = generator(seed, 86)
    x, votes = torch.randn(400, 8, 8, generator=source), []
    for _ in range(most):
        model = Reader(8, 1, source)
        with torch.no_grad():
            said = model(x)[:, 0]
        votes.append(said > said.median())
    labels = torch.randint(0, 2, (200, 1, 400), generator=source).bool()
    right = (torch.stack(votes) == labels).float()
    validation, test = right[..., :200].mean(-1), right[..., 200:].mean(-1)
    best = validation.argmax(1, keepdim=True)
    return float(validation.gather(1, best).mean()), float(test.gather(1, best).mean())


def main():
    p, path = dict(PARAMS), "digits.npz"
    for argument in sys.argv[1:]:
        name, equals, text = argument.partition("=")
        if equals:
            p[name] = type(p[name])(text)
        else:
            path = argument
    budget = int(p["budget"])
    torch.set_num_threads(1)
    with np.load(path) as data:
        images, labels = torch.tensor(data["images"]).float() / 16, torch.tensor(data["labels"]).long()
    found = {}
    for seed in range(p["seed"], p["seed"] + p["seeds"]):
        order = torch.randperm(len(images), generator=generator(seed, 82))
        x, y = images[order], labels[order]
        for name, settings in (("grid", grid(budget)), ("random", random(budget, seed))):
            trials = [trial(setting, x, y, p["updates"], seed) for setting in settings]
            best, model = min(trials, key=lambda each: each[0])
            found.setdefault(f"best_{name}", []).append(best)
            found.setdefault(f"test_{name}", []).append(measured(model, x[450:1450], y[450:1450]))
    validation, test = flattery(200, p["seed"])
    found |= {"validation_best_of_200": [validation], "test_best_of_200": [test]}
    for name, values in found.items():
        print(json.dumps({"metric": name, "value": sum(values) / len(values)}))


if __name__ == "__main__":
    main()
