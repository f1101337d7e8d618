"""An LSTM reads 8 × 8 digits step by step: in the chosen order, and in a fixed random order of the same steps.

    python digits_by_row.py digits.npz                 the defaults
    python digits_by_row.py digits.npz order=columns seeds=1

digits.npz, in app/network/datasets, holds images (1797, 8, 8) and labels (1797,), both uint8, greys from 0 to 16.
Prints the mean accuracy on 360 held-out pictures at the end of training, one JSON line per metric.
"""

import json
import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

PARAMS = {"order": "rows", "split": "mixed", "seeds": 3, "steps": 200, "lr": 0.03, "hidden": 48, "seed": 0}
BATCH, TRAINED, CLASSES = 64, 1437, 10


def generator(*seed: int) -> torch.Generator:
    """One generator per purpose: the run's seed mixed with a number of that purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def data(path: str, split: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """1,437 pictures to train on and 360 held out; "writers" cuts in the file's order, from writer to writer."""
    with np.load(path) as file:
        x, y = torch.from_numpy(file["images"]).float() / 16, torch.from_numpy(file["labels"]).long()
    if split == "mixed":
        order = torch.randperm(len(x), generator=generator(1797))
        x, y = x[order], y[order]
    return x[:TRAINED], y[:TRAINED], x[TRAINED:], y[TRAINED:]


def sequence(images: Tensor, order: str) -> Tensor:
    """(B, 8, 8) to (B, T, I)."""
    if order == "pixels":
        return images.reshape(-1, 64, 1)
    turned = {"rows": images, "columns": images.transpose(1, 2), "upwards": images.flip(1)}
    return turned[order].contiguous()


class Reader(nn.Module):
    """A chrono-initialised nn.LSTM; the class is read from its last hidden state."""

    def __init__(self, order: str, hidden: int, source: torch.Generator, permutation: Tensor | None) -> None:
        super().__init__()
        self.order, self.permutation = order, permutation
        steps, inputs = (64, 1) if order == "pixels" else (8, 8)
        self.lstm = nn.LSTM(inputs, hidden, batch_first=True)
        self.head = nn.Linear(hidden, CLASSES)
        i, f = slice(0, hidden), slice(hidden, 2 * hidden)
        with torch.no_grad():
            for weight in self.lstm.parameters():
                weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)
            bias = torch.empty(hidden).uniform_(1.0, steps - 1.0, generator=source).log()
            _, _, first, second = self.lstm.parameters()  # PyTorch adds two biases
            first[f], second[f] = bias, 0.0
            first[i], second[i] = -bias, 0.0
            for weight in self.head.parameters():
                weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)

    def forward(self, images: Tensor) -> Tensor:
        flow = sequence(images, self.order)
        if self.permutation is not None:
            flow = flow[:, self.permutation]
        logits: Tensor = self.head(self.lstm(flow)[0][:, -1])
        return logits


def accuracy(lane: int, seed: int, p: dict[str, Any], parts: tuple[Tensor, ...]) -> float:
    """Train one reader (lane 0: in order, 1: shuffled) and judge it once, at the end."""
    x, y, test_x, test_y = parts
    steps = 64 if p["order"] == "pixels" else 8
    permutation = torch.randperm(steps, generator=generator(seed, 20)) if lane == 1 else None
    model = Reader(p["order"], p["hidden"], generator(seed, lane), permutation)
    optimiser = torch.optim.Adam(model.parameters(), lr=p["lr"], fused=True)
    batches = generator(seed, 9)
    for step in range(p["steps"]):
        pick = torch.randint(0, len(x), (BATCH,), generator=batches)
        optimiser.param_groups[0]["lr"] = p["lr"] * (1 - step / p["steps"])
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(x[pick]), y[pick])
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    with torch.no_grad():
        return float((model(test_x).argmax(1) == test_y).float().mean())


def main(path: str, given: list[str]) -> None:
    p: dict[str, Any] = dict(PARAMS)
    for each in given:
        name, value = each.split("=", 1)
        p[name] = type(p[name])(value)
    torch.set_num_threads(1)
    parts = data(path, p["split"])
    seeds = range(p["seed"], p["seed"] + p["seeds"])
    for lane, name in enumerate(("accuracy_lstm", "accuracy_lstm_shuffled")):
        got = [accuracy(lane, seed, p, parts) for seed in seeds]
        print(json.dumps({"metric": name, "value": sum(got) / len(got)}))


if __name__ == "__main__":
    files = [argument for argument in sys.argv[1:] if "=" not in argument]
    main(files[0] if files else "digits.npz", [argument for argument in sys.argv[1:] if "=" in argument])
