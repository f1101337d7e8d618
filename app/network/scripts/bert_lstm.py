"""Heads on frozen BERT features in plain PyTorch: linear on the mean, linear on [CLS], LSTM, BiLSTM, and controls.

    python bert_lstm.py                        the demo's defaults; bert.npz beside it
    python bert_lstm.py bert.npz task=acts     or wherever that file is

bert.npz stands in app/network/datasets: token features of 384 short sentences from all-MiniLM-L6-v2, projected to 72
numbers. Prints one JSON line a metric. Needs torch and numpy.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

PARAMS = {"task": "kind", "examples": 288, "seeds": 5, "steps": 100, "hidden": 24, "lr": 0.01, "seed": 0}
LANES = ("mean", "first", "lstm", "bilstm", "shuffled", "mean_words", "lstm_words")
LABELS, SIZE, BATCH = ("acts", "verb", "kind"), 72, 32


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


def load(path):
    with np.load(path) as file:
        lengths = file["lengths"].tolist()
        flat = torch.from_numpy(file["low"] + file["step"] * file["features"].astype(np.float32))
        words = torch.from_numpy(file["words"].astype(np.float32))[file["ids"].astype(np.int64)]
        labels = torch.from_numpy(file["labels"].astype(np.int64))
        verbs = torch.from_numpy(file["verbs"].astype(np.int64))
    pad = [pad_sequence(list(torch.split(rows, lengths)), batch_first=True) for rows in (flat, words)]
    return *pad, torch.tensor(lengths), labels, verbs


def turned(x, lengths):
    """Each sequence back to front within its own length."""
    place = torch.arange(x.shape[1])
    at = torch.where(place < lengths[:, None], lengths[:, None] - 1 - place, place)
    return x.gather(1, at[..., None].expand_as(x))


class Head(nn.Module):
    def __init__(self, lane, hidden, source):
        super().__init__()
        self.kind = lane.removesuffix("_words").replace("shuffled", "lstm")
        count = {"lstm": 1, "bilstm": 2}.get(self.kind, 0)
        self.lstms = nn.ModuleList(nn.LSTM(SIZE, hidden, batch_first=True) for _ in range(count))
        for lstm in self.lstms:
            draw(lstm, hidden**-0.5, source)
            with torch.no_grad():
                lstm.bias_ih_l0[hidden : 2 * hidden], lstm.bias_hh_l0[hidden : 2 * hidden] = 1.0, 0.0
        width = hidden * count or SIZE
        self.head = nn.Linear(width, 2)
        draw(self.head, width**-0.5, source)

    def forward(self, x, lengths):
        if self.kind == "first":
            return self.head(x[:, 0])
        if not self.lstms:
            return self.head(x.sum(1) / lengths[:, None])
        flows = (x, turned(x, lengths))
        packed = [
            pack_padded_sequence(flow, lengths, batch_first=True, enforce_sorted=False) for flow in flows
        ]
        return self.head(
            torch.cat([lstm(flow)[1][0][-1] for lstm, flow in zip(self.lstms, packed, strict=False)], -1)
        )


def main():
    p = dict(PARAMS)
    path = Path(__file__).with_name("bert.npz")
    for argument in sys.argv[1:]:
        if "=" not in argument:
            path = argument
            continue
        name, value = argument.split("=")
        p[name] = type(PARAMS[name])(value)
    torch.set_num_threads(1)
    contextual, words, lengths, labels, verbs = load(path)
    y = labels[:, LABELS.index(p["task"])]
    found = {lane: [] for lane in LANES}
    for seed in range(p["seed"], p["seed"] + p["seeds"]):
        cut, batches = generator(seed, 80), generator(seed, 81)
        held = torch.isin(
            verbs, torch.cat([torch.randperm(8, generator=cut)[:2] + 8 * kind for kind in range(2)])
        )
        test, known = torch.where(held)[0], torch.where(~held)[0]
        known = known[torch.randperm(len(known), generator=cut)[: p["examples"]]]
        keys = torch.rand(contextual.shape[:2], generator=generator(seed, 82))
        keys += 2 * (torch.arange(contextual.shape[1]) >= lengths[:, None])
        mixed = contextual.gather(1, keys.argsort(1)[..., None].expand_as(contextual))
        inputs = {"shuffled": mixed, "mean_words": words, "lstm_words": words}
        heads = [Head(lane, p["hidden"], generator(seed, 83, k)) for k, lane in enumerate(LANES)]
        adams = [torch.optim.Adam(head.parameters(), lr=p["lr"], fused=True) for head in heads]
        for step in range(1, p["steps"] + 1):
            pick = known[torch.randint(0, len(known), (BATCH,), generator=batches)]
            for lane, head, adam in zip(LANES, heads, adams, strict=True):
                rate = p["lr"] * (1 if head.lstms else 5)  # the linear heads learn best at a higher rate
                adam.param_groups[0]["lr"] = rate * (1 - 0.9 * (step - 1) / p["steps"])
                logits = head(inputs.get(lane, contextual)[pick], lengths[pick])
                adam.zero_grad()
                nn.functional.cross_entropy(logits, y[pick]).backward()
                nn.utils.clip_grad_norm_(head.parameters(), 1.0)
                adam.step()
        with torch.no_grad():
            for lane, head in zip(LANES, heads, strict=True):
                guess = head(inputs.get(lane, contextual)[test], lengths[test]).argmax(1)
                found[lane].append(float((guess == y[test]).float().mean()))
    for lane in LANES:
        print(json.dumps({"metric": f"accuracy_{lane}", "value": sum(found[lane]) / len(found[lane])}))


if __name__ == "__main__":
    main()
