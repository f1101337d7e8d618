"""Regularisation on a hundred noisy digits, and what dropping the cell state does to memory.

Run:  python regularisation.py digits.npz            (the demo's defaults)
      python regularisation.py digits.npz count=300 noise=0 seeds=1

digits.npz stands in app/network/datasets. Prints one JSON line a metric: the gap between test and training loss of each
way to train, and the accuracy of a recall task without dropout and with the cell state dropped at every step. Needs
torch and numpy.
"""

import json
import sys

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

PARAMS = {"count": 100, "noise": 0.15, "epochs": 100, "hidden": 24, "decay": 1.0, "l1": 0.2, "rate": 0.4, "T": 25, "trap_rate": 0.3, "trap_steps": 80, "seeds": 3, "seed": 0}  # fmt: skip  # noqa: E501
LANES = ("none", "decay", "l1", "out", "inout")


def generator(*seed):
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


class Reader(nn.Module):
    def __init__(self, inputs, hidden, classes, source):
        super().__init__()
        self.lstm, self.head = nn.LSTM(inputs, hidden, batch_first=True), nn.Linear(hidden, classes)
        with torch.no_grad():
            for weight in self.parameters():
                weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)

    def forward(self, x, drop=None):
        h = self.lstm(x)[0][:, -1]
        return self.head(h if drop is None else drop(h))


def digits(path, p, seed):
    with np.load(path) as data:
        images, labels = torch.tensor(data["images"]).float() / 16, torch.tensor(data["labels"]).long()
    order, n = torch.randperm(len(images), generator=generator(seed, 61)), p["count"]
    own, test, source = order[:n], order[n + 300 :][:500], generator(seed, 62)
    wrong = torch.rand(n, generator=source) < p["noise"]
    y = torch.where(wrong, torch.randint(10, (n,), generator=source), labels[own])
    return images[own], y, images[test], labels[test]


def gap(lane, data, p, seed):
    """Test loss minus training loss after the last epoch."""
    x, y, test_x, test_y = data
    model, masks = Reader(8, p["hidden"], 10, generator(seed, 63)), generator(seed, 64)
    matrices = [w for w in model.parameters() if w.dim() == 2]
    biases = [w for w in model.parameters() if w.dim() == 1]
    if lane == "decay":
        groups = [{"params": matrices, "weight_decay": p["decay"]}, {"params": biases, "weight_decay": 0.0}]
        adam = torch.optim.AdamW(groups, lr=0.01, fused=True)
    else:
        adam = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)

    def drop(signal):
        return signal * (torch.rand(signal.shape, generator=masks) >= p["rate"]) / (1 - p["rate"])

    for _ in range(p["epochs"]):
        loss = cross_entropy(
            model(drop(x) if lane == "inout" else x, drop if lane in {"out", "inout"} else None), y
        )
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        if lane == "l1":  # the proximal step: towards zero, and no further
            with torch.no_grad():
                for w in matrices:
                    w.copy_(w.sign() * (w.abs() - 0.01 * p["l1"]).clamp_min(0.0))
    with torch.no_grad():
        return float(cross_entropy(model(test_x), test_y) - cross_entropy(model(x), y))


def recall(batch, steps, source):
    """A symbol at the first step, noise after it."""
    symbol, x = torch.randint(0, 4, (batch,), generator=source), torch.zeros(batch, steps, 5)
    x[:, 0, :4] = nn.functional.one_hot(symbol, 4).float()
    x[:, 1:, 4] = torch.randn(batch, steps - 1, generator=source)
    return x, symbol


def remembered(place, p, seed, hidden=24):
    """Accuracy on unseen sequences; with place "c_step" a fresh mask falls on c at every step."""
    model, data, masks = Reader(5, hidden, 4, generator(seed, 71)), generator(seed, 72), generator(seed, 73)
    lstm = model.lstm
    with torch.no_grad():
        lstm.bias_ih_l0 += lstm.bias_hh_l0
        lstm.bias_ih_l0[hidden : 2 * hidden] = 3.0
        lstm.bias_hh_l0.zero_()
    lstm.bias_hh_l0.requires_grad_(False)
    trained = [w for w in model.parameters() if w.requires_grad]

    def logits(x, mask=None):
        wide, h = x @ lstm.weight_ih_l0.T + lstm.bias_ih_l0, x.new_zeros(len(x), hidden)
        c = h
        for t in range(x.shape[1]):
            i, f, g, o = (wide[:, t] + h @ lstm.weight_hh_l0.T).chunk(4, -1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            c = c if mask is None else c * mask[1 + t]
            h = o.sigmoid() * c.tanh()
        return model.head(h)

    adam = torch.optim.Adam(trained, lr=0.01)
    for _ in range(p["trap_steps"]):
        x, y = recall(24, p["T"], data)
        drawn = torch.rand(1 + p["T"], 24, hidden, generator=masks)
        mask = (drawn >= p["trap_rate"]).float() / (1 - p["trap_rate"])
        loss = cross_entropy(logits(x, mask if place == "c_step" else None), y)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        adam.step()
    x, y = recall(200, p["T"], generator(seed, 74))
    with torch.no_grad():
        return float((logits(x).argmax(1) == y).float().mean())


def main():
    p, path = dict(PARAMS), "digits.npz"
    for argument in sys.argv[1:]:
        name, equals, text = argument.partition("=")
        if equals:
            p[name] = type(p[name])(text)
        else:
            path = argument
    torch.set_num_threads(1)
    seeds = range(p["seed"], p["seed"] + p["seeds"])
    found = {f"gap_{lane}": [gap(lane, digits(path, p, s), p, s) for s in seeds] for lane in LANES}
    for place in ("nowhere", "c_step"):
        found[f"recall_{place}"] = [remembered(place, p, s) for s in seeds]
    for name, values in found.items():
        print(json.dumps({"metric": name, "value": sum(values) / len(values)}))


if __name__ == "__main__":
    main()
