"""Accuracy, F1, average precision and perplexity of an LSTM that looks for rare blips in noise.

    python metrics_lab.py                 5 % positive, as in the demo's defaults
    python metrics_lab.py share=50 seeds=1

Prints one JSON line per metric. Needs torch and numpy.
"""
# ruff: noqa: E501 - PARAMS stand on one line

import json
import math
import sys

import numpy as np
import torch
from torch import nn

# fmt: off
PARAMS = {"share": 5, "threshold": 0.5, "weight": 1.0, "amplitude": 2.0, "seeds": 3, "steps": 250, "hidden": 16, "lr": 0.02, "seed": 0}
# fmt: on

STEPS, BATCH, HELD_OUT = 16, 64, 2000


def generator(*seed):
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def blips(batch, p, source):
    """Noise (B, T, 1); in the given share of the sequences two steps up and two down are added at some place."""
    x = torch.randn(batch, STEPS, generator=source)
    y = torch.rand(batch, generator=source) < p["share"] / 100
    place = torch.randint(0, STEPS - 3, (batch,), generator=source)
    for k, height in enumerate((1.0, 1.0, -1.0, -1.0)):
        x[torch.arange(batch), place + k] += p["amplitude"] * height * y
    return x.unsqueeze(-1), y.float()


class Detector(nn.Module):
    def __init__(self, hidden, source):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)
        with torch.no_grad():
            for p in self.parameters():  # lstm first, then head, in PyTorch's order
                p.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)
            self.lstm.bias_ih_l0[hidden : 2 * hidden] = 1.0  # the forget gate; PyTorch adds two biases
            self.lstm.bias_hh_l0[hidden : 2 * hidden] = 0.0

    def forward(self, x):
        return self.head(self.lstm(x)[0].mean(1)).squeeze(-1)


def f1(chances, labels, threshold):
    said = chances >= threshold
    hits, wrong = int((said & labels).sum()), int((said != labels).sum())
    return 2 * hits / max(1, 2 * hits + wrong)


def average_precision(chances, labels):
    found = labels[np.argsort(-chances, kind="stable")].cumsum()
    recall, precision = found / max(1, labels.sum()), found / np.arange(1, len(found) + 1)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def run(p, seed):
    model, batches = Detector(p["hidden"], generator(seed, 40)), generator(seed, 41)
    optimiser = torch.optim.Adam(model.parameters(), lr=p["lr"], fused=True)
    loss_of = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(p["weight"]))
    for _ in range(p["steps"]):
        x, y = blips(BATCH, p, batches)
        loss = loss_of(model(x), y)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    seen = []
    for purpose in (42, 43):  # validation, test
        x, y = blips(HELD_OUT, p, generator(seed, purpose))
        with torch.no_grad():
            seen.append((model(x).double().sigmoid().numpy(), (y > 0.5).numpy()))
    (chances, labels), test = seen
    tau = max((k / 100 for k in range(1, 100)), key=lambda t: f1(chances, labels, t))  # never on test
    chances, labels = test
    given = np.where(labels, chances, 1 - chances)
    entropy = float(-np.log(np.clip(given, 1e-12, 1)).mean())
    return {
        "accuracy_all_negative": float((~labels).mean()),
        "accuracy": float(((chances >= p["threshold"]) == labels).mean()),
        "f1": f1(chances, labels, p["threshold"]),
        "f1_chosen": f1(chances, labels, tau),
        "average_precision": average_precision(chances, labels),
        "cross_entropy": entropy,
        "perplexity": math.exp(entropy),
    }


def main(arguments):
    p = dict(PARAMS)
    for name, value in (a.split("=", 1) for a in arguments):
        p[name] = type(PARAMS[name])(value)
    torch.set_num_threads(1)
    runs = [run(p, p["seed"] + k) for k in range(p["seeds"])]
    for name in runs[0]:
        print(json.dumps({"metric": name, "value": float(np.mean([each[name] for each in runs]))}))


if __name__ == "__main__":
    main(sys.argv[1:])
