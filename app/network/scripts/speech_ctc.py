"""Spoken digits to text in plain PyTorch: forward, forward with look-ahead and bidirectional LSTM under CTC.

    python speech_ctc.py                               the demo's defaults, from scratch; speech.npz beside it
    python speech_ctc.py speech.npz voices=3 seeds=1   or wherever that file is

speech.npz stands in app/network/datasets: log-mel features of digits that espeak-ng spoke in many voices. Strings of
digits are put together on the fly; the label error rate is measured on voices that never trained.
Prints one JSON line a metric. Needs torch and numpy.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

PARAMS = {
    "voices": 120,
    "noise": True,
    "ahead": 4,
    "seeds": 3,
    "steps": 200,
    "hidden": 40,
    "lr": 0.01,
    "seed": 0,
}
LANES = ("forward", "ahead", "bi")
MELS, STACK, FRAMES, LONGEST, BATCH, CLEAN = 16, 4, 116, 3, 16, 50.0


def generator(*seed):
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def load(path):
    """(power of every frame, row 0 silence; first rows and lengths (voices, 10); group of each voice; noise)."""
    with np.load(path) as file:
        frames = torch.from_numpy(file["frames"].astype(np.float32)) * 0.3 - 9.0
        lengths = torch.from_numpy(file["lengths"].astype(np.int64))
        group = torch.from_numpy(file["groups"].astype(np.int64))
    power = torch.cat([torch.zeros(1, MELS), frames.exp()])
    starts = 1 + lengths.cumsum(0) - lengths
    noise = (0.4 * torch.randn(4096, MELS, generator=generator(0, 70))).exp()
    return power, starts.view(-1, 10), lengths.view(-1, 10), group, noise


def strings(data, batch, voices, source, shortest, low):
    """Digit strings: x (B, T, 16) log power, digits (B, 3), how many are spoken (B,)."""
    power, first, size, _, noise = data
    voice = voices[torch.randint(len(voices), (batch,), generator=source)]
    counts = torch.randint(shortest, LONGEST + 1, (batch,), generator=source)
    digits = torch.randint(0, 10, (batch, LONGEST), generator=source)
    pauses = torch.randint(2, 9, (batch, LONGEST), generator=source)
    db = low + (CLEAN - low) * torch.rand(batch, 1, generator=source)
    slope = 4 * torch.rand(batch, 1, generator=source) - 2
    gain = 1.4 * torch.rand(batch, 1, generator=source) - 0.7
    lengths = size[voice[:, None], digits] * (torch.arange(LONGEST) < counts[:, None])
    ends = (pauses + lengths).cumsum(1)
    starts, frame = ends - lengths, torch.arange(FRAMES)
    rows = torch.zeros(batch, FRAMES, dtype=torch.int64)
    for k in range(LONGEST):
        inside = (frame >= starts[:, k, None]) & (frame < ends[:, k, None])
        rows = torch.where(inside, first[voice, digits[:, k]][:, None] + frame - starts[:, k, None], rows)
    shape = (slope * torch.linspace(-0.5, 0.5, MELS)).exp() * (0.75 * 10 ** (-db / 10)) * (-gain).exp()
    at = torch.randint(0, len(noise) - FRAMES, (batch, 1), generator=source) + frame
    return ((power[rows] + shape[:, None] * noise[at] + 1e-4).log() + gain[..., None] + 2) / 4, digits, counts


class Recogniser(nn.Module):
    def __init__(self, lane, p, source):
        super().__init__()
        self.ahead, hidden = p["ahead"] if lane == "ahead" else 0, p["hidden"]
        lstms = [
            nn.LSTM(MELS * (STACK + self.ahead), hidden, batch_first=True) for _ in range(1 + (lane == "bi"))
        ]
        self.lstms, self.head = nn.ModuleList(lstms), nn.Linear(hidden * len(lstms), 11)
        with torch.no_grad():
            for lstm in lstms:
                for weight in lstm.parameters():
                    weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)
                forget = slice(hidden, 2 * hidden)
                lstm.bias_ih_l0[forget], lstm.bias_hh_l0[forget] = 1.0, 0.0
            for weight in self.head.parameters():
                weight.uniform_(-(self.head.in_features**-0.5), self.head.in_features**-0.5, generator=source)

    def forward(self, x):
        longer = torch.cat([x, x[:, -1:].expand(-1, self.ahead, -1)], 1)
        steps = longer.unfold(1, STACK + self.ahead, STACK).flatten(2)
        read = self.lstms[0](steps)[0]
        if len(self.lstms) == 2:
            read = torch.cat([read, self.lstms[1](steps.flip(1))[0].flip(1)], -1)
        return self.head(read).log_softmax(-1)


def edits(found, wanted):
    row = list(range(len(wanted) + 1))
    for i, here in enumerate(found, 1):
        corner, row[0] = row[0], i
        for j, there in enumerate(wanted, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (here != there))
    return row[-1]


def rate(model, held):
    """Label error rate of the best path: repeats merged, blanks dropped."""
    x, digits, counts = held
    with torch.no_grad():
        best = model(x).argmax(-1).tolist()
    wrong = 0
    for labels, wanted in zip(best, digits.tolist(), strict=True):
        merged = [a for a, b in zip(labels, [0, *labels[:-1]], strict=True) if a and a != b]
        wrong += edits([label - 1 for label in merged], wanted)
    return wrong / int(counts.sum())


def main():
    p = dict(PARAMS)
    data = Path(__file__).with_name("speech.npz")
    for argument in sys.argv[1:]:
        if "=" not in argument:
            data = argument
            continue
        name, value = argument.split("=")
        p[name] = value == "True" if name == "noise" else type(PARAMS[name])(value)
    torch.set_num_threads(1)
    data = load(data)
    held = strings(data, 120, torch.where(data[3] == 1)[0], generator(0, 71, 50), LONGEST, CLEAN)
    known = torch.where(data[3] == 0)[0][: p["voices"]]
    rates = {lane: [] for lane in LANES}
    for seed in range(p["seed"], p["seed"] + p["seeds"]):
        models = [Recogniser(lane, p, generator(seed, 74, k)) for k, lane in enumerate(LANES)]
        adams = [torch.optim.Adam(model.parameters(), lr=p["lr"], fused=True) for model in models]
        source = generator(seed, 72)
        for step in range(1, p["steps"] + 1):
            x, digits, counts = strings(data, BATCH, known, source, 1, 0.0 if p["noise"] else CLEAN)
            for model, adam in zip(models, adams, strict=True):
                adam.param_groups[0]["lr"] = p["lr"] * (1 - 0.95 * (step - 1) / p["steps"])
                chances = model(x).transpose(0, 1)
                sizes = torch.full((BATCH,), len(chances))
                adam.zero_grad()
                nn.functional.ctc_loss(chances, digits + 1, sizes, counts).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                adam.step()
        for lane, model in zip(LANES, models, strict=True):
            rates[lane].append(rate(model, held))
    for lane in LANES:
        print(json.dumps({"metric": f"ler_{lane}", "value": sum(rates[lane]) / len(rates[lane])}))


if __name__ == "__main__":
    main()
