"""Next action in shop sessions: counting against an LSTM, on data whose ceiling is known.

Run:  python next_action.py            (the demo's defaults)
      python next_action.py world=order2 seeds=1 steps=100

Tokens 0–2 are entries, 3–10 actions. The next action depends on the last two tokens; in the world "long" the one after
a checkout (token 7) depends on the entry instead. Prints one JSON line a metric. Needs torch and numpy.
"""

import json
import sys

import numpy as np
import torch
from torch import nn

PARAMS = {"world": "long", "order": "kept", "sessions": 2000, "T": 20, "steps": 240, "seeds": 3, "hidden": 32, "lr": 0.02, "seed": 0}  # fmt: skip  # noqa: E501
CHECKOUT, AFTER = 7, (5, 6, 7)  # a token; the action that follows it for each entry


def generator(*seed):
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def chain(world, seed):
    """P(next action | entry, token before last, last token), (3, 12, 11, 8)."""
    logits = 2.2 * torch.randn(12, 11, 8, generator=generator(seed, 51))
    table = logits.softmax(-1).expand(3, -1, -1, -1).clone()
    if world == "long":
        for entry, action in enumerate(AFTER):
            table[entry, :, CHECKOUT] = (1 - 0.95) / 7
            table[entry, :, CHECKOUT, action] = 0.95
    return table


def sessions(table, count, length, source):
    entry = torch.randint(3, (count,), generator=source)
    drawn = [torch.full((count,), 11), entry]
    for _ in range(length):
        chances = table[entry, drawn[-2], drawn[-1]]
        drawn.append(3 + torch.multinomial(chances, 1, generator=source)[:, 0])
    return torch.stack(drawn[1:], 1)


def contexts(tokens):
    before = np.concatenate([np.full((len(tokens), 1), 11), tokens[:, :-1]], 1)
    return np.repeat(tokens[:, :1], tokens.shape[1], 1), before, tokens


def counted(tokens, seen):
    """P(next action) after the contexts seen; each model leans on the one before it where counts are thin."""
    entry, before, last = contexts(tokens[:, :-1])
    full = np.zeros((3, 12, 11, 8))
    np.add.at(full, (entry, before, last, tokens[:, 1:] - 3), 1.0)

    def leaning(counts, shorter):
        return (counts + 2.0 * shorter) / (counts.sum(-1, keepdims=True) + 2.0)

    popular = full.sum((0, 1, 2)) + 1.0
    popular /= popular.sum()
    first = leaning(full.sum((0, 1)), popular)
    second = leaning(full.sum(0), first)
    entry, before, last = seen
    return {
        "popularity": np.broadcast_to(popular, (*last.shape, 8)),
        "markov1": first[last],
        "markov2": second[before, last],
        "right": leaning(full, second)[entry, before, last],
    }


def hr1(chances, tokens):
    """The share of steps whose true action ranks first among eight; a tie counts against the model."""
    true = np.take_along_axis(chances, tokens[:, 1:, None] - 3, -1)
    return float(((chances >= true).sum(-1) == 1).mean())


class Model(nn.Module):
    def __init__(self, hidden, source):
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(11, 16).normal_(generator=source))
        self.lstm, self.head = nn.LSTM(16, hidden, batch_first=True), nn.Linear(hidden, 8)
        with torch.no_grad():
            for weight in [*self.lstm.parameters(), *self.head.parameters()]:
                weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)
            forget = slice(hidden, 2 * hidden)
            self.lstm.bias_ih_l0[forget], self.lstm.bias_hh_l0[forget] = 1.0, 0.0

    def forward(self, tokens):
        return self.head(self.lstm(self.embedding[tokens])[0])


def trial(p, seed):
    """HR@1 of every model on 500 unseen sessions."""
    table = chain(p["world"], seed)
    data = sessions(table, p["sessions"], p["T"], generator(seed, 52))
    if p["order"] == "shuffled":
        order = torch.rand(len(data), p["T"], generator=generator(seed, 53)).argsort(1)
        data = torch.cat([data[:, :1], data[:, 1:].gather(1, order)], 1)
    held = sessions(table, 500, p["T"], generator(seed, 54))
    model, batches = Model(p["hidden"], generator(seed, 55)), generator(seed, 56)
    adam = torch.optim.Adam(model.parameters(), lr=p["lr"], fused=True)
    for _ in range(p["steps"]):
        rows = data[torch.randint(len(data), (64,), generator=batches)]
        loss = nn.functional.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten() - 3)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
    seen = contexts(held.numpy()[:, :-1])
    found = {name: hr1(chances, held.numpy()) for name, chances in counted(data.numpy(), seen).items()}
    with torch.no_grad():
        found["lstm"] = hr1(model(held[:, :-1]).softmax(-1).numpy(), held.numpy())
    found["oracle"] = hr1(table.numpy()[seen], held.numpy())
    return found


def main():
    p = dict(PARAMS)
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    trials = [trial(p, p["seed"] + k) for k in range(p["seeds"])]
    for model in trials[0]:
        value = sum(found[model] for found in trials) / len(trials)
        print(json.dumps({"metric": f"hr1_{model}", "value": value}))


if __name__ == "__main__":
    main()
