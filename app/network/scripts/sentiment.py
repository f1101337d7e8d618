"""Sentiment of Chinese reviews in plain PyTorch: a character LSTM beside naive Bayes on a bag of characters and pairs.

Run:  python sentiment.py data=reviews.json.gz          (app/network/datasets/reviews.json.gz)
      python sentiment.py data=reviews.json.gz seeds=1 limit=500

Embeddings, one LSTM, the mean of its states, one logit. The file's last 1,200 lines are the test part. Prints one JSON
line a metric: test accuracies, the LSTM's as the median over seeds. Needs torch only.
"""

import gzip
import json
import math
import statistics
import sys
from collections import Counter
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

PARAMS = {"limit": 5600, "seeds": 3, "steps": 300, "lr": 0.01, "hidden": 32, "dropout": 0.5, "seed": 0}
TESTED, LONGEST, BATCH, EMBEDDED = 1200, 60, 32, 32


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


def features(text, order):
    return {text[k : k + n] for n in range(1, order + 1) for k in range(len(text) - n + 1)}


def naive_bayes(train, test, order):
    """Test accuracy with add-one smoothing over which characters (and pairs) occur."""
    seen = (Counter(), Counter())
    for text, label in train:
        seen[label].update(features(text, order))
    words, totals = seen[0].keys() | seen[1].keys(), [sum(counts.values()) for counts in seen]
    weights = {
        word: math.log((seen[1][word] + 1) / (totals[1] + len(words)))
        - math.log((seen[0][word] + 1) / (totals[0] + len(words)))
        for word in words
    }
    right = [
        (math.fsum(weights.get(w, 0.0) for w in sorted(features(text, order))) > 0) == bool(label)
        for text, label in test
    ]
    return sum(right) / len(right)


def encode(reviews, place):
    """(B, T) padded with 0, lengths (B,), labels (B,)."""
    rows = [torch.tensor([place.get(char, 0) for char in text[:LONGEST]]) for text, _ in reviews]
    labels = torch.tensor([float(label) for _, label in reviews])
    return pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows]), labels


def lstm(train, test, p, seed):
    """Test accuracy of one model."""
    counts = Counter(char for text, _ in train for char in text)
    place = {char: k for k, char in enumerate(sorted(char for char, n in counts.items() if n >= 2), 1)}
    hidden, source = p["hidden"], generator(seed, 1)
    table = (0.3 * torch.randn(len(place) + 1, EMBEDDED, generator=source)).requires_grad_()
    layer, head = nn.LSTM(EMBEDDED, hidden, batch_first=True), nn.Linear(hidden, 1)
    draw(layer, hidden**-0.5, source)
    with torch.no_grad():  # forget bias 1; PyTorch adds two bias vectors
        layer.bias_ih_l0[hidden : 2 * hidden] = 1.0
        layer.bias_hh_l0[hidden : 2 * hidden] = 0.0
    draw(head, hidden**-0.5, source)
    parameters = [table, *layer.parameters(), *head.parameters()]
    adam = torch.optim.Adam(parameters, lr=p["lr"], fused=True)
    draws, keep = generator(seed, 2), 1.0 - p["dropout"]

    def logits(x, lengths, mask=1.0):
        packed = pack_padded_sequence(table[x], lengths, batch_first=True, enforce_sorted=False)
        output = pad_packed_sequence(layer(packed)[0], batch_first=True)[0]
        return head(output.sum(1) / lengths[:, None] * mask)[:, 0]

    x, lengths, labels = encode(train, place)
    for step in range(p["steps"]):
        rows = torch.randint(0, len(x), (BATCH,), generator=draws)
        mask = (torch.rand(BATCH, hidden, generator=draws) < keep).float() / keep
        for group in adam.param_groups:
            group["lr"] = p["lr"] * (1.0 - 0.9 * step / p["steps"])
        adam.zero_grad(set_to_none=True)
        found = logits(x[rows, : int(lengths[rows].max())], lengths[rows], mask)
        nn.functional.binary_cross_entropy_with_logits(found, labels[rows]).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
    x, lengths, labels = encode(test, place)
    with torch.no_grad():
        return float(((logits(x, lengths) > 0).float() == labels).double().mean())


def main():
    p, file = dict(PARAMS), "reviews.json.gz"
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        if name == "data":
            file = text
        else:
            p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    held = json.loads(gzip.decompress(Path(file).read_bytes()))
    every = [(text, int(label)) for text, label in zip(held["texts"], held["labels"], strict=True)]
    train, test = every[:-TESTED][: p["limit"]], every[-TESTED:]
    found = [lstm(train, test, p, p["seed"] + k) for k in range(p["seeds"])]
    print(json.dumps({"metric": "accuracy_lstm", "value": statistics.median(found)}))
    for name, order in (("characters", 1), ("pairs", 2)):
        print(json.dumps({"metric": f"accuracy_bag_of_{name}", "value": naive_bayes(train, test, order)}))


if __name__ == "__main__":
    main()
