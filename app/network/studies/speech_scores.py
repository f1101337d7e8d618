"""How a speech recogniser is judged: CTC's loss, label error rate, latency, the plateau of blanks.

Decoding takes the best label of each step, merges repeats and drops blanks (best path; Graves et al. 2006).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from app.network.studies.speech import CLEAN_DB, FRAME_MS, Strings, corpus, strings
from app.network.train import generator

if TYPE_CHECKING:
    from app.network.studies.speech_ctc import Recogniser

STACK, FRAMES, LONGEST = 4, 116, 3  # frames a step; frames and digits of a training string
SOLVED = 0.05
# Group of voices and signal to noise in dB; CLEAN is where the claims are judged.
CONDITIONS = (
    ("seen", CLEAN_DB), ("unseen", CLEAN_DB), ("accent", CLEAN_DB), ("unseen", 20.0), ("unseen", 10.0), ("unseen", 0.0),
)  # fmt: skip
CLEAN = 1


def ctc(chances: Tensor, said: Strings) -> Tensor:
    """CTC's loss, the mean over strings of −log p(digits) / number of digits."""
    steps = torch.full((len(chances),), chances.shape[1])
    return nn.functional.ctc_loss(chances.transpose(0, 1), said.digits + 1, steps, said.counts)


def collapse(labels: Sequence[int]) -> list[tuple[int, int]]:
    """(digit, step) of each label that is written: repeats merged, blanks dropped."""
    return [
        (label - 1, step)
        for step, label in enumerate(labels)
        if label and (step == 0 or label != labels[step - 1])
    ]


def edits(found: Sequence[int], wanted: Sequence[int]) -> int:
    """Fewest substitutions, deletions and insertions from one to the other (Levenshtein)."""
    row = list(range(len(wanted) + 1))
    for i, here in enumerate(found, 1):
        corner, row[0] = row[0], i
        for j, there in enumerate(wanted, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (here != there))
    return row[-1]


def written(model: Recogniser, said: Strings) -> tuple[str, str, float]:
    """For a single string: the best label of each step (– is the blank), what is left of them, edits needed."""
    with torch.no_grad():
        labels = model(said.x)[0].argmax(-1).tolist()
    digits = [digit for digit, _ in collapse(labels)]
    path = "".join("–" if label == 0 else str(label - 1) for label in labels)
    return path, "".join(map(str, digits)) or "∅", float(edits(digits, said.digits[0].tolist()))


class Score(NamedTuple):
    """Label error rate; share of blank steps; mean milliseconds from a digit's first sound until it can be written."""

    rate: float
    blank: float
    latency: float | None  # None where no string is wholly right
    loss: float


def score(model: Recogniser, said: Strings) -> Score:
    """Judge a recogniser. Latency: over strings that are wholly right, when the step that writes a digit has all its
    input, less when its sound began. Bidirectional: nothing can be written before the last digit has ended.
    """
    with torch.no_grad():
        chances = model(said.x)
        loss = float(ctc(chances, said))
    best = chances.argmax(-1)
    wrong, delays = 0, []
    for labels, digits, count, starts, last in zip(
        best.tolist(), said.digits.tolist(), said.counts.tolist(), said.starts.tolist(), said.ends[:, -1].tolist(),
        strict=True,
    ):  # fmt: skip
        written = collapse(labels)
        errors = edits([digit for digit, _ in written], digits[:count])
        wrong += errors
        if errors == 0:
            for (_, step), start in zip(written, starts[:count], strict=True):
                ready = last if model.kind == "bi" else STACK * (step + 1) + model.ahead
                delays.append((ready - start) * FRAME_MS)
    return Score(
        wrong / int(said.counts.sum()), float((best == 0).float().mean()),
        sum(delays) / len(delays) if delays else None, loss,
    )  # fmt: skip


@functools.cache
def held_strings(group: str, db: float, count: int = 120) -> Strings:
    """The same held-out strings of LONGEST digits for every seed and lane."""
    source = generator(0, 71, int(db))
    return strings(count, FRAMES, corpus().voices(group), source, shortest=LONGEST, db=(db, db))


class Plateau(NamedTuple):
    """`until`: the last step, from the first measurement on, at which nothing but blanks came out; 0 for none.
    `falling`: whether that lasted two measurements at least, and the loss fell meanwhile.
    """

    until: int
    falling: bool


def plateau(course: Sequence[tuple[int, Score]]) -> Plateau:
    """The plateau of blanks at the start of a course of (step, score)."""
    flat = []
    for step, measured in course:
        if measured.blank < 1:
            break
        flat.append((step, measured.loss))
    return Plateau(flat[-1][0] if flat else 0, len(flat) > 1 and flat[-1][1] < flat[0][1])


class Fleet(NamedTuple):
    """One kind of recogniser over its seeds: scores[condition][seed] over CONDITIONS."""

    scores: list[list[Score]]

    @property
    def rates(self) -> list[float]:
        """Label error rate of each seed on unseen voices without noise."""
        return [each.rate for each in self.scores[CLEAN]]

    @property
    def latencies(self) -> list[float | None]:
        """Latency of each seed there, in ms."""
        return [each.latency for each in self.scores[CLEAN]]

    @property
    def latency(self) -> float | None:
        """The mean of those that are known."""
        known = [each for each in self.latencies if each is not None]
        return mean(known) if known else None

    @property
    def solved(self) -> int:
        """How many seeds are at SOLVED or better."""
        return sum(rate <= SOLVED for rate in self.rates)


def judge(fleets: Mapping[str, Sequence[Recogniser]]) -> dict[str, Fleet]:
    """Every recogniser under every condition."""
    return {
        name: Fleet([[score(model, held_strings(group, db)) for model in models] for group, db in CONDITIONS])
        for name, models in fleets.items()
    }


def trades(none: Fleet, some: Fleet, both: Fleet) -> int:
    """In how many seeds some look-ahead errs less than none and is sooner than both directions."""
    count = 0
    for k, (one, other) in enumerate(zip(some.latencies, both.latencies, strict=True)):
        sooner = one is not None and other is not None and one < other
        count += sooner and some.rates[k] < none.rates[k]
    return count


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)
