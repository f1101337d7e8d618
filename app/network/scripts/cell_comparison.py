"""RNN, GRU and LSTM on three tasks at equal parameters, in plain PyTorch.

Run:  python cell_comparison.py                 (the demo's defaults)
      python cell_comparison.py start=matched seeds=1

recall: accuracy in naming a symbol 15 steps back; adding: share of the variance explained at T = 20; counting:
the largest N with aⁿbⁿ right for n = 1 … N after training on n ≤ 8. Values are means over seeds.
Prints one JSON line a metric. Needs torch only.
"""

import json
import sys

import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

PARAMS = {"start": "default", "seeds": 3, "effort": 1.0, "pace": 1.0, "hidden": 12, "seed": 0}
CELLS = {"rnn": (nn.RNN, 1), "gru": (nn.GRU, 3), "lstm": (nn.LSTM, 4)}
TASKS = {
    "recall": (5, 4, 60, 15),
    "adding": (2, 1, 100, 20),
    "counting": (3, 3, 100, 17),
}  # in, out, steps, T
RATES = {"recall": (0.03, 0.1, 0.03), "adding": (0.03, 0.1, 0.03), "counting": (0.03, 0.1, 0.1)}


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


def build(cell, task, p, seed):
    """Layer and read-out with about as many parameters as an LSTM of p["hidden"] units."""
    inputs, outputs, _, length = TASKS[task]
    module, sets = CELLS[cell]

    def size(sets, hidden):
        return sets * (hidden * (hidden + inputs) + 2 * hidden)

    hidden = min(range(1, 4 * p["hidden"] + 8), key=lambda h: abs(size(sets, h) - size(4, p["hidden"])))
    source = generator(seed, 201, list(TASKS).index(task), list(CELLS).index(cell))
    layer, head = module(inputs, hidden, batch_first=True), nn.Linear(hidden, outputs)
    draw(layer, hidden**-0.5, source)
    if p["start"] == "matched" and cell == "rnn":
        nn.init.orthogonal_(layer.weight_hh_l0, generator=source)
    elif p["start"] == "matched":
        gate = slice(hidden, 2 * hidden)  # the forget gate of i, f, g, o and the update gate of r, z, n
        times = torch.empty(hidden).uniform_(1.0, length - 1.0, generator=source).log()
        with torch.no_grad():
            layer.bias_ih_l0[gate], layer.bias_hh_l0[gate] = times, 0.0
            if cell == "lstm":
                layer.bias_ih_l0[:hidden], layer.bias_hh_l0[:hidden] = -times, 0.0
    draw(head, hidden**-0.5, source)
    return layer, head


def recall(batch, source):
    symbol = torch.randint(0, 4, (batch,), generator=source)
    x = torch.zeros(batch, 15, 5)
    x[:, 0, :4] = one_hot(symbol, 4).float()
    x[:, 1:, 4] = torch.randn(batch, 14, generator=source)
    return x, symbol


def adding(batch, source):
    values = torch.rand(batch, 20, generator=source)
    first = torch.randint(0, 10, (batch,), generator=source)
    second = torch.randint(10, 20, (batch,), generator=source)
    rows, marks = torch.arange(batch), torch.zeros(batch, 20)
    marks[rows, first] = marks[rows, second] = 1.0
    return torch.stack([values, marks], -1), values[rows, first] + values[rows, second]


def counting(n, largest):
    """x (B, T, 3) over S, a, b; the next symbols (B, T), −100 past the end; where they are certain."""
    n, place = n[:, None], torch.arange(2 * largest + 1)
    symbols = torch.where(place == 0, 0, torch.where(place <= n, 1, 2))
    inside = place <= 2 * n
    following = torch.where(place < n, 1, torch.where(place < 2 * n, 2, 0))
    return (
        one_hot(symbols, 3).float() * inside[..., None],
        torch.where(inside, following, -100),
        inside & (place > n),
    )


def batch_of(task, source):
    if task == "counting":
        return counting(torch.randint(1, 9, (32,), generator=source), 8)[:2]
    return (recall if task == "recall" else adding)(32, source)


def loss_of(task, scores, y):
    if task == "counting":
        return cross_entropy(scores.flatten(0, 1), y.flatten())
    if task == "recall":
        return cross_entropy(scores[:, -1], y)
    return (scores[:, -1, 0] - y).pow(2).mean()


@torch.no_grad()
def quality(task, layer, head, seed):
    if task == "counting":
        x, y, certain = counting(torch.arange(1, 41), 40)
        wrong = ((head(layer(x)[0]).argmax(-1) != y) & certain).any(1).nonzero()
        return float(wrong[0]) if len(wrong) else 40.0
    x, y = (recall if task == "recall" else adding)(256, generator(seed, 202, list(TASKS).index(task)))
    said = head(layer(x)[0][:, -1])
    if task == "recall":
        return float((said.argmax(-1) == y).float().mean())
    return 1.0 - float((said.squeeze(-1) - y).pow(2).mean() / y.var(unbiased=False))


def train(cell, task, p, seed):
    layer, head = build(cell, task, p, seed)
    parameters = [*layer.parameters(), *head.parameters()]
    rate = p["pace"] * RATES[task][list(CELLS).index(cell)]
    adam = torch.optim.Adam(parameters, lr=rate, fused=True)
    source = generator(seed, 200, list(TASKS).index(task))
    steps = max(1, round(TASKS[task][2] * p["effort"]))
    for step in range(steps):
        x, y = batch_of(task, source)
        adam.param_groups[0]["lr"] = rate * (1.0 - 0.9 * step / steps)
        loss = loss_of(task, head(layer(x)[0]), y)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
    return quality(task, layer, head, seed)


def main():
    p = dict(PARAMS)
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    for task in TASKS:
        for cell in CELLS:
            found = [train(cell, task, p, p["seed"] + k) for k in range(p["seeds"])]
            print(json.dumps({"metric": f"{task}_{cell}", "value": sum(found) / len(found)}))


if __name__ == "__main__":
    main()
