"""The adding race in plain PyTorch: RNN, GRU and LSTMs from three starts at equal parameters.

Run:  python adding_race.py            (the demo's defaults)
      python adding_race.py T=100 steps=400 seeds=1

Every sequence holds numbers from [0, 1), one marked in each half; the sum of the two is wanted at the end.
A lane has solved it once its mean squared error on 256 unseen sequences is below 0.01.
Prints one JSON line a metric. Needs torch only.
"""

import json
import sys

import torch
from torch import nn

PARAMS = {"T": 25, "seeds": 3, "steps": 220, "lr": 0.04, "hidden": 16, "gru": "default", "seed": 0}
LANES = ("rnn", "gru", "lstm", "lstm_fb1", "lstm_chrono")
KINDS = {"rnn": (nn.RNN, 1), "gru": (nn.GRU, 3), "lstm": (nn.LSTM, 4)}


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
    return sets * (hidden * (hidden + 2) + 2 * hidden)


def build(lane, p, seed):
    """The lane's layer, read-out and learning rate."""
    module, sets = KINDS[lane.split("_")[0]]
    hidden = min(range(1, 4 * p["hidden"] + 8), key=lambda h: abs(size(sets, h) - size(4, p["hidden"])))
    source = generator(seed, LANES.index(lane))
    layer = module(2, hidden, batch_first=True)
    draw(layer, hidden**-0.5, source)
    gate = slice(hidden, 2 * hidden)  # the forget gate of i, f, g, o and the update gate of r, z, n
    with torch.no_grad():
        if lane == "rnn":
            nn.init.orthogonal_(layer.weight_hh_l0, generator=source)
        elif lane == "lstm_fb1":
            layer.bias_ih_l0[gate], layer.bias_hh_l0[gate] = 1.0, 0.0
        elif lane == "lstm_chrono" or (lane == "gru" and p["gru"] == "chrono"):
            times = torch.empty(hidden).uniform_(1.0, p["T"] - 1.0, generator=source).log()
            layer.bias_ih_l0[gate], layer.bias_hh_l0[gate] = times, 0.0
            if lane == "lstm_chrono":
                layer.bias_ih_l0[:hidden], layer.bias_hh_l0[:hidden] = -times, 0.0
    head = nn.Linear(hidden, 1)
    draw(head, hidden**-0.5, source)
    return layer, head, p["lr"] * (0.1 if lane == "rnn" else 1.0)


def adding(batch, steps, source):
    values = torch.rand(batch, steps, generator=source)
    first = torch.randint(0, steps // 2, (batch,), generator=source)
    second = torch.randint(steps // 2, steps, (batch,), generator=source)
    rows, marks = torch.arange(batch), torch.zeros(batch, steps)
    marks[rows, first] = marks[rows, second] = 1.0
    return torch.stack([values, marks], -1), values[rows, first] + values[rows, second]


def error(layer, head, x, y):
    return (head(layer(x)[0][:, -1]).squeeze(-1) - y).pow(2).mean()


def train(lane, p, seed):
    """(step at which it solved or None, last mean squared error on unseen sequences)."""
    layer, head, lr = build(lane, p, seed)
    parameters = [*layer.parameters(), *head.parameters()]
    adam = torch.optim.Adam(parameters, lr=lr, fused=True)
    source, probe, last = generator(seed, 99), adding(256, p["T"], generator(seed, 100)), None
    for step in range(1, p["steps"] + 1):
        loss = error(layer, head, *adding(32, p["T"], source))
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        if step % 10 == 0 or step == p["steps"]:
            with torch.no_grad():
                last = float(error(layer, head, *probe))
            if last < 0.01:
                return step, last
    return None, last


def main():
    p = dict(PARAMS)
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    for lane in LANES:
        runs = [train(lane, p, p["seed"] + k) for k in range(p["seeds"])]
        solved = sum(step is not None for step, _ in runs) / len(runs)
        steps = sum(step or p["steps"] for step, _ in runs) / len(runs)
        print(json.dumps({"metric": f"solved_{lane}", "value": solved}))
        print(json.dumps({"metric": f"steps_{lane}", "value": steps}))
        print(json.dumps({"metric": f"worst_mse_{lane}", "value": max(mse for _, mse in runs)}))


if __name__ == "__main__":
    main()
