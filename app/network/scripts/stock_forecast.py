"""Forecast a monthly share price one month ahead, from levels and from returns, beside 'as last month'.

    python stock_forecast.py stocks.json
    python stock_forecast.py stocks.json stock=MSFT seeds=1

stocks.json stands in app/network/datasets. Prints one JSON line per metric. Needs torch and numpy.
"""

import json
import math
import sys

import numpy as np
import torch
from torch import nn

# fmt: off
PARAMS = {"stock": "AAPL", "cost": 0.05, "window": 12, "seeds": 3, "steps": 150, "hidden": 16, "lr": 0.01, "seed": 0}
# fmt: on


def generator(*seed):
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


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


def forecast(y, p, seed, lane):
    """Prices said for the last fifth of the months; the LSTM sees levels (lane 1) or log returns (lane 2)."""
    returns = lane == 2
    z = np.concatenate([[np.nan], np.diff(np.log(y))]) if returns else y
    n, width = len(y), p["window"]
    first, second = n * 6 // 10, n * 8 // 10
    seen = z[int(returns) : first]
    mean, deviation = seen.mean(), seen.std()
    scaled = (z - mean) / deviation

    def x(places):
        rows = np.stack([scaled[at - width : at] for at in places])
        return torch.tensor(rows, dtype=torch.float32).unsqueeze(-1)

    train, held, future = np.arange(width + returns, first), np.arange(first, second), np.arange(second, n)
    model = Forecaster(p["hidden"], generator(seed, 30, lane))
    optimiser = torch.optim.Adam(model.parameters(), lr=p["lr"], fused=True)
    batches, every = generator(seed, 31, lane), max(3, p["steps"] // 40)
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
    with torch.no_grad():
        said = model(x(future)).double().numpy() * deviation + mean
    return y[future - 1] * np.exp(said) if returns else said


def main(arguments):
    p = dict(PARAMS)
    path = next((a for a in arguments if "=" not in a), "stocks.json")
    for name, value in (a.split("=", 1) for a in arguments if "=" in a):
        p[name] = type(PARAMS[name])(value)
    torch.set_num_threads(1)
    with open(path, encoding="utf-8") as file:
        y = np.array(json.load(file)[p["stock"]]["values"])
    future = np.arange(len(y) * 8 // 10, len(y))
    actual, last = y[future], y[future - 1]
    spread = np.sum((actual - actual.mean()) ** 2)
    found = {"rmse_last": rms(actual - last), "r2_last": 1 - np.sum((actual - last) ** 2) / spread}
    for lane, name in ((1, "level"), (2, "return")):
        said = [forecast(y, p, p["seed"] + k, lane) for k in range(p["seeds"])]
        found[f"ratio_{name}"] = np.mean([rms(each - actual) for each in said]) / rms(actual - last)
    found["r2_return"] = np.mean([1 - np.sum((each - actual) ** 2) / spread for each in said])
    gains = []
    for each in said:  # long where a rise is forecast, short where a fall is
        side = np.sign(each - last)
        turns = np.abs(np.diff(side, prepend=0.0))  # half-turns, the first purchase among them
        net = np.prod(1 + side * (actual / last - 1) - turns * p["cost"] / 100)
        gains.append(net - np.prod(actual / last))
    found["net_minus_hold"] = np.mean(gains)
    for name, value in found.items():
        print(json.dumps({"metric": name, "value": float(value)}))


if __name__ == "__main__":
    main(sys.argv[1:])
