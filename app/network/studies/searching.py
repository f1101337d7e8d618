"""Three searches for hyperparameters on one budget, and how luck flatters the best of many.

Grid against random: Bergstra & Bengio 2012. Bayesian: the tree-structured Parzen estimator of optuna (Bergstra et al.
2011). The trial is a small LSTM that reads 8 × 8 digits row by row for a few updates. Over-fitting the selection
criterion: Cawley & Talbot 2010.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from app.network.ruler import memory_ruler
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, update

DATA = Path(__file__).resolve().parent.parent / "datasets" / "digits.npz"
SEARCHES = ("grid", "random", "bayes")
GRIDS = {
    8: (2, 2, 2),
    16: (4, 2, 2),
    27: (3, 3, 3),
    36: (4, 3, 3),
}  # values of lr, hidden, decay for a budget
LR, HIDDEN, DECAY = (1e-4, 1.0), (4, 48), (1e-4, 10.0)  # all on a log scale
TRAIN, VALIDATION, TEST, BATCH, CLASSES = 300, 150, 1000, 32, 10
WORST = 10.0  # a loss above this, or one that is not finite, counts as this
COINS, DRAWS = 200, 200  # examples in each of validation and test; label draws that are averaged


class Setting(NamedTuple):
    """One choice of hyperparameters."""

    lr: float
    hidden: int
    decay: float


UNTUNED = Setting(1e-3, 16, 1e-2)  # Adam's own learning rate, AdamW's own decay


class Trial(NamedTuple):
    """A setting, its loss on validation, and the network."""

    setting: Setting
    validation: float
    network: tuple[TracedLSTM, nn.Linear]


@cache
def _file() -> tuple[Tensor, Tensor]:
    with np.load(DATA) as data:
        return torch.tensor(data["images"]).float() / 16, torch.tensor(data["labels"]).long()


def scaled(bounds: tuple[float, float], share: float) -> float:
    """The value at `share` of the way between the bounds, on a log scale."""
    low, high = math.log(bounds[0]), math.log(bounds[1])
    return math.exp(low + share * (high - low))


def placed(shares: tuple[float, float, float]) -> Setting:
    """The setting at these shares of the three ranges."""
    lr, hidden, decay = (scaled(b, s) for b, s in zip((LR, HIDDEN, DECAY), shares, strict=True))
    return Setting(lr, round(hidden), decay)


def grid(budget: int) -> list[Setting]:
    """Every combination of the midpoints of equal parts of each range."""
    axes = [[(k + 0.5) / n for k in range(n)] for n in GRIDS[budget]]
    return [placed((a, b, c)) for a in axes[0] for b in axes[1] for c in axes[2]]


def random(budget: int, seed: int) -> list[Setting]:
    """Settings drawn uniformly on the log scale."""
    drawn = torch.rand(budget, 3, generator=generator(seed, 81), dtype=torch.float64).tolist()
    return [placed((a, b, c)) for a, b, c in drawn]


class Bench:
    """The data of one seed, and trials on it. Every trial of a seed has the same batches and draws weights alike."""

    def __init__(self, *, updates: int, seed: int) -> None:
        images, labels = _file()
        order = torch.randperm(len(images), generator=generator(seed, 82))
        cuts = (TRAIN, TRAIN + VALIDATION, TRAIN + VALIDATION + TEST)
        own, held, test = order[: cuts[0]], order[cuts[0] : cuts[1]], order[cuts[1] : cuts[2]]
        self._own = images[own], labels[own]
        self._held, self._test = (images[held], labels[held]), (images[test], labels[test])
        self._updates, self._seed = updates, seed

    def trial(self, setting: Setting) -> Trial:
        """Train with AdamW under a setting and measure on validation."""
        source, batches = generator(self._seed, 83), generator(self._seed, 84)
        layer = TracedLSTM(8, setting.hidden, generator=source)
        head = linear(setting.hidden, CLASSES, source)
        parameters = [*layer.parameters(), *head.parameters()]
        adam = torch.optim.AdamW(parameters, lr=setting.lr, weight_decay=setting.decay, fused=True)
        x, y = self._own
        for _ in range(self._updates):
            rows = torch.randint(TRAIN, (BATCH,), generator=batches)
            loss = nn.functional.cross_entropy(head(layer(x[rows])[0][:, -1]), y[rows])
            update(loss, adam, parameters, clip=1.0)
        validation, _ = _measured(layer, head, *self._held)
        return Trial(setting, validation, (layer, head))

    def test(self, trial: Trial) -> tuple[float, float]:
        """(loss, accuracy) on the test digits: to be asked of a winner, once."""
        return _measured(*trial.network, *self._test)

    def search(self, name: str, budget: int) -> Iterator[Trial]:
        """`budget` trials of one search, one by one."""
        if name == "bayes":
            yield from self._bayes(budget)
            return
        for setting in grid(budget) if name == "grid" else random(budget, self._seed):
            yield self.trial(setting)

    def _bayes(self, budget: int) -> Iterator[Trial]:
        """optuna's TPE: a quarter of the budget at random, the rest where past trials suggest."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        ranges: dict[str, optuna.distributions.BaseDistribution] = {
            "lr": optuna.distributions.FloatDistribution(*LR, log=True),
            "hidden": optuna.distributions.IntDistribution(*HIDDEN, log=True),
            "decay": optuna.distributions.FloatDistribution(*DECAY, log=True),
        }
        start = int(torch.randint(2**31, (1,), generator=generator(self._seed, 85)))
        sampler = optuna.samplers.TPESampler(seed=start, n_startup_trials=max(3, budget // 4))
        study = optuna.create_study(sampler=sampler)
        for _ in range(budget):
            asked = study.ask(ranges)
            made = self.trial(Setting(asked.params["lr"], asked.params["hidden"], asked.params["decay"]))
            study.tell(asked, made.validation)
            yield made

    def frame(self, trial: Trial) -> tuple[Trace, npt.NDArray[Any]]:
        """A trial's gates and memory ruler (2, 8) on the first validation digit."""
        layer, _ = trial.network
        x = self._held[0][:1]
        with torch.no_grad():
            _, _, trace = layer(x)
        return trace, memory_ruler(layer, x)

    def subject(self, trial: Trial) -> Subject:
        """A trial's network with the first validation digit, to be operated on."""
        layer, head = trial.network
        x, y = (part[:1] for part in self._held)

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            logits = head(output[:, -1])
            loss = float(nn.functional.cross_entropy(logits, y))
            return Answer(loss, [(f"P({k})", p) for k, p in enumerate(logits.softmax(-1)[0].tolist())])

        return Subject(layer, x, rows(), answer)


def _measured(layer: TracedLSTM, head: nn.Linear, x: Tensor, y: Tensor) -> tuple[float, float]:
    with torch.no_grad():
        logits = head(layer(x)[0][:, -1])
    loss = float(nn.functional.cross_entropy(logits, y))
    right = float((logits.argmax(1) == y).float().mean())
    return (min(loss, WORST) if math.isfinite(loss) else WORST), right


def rows() -> list[str]:
    """The time steps by name."""
    return [f"row {k}" for k in range(1, 9)]


@cache
def flattery(counts: tuple[int, ...], seed: int) -> list[tuple[int, float, float]]:
    """(K, validation accuracy of the best of K, its test accuracy) on labels that are coin tosses.

    K untrained LSTMs read random sequences and vote by the sign of a random read-out; the best of K on the labels of
    validation is looked up on test. Averaged over DRAWS draws of labels; true accuracy is 0.5 throughout.
    """
    source = generator(seed, 86)
    x, most = torch.randn(2 * COINS, 8, 8, generator=source), max(counts)
    votes = []
    for _ in range(most):
        layer, head = TracedLSTM(8, 8, generator=source), linear(8, 1, source)
        with torch.no_grad():
            said = head(layer(x)[0][:, -1])[:, 0]
        votes.append(said > said.median())
    labels = torch.randint(0, 2, (DRAWS, 1, 2 * COINS), generator=source).bool()
    right = (torch.stack(votes) == labels).float()  # (DRAWS, K, examples)
    validation, test = right[..., :COINS].mean(-1), right[..., COINS:].mean(-1)
    found = []
    for count in counts:
        best = validation[:, :count].argmax(1, keepdim=True)
        found.append((
            count, float(validation.gather(1, best).mean()), float(test.gather(1, best).mean())
        ))  # fmt: skip
    return found
