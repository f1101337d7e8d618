"""Forecast a series one step ahead with an LSTM, split by time, beside two naive forecasts; then with shuffled windows.

    python forecast.py series.json                        sunspots, as in the demo's defaults
    python forecast.py series.json series=airline seeds=1
    python forecast.py mine.csv series=own season=7       one number a line, or the last column of a CSV

series.json stands in app/network/datasets. Prints one JSON line per metric. Needs torch and numpy.
"""
# ruff: noqa: E501 - PARAMS stand on one line

import json
import math
import re
import sys

import numpy as np
import torch
from torch import nn

# fmt: off
PARAMS = {"series": "sunspots", "values": "", "transform": "auto", "season": 0, "window": 12, "seeds": 3, "steps": 150, "hidden": 16, "lr": 0.01, "seed": 0}
# fmt: on

SEASONS = {"sunspots": 11, "airline": 12, "weather": 365, "walk": 12, "own": 12}
AUTO = {"sunspots": "sqrt", "airline": "seasonal", "weather": "level", "walk": "level", "own": "difference"}


def generator(*seed):
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def series(p, path, seed):
    name = p["series"]
    if name == "own" and p["values"]:  # the last column of each line; a heading is passed over
        cells = [
            re.split(r"[,，;；\s]+", line.strip(" ,，;；\t"))[-1].strip("\"'")
            for line in p["values"].splitlines()
        ]
        return np.array([float(cell) for cell in cells if re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", cell)])
    if name == "walk":
        draws = torch.randn(600, generator=generator(seed, 32), dtype=torch.float64)
        return (100 + draws.cumsum(0)).numpy()
    with open(path, encoding="utf-8-sig") as file:
        if name != "own":
            return np.array(json.load(file)[name]["values"], dtype=float)
        return series({**p, "values": file.read()}, path, seed)


def transformed(y, kind, season):
    """(what the network sees, how many steps back the oldest value stands, the way back)."""
    if kind == "level":
        return y, 0, lambda z, _: z
    if kind == "sqrt":
        return np.sign(y) * np.sqrt(np.abs(y)), 0, lambda z, _: np.sign(z) * z**2
    lag = season if kind == "seasonal" else 1
    log = bool((y > 0).all())  # a difference of logarithms, where there are any
    v = np.log(y) if log else y
    z = np.concatenate([np.full(lag, np.nan), v[lag:] - v[:-lag]])
    return z, lag, (lambda z, before: before * np.exp(z)) if log else (lambda z, before: before + z)


class Forecaster(nn.Module):
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
        return self.head(self.lstm(x)[0][:, -1]).squeeze(-1)


def rms(values):
    return math.sqrt(float(np.mean(values**2)))


def trial(y, p, seed, shuffled):
    """(RMSE promised, persistence there, RMSE on the last fifth, persistence there)."""
    season = p["season"] or SEASONS[p["series"]]
    kind = AUTO[p["series"]] if p["transform"] == "auto" else p["transform"]
    z, lag, back = transformed(y, kind, season)
    n = len(y)
    first, second = n * 6 // 10, n * 8 // 10
    past, future = np.arange(p["window"] + lag, second), np.arange(second, n)
    if (
        shuffled
    ):  # the leak: neighbours of training windows land in the 'test' part, and the scale knows it all
        past = past[torch.randperm(len(past), generator=generator(seed, 33)).numpy()]
        a, b = len(past) * 6 // 10, len(past) * 8 // 10
        train, held, own, seen = past[:a], past[a:b], past[b:], z[lag:second]
    else:
        train, held, seen = past[past < first], past[past >= first], z[lag:first]
        own = held  # what validation promises
    mean, deviation = seen.mean(), seen.std() or 1.0
    scaled = (z - mean) / deviation

    def x(places):
        rows = np.stack([scaled[at - p["window"] : at] for at in places])
        return torch.tensor(rows, dtype=torch.float32).unsqueeze(-1)

    def forecast(places):
        with torch.no_grad():
            return back(model(x(places)).double().numpy() * deviation + mean, y[places - lag])

    model = Forecaster(p["hidden"], generator(seed, 30, 0))
    optimiser = torch.optim.Adam(model.parameters(), lr=p["lr"], fused=True)
    batches, every = generator(seed, 31, 0), max(3, p["steps"] // 40)
    samples, targets = x(train), torch.tensor(scaled[train], dtype=torch.float32)
    held_x, held_y = x(held), torch.tensor(scaled[held], dtype=torch.float32).double().numpy()
    best, kept = math.inf, None
    for step in range(1, p["steps"] + 1):
        rows = torch.randint(0, len(train), (64,), generator=batches)
        loss = (model(samples[rows]) - targets[rows]).pow(2).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % every == 0 or step == p["steps"]:
            with torch.no_grad():
                error = rms(model(held_x).double().numpy() - held_y)
            if error < best:  # early stopping: keep the best weights
                best, kept = error, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(kept)
    return [e for at in (own, future) for e in (rms(forecast(at) - y[at]), rms(y[at] - y[at - 1]))]


def main(arguments):
    p = dict(PARAMS)
    path = next((a for a in arguments if "=" not in a), "series.json")
    for name, value in (a.split("=", 1) for a in arguments if "=" in a):
        p[name] = type(p[name])(value)
    torch.set_num_threads(1)
    honest, factors = [], []
    for seed in range(p["seed"], p["seed"] + p["seeds"]):
        y = series(p, path, seed)
        honest.append(trial(y, p, seed, shuffled=False))
        promised, there, delivered, here = trial(y, p, seed, shuffled=True)
        factors.append((delivered / here) / (promised / there))
    ratios = [delivered / here for _, _, delivered, here in honest]
    found = {
        "rmse_lstm": np.mean([delivered for _, _, delivered, _ in honest]),
        "rmse_persistence": honest[0][3],
        "skill": 1 - np.mean(ratios),
        "optimism_shuffle": np.mean(factors),
    }
    for name, value in found.items():
        print(json.dumps({"metric": name, "value": float(value)}))


if __name__ == "__main__":
    main(sys.argv[1:])
