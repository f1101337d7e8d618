"""CNN + LSTM on clips of a moving digit, with the frames in order and shuffled, beside mean pooling.

Run:  python moving_digits.py digits.npz                     (the demo's defaults)
      python moving_digits.py digits.npz label=digit seeds=1

digits.npz, in app/network/datasets, holds images (1797, 8, 8) and labels (1797,), both uint8, greys from 0 to 16.
The digit moves on a ring, so a clip and its reverse have the same frames and opposite classes. Prints mean accuracies
on 256 held-out clips, one JSON line a metric.
"""

import json
import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

PARAMS = {
    "label": "direction",
    "T": 5,
    "speed": 2,
    "seeds": 3,
    "steps": 80,
    "lr": 0.006,
    "hidden": 32,
    "seed": 0,
}
SIDE, FEATURES, BATCH, HELD_OUT, TRAINED, CLASSES = 12, 32, 32, 256, 1437, 2
Pictures = tuple[Tensor, Tensor]


def generator(*seed: int) -> torch.Generator:
    """One generator per purpose: the run's seed mixed with a number of that purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def pictures(path: str, label: str) -> tuple[Pictures, Pictures]:
    """Digits to train on and held out: all of them, or only 0 and 1 where the digit is asked for."""
    with np.load(path) as file:
        x, y = torch.from_numpy(file["images"]).float() / 16, torch.from_numpy(file["labels"]).long()
    order = torch.randperm(len(x), generator=generator(1797))
    x, y = x[order], y[order]
    few = y <= 1 if label == "digit" else y >= 0
    train, test = few[:TRAINED], few[TRAINED:]
    return (x[:TRAINED][train], y[:TRAINED][train]), (x[TRAINED:][test], y[TRAINED:][test])


def clips(batch: int, p: dict[str, Any], given: Pictures, source: torch.Generator) -> Pictures:
    """x (B, T, 12, 12) and classes (B,)."""
    which = torch.randint(0, len(given[0]), (batch,), generator=source)
    direction = torch.randint(0, 2, (batch,), generator=source)
    column = torch.randint(0, SIDE, (batch, 1), generator=source)
    row = torch.randint(0, SIDE, (batch, 1), generator=source)
    places = (column + (2 * direction[:, None] - 1) * p["speed"] * torch.arange(p["T"])) % SIDE
    canvas = torch.zeros(batch, SIDE, SIDE)
    canvas[:, :8, :8] = given[0][which]
    down, across = (torch.arange(SIDE) - row) % SIDE, (torch.arange(SIDE) - places[..., None]) % SIDE
    seen = canvas[torch.arange(batch)[:, None, None, None], down[:, None, :, None], across[:, :, None, :]]
    return seen, direction if p["label"] == "direction" else given[1][which]


def shuffled(x: Tensor, source: torch.Generator) -> Tensor:
    """Each clip's frames in a random order of its own."""
    order = torch.rand(x.shape[:2], generator=source).argsort(1)
    return x[torch.arange(len(x)).unsqueeze(1), order]


class Model(nn.Module):
    """A CNN on every frame; then nn.LSTM and its last hidden state, or the mean over the frames."""

    def __init__(self, hidden: int, lstm: bool, source: torch.Generator) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, hidden, batch_first=True) if lstm else None
        width = hidden if lstm else FEATURES
        self.head = nn.Linear(width, CLASSES)
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(16 * (SIDE // 4) ** 2, FEATURES),
        )  # fmt: skip
        with torch.no_grad():
            if self.lstm is not None:
                weights = list(self.lstm.parameters())
                for weight in weights:
                    weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)
                forget = slice(hidden, 2 * hidden)  # forget bias 1; PyTorch adds two biases
                weights[2][forget], weights[3][forget] = 1.0, 0.0
            for weight in self.head.parameters():
                weight.uniform_(-(width**-0.5), width**-0.5, generator=source)
            for weight in self.cnn.parameters():
                bound = (6 / weight[0].numel()) ** 0.5  # He-uniform, and zero for biases
                weight.uniform_(-bound, bound, generator=source) if weight.dim() > 1 else weight.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 12, 12) to logits: batch and time folded for the CNN, then unfolded."""
        features = self.cnn(x.flatten(0, 1).unsqueeze(1)).unflatten(0, x.shape[:2])
        last = self.lstm(features)[0][:, -1] if self.lstm is not None else features.mean(1)
        logits: Tensor = self.head(last)
        return logits


def trained(lstm: bool, mix: bool, seed: int, p: dict[str, Any], train: Pictures) -> Model:
    model = Model(p["hidden"], lstm, generator(seed, 0 if lstm else 1))
    optimiser = torch.optim.Adam(model.parameters(), lr=p["lr"], fused=True)
    batches, orders = generator(seed, 9), generator(seed, 10)
    for _ in range(p["steps"]):
        x, y = clips(BATCH, p, train, batches)
        mixed = shuffled(x, orders)
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(mixed if mix else x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model


def accuracies(seed: int, p: dict[str, Any], train: Pictures, test: Pictures) -> dict[str, float]:
    x, y = clips(HELD_OUT, p, test, generator(seed, 11))
    mixed = shuffled(x, generator(seed, 12))
    ordered = trained(True, False, seed, p, train)
    cases = {
        "accuracy_cnn_lstm": (ordered, x),
        "accuracy_tested_shuffled": (ordered, mixed),
        "accuracy_cnn_lstm_shuffled": (trained(True, True, seed, p, train), mixed),
        "accuracy_cnn_mean": (trained(False, False, seed, p, train), x),
    }
    with torch.no_grad():
        return {
            name: float((model(held).argmax(1) == y).float().mean()) for name, (model, held) in cases.items()
        }


def main(path: str, given: list[str]) -> None:
    p: dict[str, Any] = dict(PARAMS)
    for each in given:
        name, value = each.split("=", 1)
        p[name] = type(p[name])(value)
    torch.set_num_threads(1)
    train, test = pictures(path, p["label"])
    runs = [accuracies(seed, p, train, test) for seed in range(p["seed"], p["seed"] + p["seeds"])]
    for name in runs[0]:
        print(json.dumps({"metric": name, "value": sum(run[name] for run in runs) / len(runs)}))


if __name__ == "__main__":
    files = [argument for argument in sys.argv[1:] if "=" not in argument]
    main(files[0] if files else "digits.npz", [argument for argument in sys.argv[1:] if "=" in argument])
