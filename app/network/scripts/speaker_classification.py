"""Nine speakers, utterances of 7 to 29 frames: last valid step, mean pooling, and output[:, -1] of the padded batch.

Run:  python speaker_classification.py speakers.npz                 (the demo's defaults)
      python speaker_classification.py speakers.npz pad_to=60 seeds=1

speakers.npz, in app/network/datasets, holds the JapaneseVowels utterances (Kudo, Toyama & Shimbo 1999): frames (9961,
12) in thousandths, one utterance after the other, lengths and speakers (640,), the first `train` of them to train on.
Prints mean test accuracies at the end of training, one JSON line a metric.
"""

import json
import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

PARAMS = {"pad_to": 29, "noise": 0.3, "seeds": 3, "steps": 150, "lr": 0.015, "hidden": 32, "seed": 0}
BATCH, INPUTS, SPEAKERS = 32, 12, 9
Said = tuple[Tensor, Tensor, Tensor]  # x (N, T, 12), lengths (N,), speakers (N,)


def generator(*seed: int) -> torch.Generator:
    """One generator per purpose: the run's seed mixed with a number of that purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def utterances(path: str, pad_to: int) -> tuple[Said, Said]:
    """Training and test set, standardised by the training frames, padded with zeros."""
    with np.load(path) as file:
        frames, train = torch.from_numpy(file["frames"]).float() / 1000, int(file["train"])
        lengths, y = torch.from_numpy(file["lengths"]).long(), torch.from_numpy(file["speakers"]).long()
    own = frames[: int(lengths[:train].sum())]
    frames = (frames - own.mean(0)) / own.std(0)
    x = nn.utils.rnn.pad_sequence(list(torch.split(frames, lengths.tolist())), batch_first=True)
    x = nn.functional.pad(x, (0, 0, 0, pad_to - x.shape[1]))
    return (x[:train], lengths[:train], y[:train]), (x[train:], lengths[train:], y[train:])


def mask(x: Tensor, lengths: Tensor) -> Tensor:
    """(N, T, 1), true up to each end."""
    return (torch.arange(x.shape[1]) < lengths[:, None]).unsqueeze(-1)


class Classifier(nn.Module):
    """nn.LSTM with forget bias 1; `how` makes one vector of its states."""

    def __init__(self, hidden: int, source: torch.Generator) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(INPUTS, hidden, batch_first=True), nn.Linear(hidden, SPEAKERS)
        with torch.no_grad():
            for weight in (*self.lstm.parameters(), *self.head.parameters()):
                weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)
            _, _, first, second = self.lstm.parameters()  # PyTorch adds two biases
            forget = slice(hidden, 2 * hidden)
            first[forget], second[forget] = 1.0, 0.0

    def forward(self, x: Tensor, lengths: Tensor, how: str) -> Tensor:
        output, _ = self.lstm(x)
        if how == "last":  # as packing would give it: what follows the end does not reach back
            vector = output[torch.arange(len(x)), lengths - 1]
        elif how == "mean":
            vector = (output * mask(x, lengths)).sum(1) / lengths[:, None]
        else:
            vector = output[:, -1]
        logits: Tensor = self.head(vector)
        return logits


def trained(how: str, seed: int, p: dict[str, Any], train: Said) -> Classifier:
    model = Classifier(p["hidden"], generator(seed, 0))
    optimiser = torch.optim.Adam(model.parameters(), lr=p["lr"], fused=True)
    batches, noises = generator(seed, 9), generator(seed, 10)
    for step in range(p["steps"]):
        pick = torch.randint(0, len(train[0]), (BATCH,), generator=batches)
        x, lengths, y = (each[pick] for each in train)
        x = x + p["noise"] * torch.randn(x.shape, generator=noises) * mask(x, lengths)
        optimiser.param_groups[0]["lr"] = p["lr"] * (1 - step / p["steps"])
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(x, lengths, how), y)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model


def share(model: Classifier, how: str, test: Said) -> float:
    """Test accuracy."""
    x, lengths, y = test
    with torch.no_grad():
        return float((model(x, lengths, how).argmax(1) == y).float().mean())


def accuracies(seed: int, p: dict[str, Any], train: Said, test: Said) -> dict[str, float]:
    last = trained("last", seed, p, train)
    masked = share(last, "last", test)
    return {
        "accuracy_last": masked,
        "accuracy_mean": share(trained("mean", seed, p, train), "mean", test),
        "accuracy_last_padded": share(trained("padded", seed, p, train), "padded", test),
        "accuracy_lost_to_padding": masked - share(last, "padded", test),
    }


def main(path: str, given: list[str]) -> None:
    p: dict[str, Any] = dict(PARAMS)
    for each in given:
        name, value = each.split("=", 1)
        p[name] = type(p[name])(value)
    torch.set_num_threads(1)
    train, test = utterances(path, p["pad_to"])
    runs = [accuracies(seed, p, train, test) for seed in range(p["seed"], p["seed"] + p["seeds"])]
    for name in runs[0]:
        print(json.dumps({"metric": name, "value": sum(run[name] for run in runs) / len(runs)}))


if __name__ == "__main__":
    files = [argument for argument in sys.argv[1:] if "=" not in argument]
    main(files[0] if files else "speakers.npz", [argument for argument in sys.argv[1:] if "=" in argument])
