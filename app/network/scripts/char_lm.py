"""A character language model in plain PyTorch, beside a bigram model.

Run:  python char_lm.py data=texts.json          (names; texts.json is app/network/datasets/texts.json)
      python char_lm.py data=texts.json corpus=sonnets seeds=1   (or tang)
      python char_lm.py data=my.txt corpus=file   (any text; the last tenth is held out)

Trains an LSTM on windows of 40 characters with Adam and measures perplexity (exp of the mean cross-entropy) on the
held-out end of the text: the median over seeds. Prints one JSON line a metric. Needs torch only.
"""

import json
import math
import statistics
import sys
from collections import Counter
from pathlib import Path

import torch
from torch import nn

PARAMS = {"corpus": "names", "own": "", "seeds": 3, "steps": 300, "lr": 0.01, "hidden": 48, "seed": 0}
BATCH, WINDOW, ROWS, ALPHABET = 32, 40, 8, 600


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


def read(p, file):
    if p["corpus"] == "own":
        return p["own"]
    text = Path(file).read_text(encoding="utf-8")
    return json.loads(text)[p["corpus"]] if file.endswith(".json") else text


def split(text):
    """Alphabet size, and the text as class indexes: train, held out."""
    common = sorted(char for char, _ in Counter(text).most_common(ALPHABET))
    place = {char: k for k, char in enumerate(common)}
    index = torch.tensor([place.get(char, len(common)) for char in text])
    held = min(4000, len(text) // 10)
    return len(common) + (len(set(text)) > ALPHABET), index[:-held], index[-held:]


def bigram(size, train, held):
    """Held-out perplexity of a bigram model smoothed towards the unigram; the best smoothing is chosen for it."""
    train, held = train.tolist(), held.tolist()
    below = {}
    for order in (1, 2):
        counts = Counter(tuple(train[k : k + order]) for k in range(len(train) - order + 1))
        totals = Counter()
        for gram, n in counts.items():
            totals[gram[:-1]] += n
        seen = [tuple(held[k + 1 - order : k + 1]) for k in range(2, len(held))]
        best = (math.inf, {})
        for beta in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0):
            chance = {
                gram: (counts[gram] + beta * size * below.get(gram[1:], 1 / size))
                / (totals[gram[:-1]] + beta * size)
                for gram in set(seen)
            }
            loss = -sum(math.log(chance[gram]) for gram in seen) / len(seen)
            best = min(best, (loss, chance), key=lambda each: each[0])
        below = best[1]
    return math.exp(best[0])


def perplexity(size, train, held, p, seed):
    """Train one model; its perplexity on the held-out text, read in ROWS pieces."""
    hidden, source = p["hidden"], generator(seed, 1)
    layer, head = nn.LSTM(size, hidden, batch_first=True), nn.Linear(hidden, size)
    draw(layer, hidden**-0.5, source)
    with torch.no_grad():  # forget bias 1; PyTorch adds two bias vectors
        layer.bias_ih_l0[hidden : 2 * hidden] = 1.0
        layer.bias_hh_l0[hidden : 2 * hidden] = 0.0
    draw(head, hidden**-0.5, source)
    parameters = [*layer.parameters(), *head.parameters()]
    adam = torch.optim.Adam(parameters, lr=p["lr"], fused=True)
    draws, window = generator(seed, 2), min(WINDOW, len(train) - 2)

    def loss_of(rows):
        scores = head(layer(nn.functional.one_hot(rows[:, :-1], size).float())[0])
        return nn.functional.cross_entropy(scores.reshape(-1, size), rows[:, 1:].reshape(-1))

    for step in range(1, p["steps"] + 1):
        starts = torch.randint(0, len(train) - window, (BATCH,), generator=draws)
        for group in adam.param_groups:
            group["lr"] = p["lr"] * (1.0 - 0.9 * (step - 1) / p["steps"])
        adam.zero_grad(set_to_none=True)
        loss_of(train[starts[:, None] + torch.arange(window + 1)]).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
    length = (len(held) - 1) // ROWS
    with torch.no_grad():
        rows = torch.stack([held[k * length : (k + 1) * length + 1] for k in range(ROWS)])
        return math.exp(float(loss_of(rows)))


def main():
    p, file = dict(PARAMS), "texts.json"
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        if name == "data":
            file = text
        else:
            p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    size, train, held = split(read(p, file))
    found = [perplexity(size, train, held, p, p["seed"] + k) for k in range(p["seeds"])]
    print(json.dumps({"metric": "perplexity_lstm", "value": statistics.median(found)}))
    print(json.dumps({"metric": "perplexity_bigram", "value": bigram(size, train, held)}))


if __name__ == "__main__":
    main()
