"""Spoken digit strings to text by LSTM and CTC: forward-only, with a little look-ahead, and bidirectional.

CTC adds a blank label and sums over all alignments (Graves et al. 2006); the bidirectional encoder is Graves &
Schmidhuber's (2005). Decoding takes the best label of each step, merges repeats and drops blanks: no language model,
no beam. One step is STACK frames of 20 ms side by side; `ahead` more frames are the look-ahead.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from app.network.ruler import memory_ruler
from app.network.studies.speech import CLEAN_DB, FRAME_MS, MELS, Strings, corpus, own, strings
from app.network.studies.speech_scores import (
    FRAMES,
    LONGEST,
    SOLVED,
    STACK,
    Fleet,
    Plateau,
    Score,
    collapse,
    ctc,
    edits,
    held_strings,
    judge,
    plateau,
    score,
)
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.traced import TracedLSTM
from app.network.train import generator, linear, optimiser, update

Kind = Literal["forward", "ahead", "bi"]
LANES: tuple[Kind, ...] = ("forward", "ahead", "bi")
BATCH, LABELS = 16, 11
SHIPPED = Path(__file__).resolve().parent.parent / "datasets" / "speech_ctc.safetensors"
SHIPPED_HIDDEN, SHIPPED_AHEAD, SHIPPED_SEEDS, SHIPPED_STEPS = 40, 4, 3, 3000


class Recogniser(nn.Module):
    """x (B, T, 16) → log-probabilities (B, T / 4, 11); label 0 is the blank, label d + 1 the digit d."""

    def __init__(self, kind: Kind, hidden: int, ahead: int, source: torch.Generator) -> None:
        super().__init__()
        self.kind, self.ahead = kind, ahead if kind == "ahead" else 0
        inputs = MELS * (STACK + self.ahead)
        self.layer = TracedLSTM(inputs, hidden, init="forget-bias", generator=source)
        self.back = TracedLSTM(inputs, hidden, init="forget-bias", generator=source) if kind == "bi" else None
        self.head = linear(hidden * (2 if kind == "bi" else 1), LABELS, source)

    def stacked(self, x: Tensor) -> Tensor:
        """(B, T / 4, 16 · (4 + ahead)): the frames of each step and those it looks ahead to."""
        longer = torch.cat([x, x[:, -1:].expand(-1, self.ahead, -1)], 1)
        return longer.unfold(1, STACK + self.ahead, STACK).flatten(2)

    def read(self, inputs: Tensor) -> tuple[Tensor, Trace]:
        """Log-probabilities of stacked input and the trace of the forward LSTM."""
        output, _, trace = self.layer(inputs)
        if self.back is not None:
            output = torch.cat([output, self.back(inputs.flip(1))[0].flip(1)], -1)
        return self.head(output).log_softmax(-1), trace

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 16) → (B, T / 4, 11)."""
        return self.read(self.stacked(x))[0]


@dataclass
class Lane:
    """One recogniser in training; `course` holds (step, score on unseen voices)."""

    name: Kind
    model: Recogniser
    optimiser: torch.optim.Optimizer
    parameters: list[Tensor]
    course: list[tuple[int, Score]] = field(default_factory=list)

    @property
    def blank(self) -> Plateau:
        """The plateau of blanks at the start."""
        return plateau(self.course)

    @property
    def solved_at(self) -> int | None:
        """The first measured step with a label error rate of at most SOLVED."""
        return next((step for step, measured in self.course if measured.rate <= SOLVED), None)


class Frame(NamedTuple):
    """A recogniser on one's own string: label probabilities (T, 11), the forward LSTM's trace, its ruler (2, T)."""

    chances: Any
    trace: Trace
    ruler: Any


class Dictation:
    """All lanes of one seed on the same batches, from scratch or from the shipped weights."""

    def __init__(
        self, *, hidden: int, ahead: int, lr: float, steps: int, voices: int, noise: bool, seed: int,
        shipped: bool = False, masked: bool = False,
    ) -> None:  # fmt: skip
        """`voices` train, `noise` puts noise of 0–50 dB into training, `masked` also hides 3 bands of each string."""
        self._lr, self._steps, self._noise, self._masked = lr, steps, noise, masked
        self._voices = corpus().voices("seen", voices)
        self._batches = generator(seed, 72)
        self._probe = held_strings("unseen", CLEAN_DB, 48)
        self.lanes = [_lane(name, hidden, ahead, lr, seed) for name in LANES]
        if shipped:
            for lane in self.lanes:
                restore(lane.model, seed)

    def run(self, every: int) -> Iterator[int]:
        """Train and yield the step; every lane is measured each `every` steps. The rate falls to a twentieth."""
        for step in range(1, self._steps + 1):
            self._train(step)
            if step % every == 0 or step == self._steps:
                for lane in self.lanes:
                    lane.course.append((step, score(lane.model, self._probe)))
            yield step

    def _train(self, step: int) -> None:
        db = (0.0 if self._noise else CLEAN_DB, CLEAN_DB)
        said = strings(BATCH, FRAMES, self._voices, self._batches, longest=LONGEST, db=db)
        if self._masked:
            low = torch.randint(0, MELS - 2, (BATCH, 1, 1), generator=self._batches)
            band = torch.arange(MELS)
            hidden = (band >= low) & (band < low + 3)
            said = said._replace(x=torch.where(hidden, said.x.mean((1, 2), keepdim=True), said.x))
        for lane in self.lanes:
            lane.optimiser.param_groups[0]["lr"] = self._lr * (1 - 0.95 * (step - 1) / self._steps)
            update(ctc(lane.model(said.x), said), lane.optimiser, lane.parameters, clip=1.0)

    def frame(self, name: Kind, said: Strings) -> Frame:
        """A lane on one string."""
        model = self.lanes[LANES.index(name)].model
        inputs = model.stacked(said.x)
        with torch.no_grad():
            chances, trace = model.read(inputs)
        return Frame(chances[0].exp().numpy(), trace, memory_ruler(model.layer, inputs))

    def frames(self, said: Strings) -> Iterator[tuple[Kind, Frame]]:
        """The lanes that see what comes, on one string."""
        for name in LANES[1:]:
            yield name, self.frame(name, said)

    def subject(self, said: Strings) -> Subject:
        """The look-ahead lane with one string, to be operated on."""
        model = self.lanes[LANES.index("ahead")].model
        inputs = model.stacked(said.x)
        wanted = said.digits[0].tolist()

        def answer(output: Tensor, _state: tuple[Tensor, Tensor]) -> Answer:
            chances = model.head(output).log_softmax(-1)
            written = [digit for digit, _ in collapse(chances[0].argmax(-1).tolist())]
            rows = [
                ("label errors", float(edits(written, wanted))),
                ("labels written", float(len(written))),
                ("blank share", float((chances.argmax(-1) == 0).float().mean())),
            ]
            rows += [(f"written {k}", float(digit)) for k, digit in enumerate(written, 1)]
            return Answer(float(ctc(chances, said)), rows)

        return Subject(model.layer, inputs, tokens(inputs.shape[1]), answer)


def own_string(digits: str, voice: int, db: float, seed: int) -> Strings:
    """The learner's digits in an unseen voice."""
    return own([int(digit) for digit in digits], voice, db, generator(seed, 73))


def tokens(steps: int) -> list[str]:
    """The time at which each step begins, in seconds."""
    return [f"{step * STACK * FRAME_MS / 1000:.2f}" for step in range(steps)]


@functools.cache
def shipped(seed: int) -> list[Recogniser]:
    """The recognisers of the long training, nobody's to train on; `seed` 0 … SHIPPED_SEEDS − 1."""
    made = [
        Recogniser(name, SHIPPED_HIDDEN, SHIPPED_AHEAD, generator(seed, 74, k))
        for k, name in enumerate(LANES)
    ]
    for model in made:
        restore(model, seed)
    return made


@functools.cache
def shipped_fleets() -> dict[str, Fleet]:
    """The same under every condition, by kind: what a run says of them does not depend on its params."""
    long = [shipped(seed) for seed in range(SHIPPED_SEEDS)]
    return judge({name: [each[k] for each in long] for k, name in enumerate(LANES)})


def restore(model: Recogniser, seed: int) -> None:
    """Give a recogniser of the shipped size the shipped weights of a seed (modulo SHIPPED_SEEDS)."""
    start = f"{seed % SHIPPED_SEEDS}.{model.kind}."
    kept = load_file(SHIPPED)
    model.load_state_dict({k.removeprefix(start): v.float() for k, v in kept.items() if k.startswith(start)})


def pretrain(
    path: Path = SHIPPED, *, steps: int = SHIPPED_STEPS, seeds: int = SHIPPED_SEEDS
) -> list[dict[Kind, float]]:
    """Make the shipped weights: a longer training with noise and hidden bands, written in half precision.

    Gives each seed's label error rates on unseen voices by lane. Takes about a minute and a half a seed.
    """
    kept: dict[str, Tensor] = {}
    rates = []
    for seed in range(seeds):
        long = Dictation(
            hidden=SHIPPED_HIDDEN, ahead=SHIPPED_AHEAD, lr=0.01, steps=steps, voices=120, noise=True, seed=1000 + seed,
            masked=True,
        )  # fmt: skip
        for _ in long.run(every=steps):
            pass
        for lane in long.lanes:
            kept |= {
                f"{seed}.{lane.name}.{k}": v.half().contiguous() for k, v in lane.model.state_dict().items()
            }
        rates.append({lane.name: lane.course[-1][1].rate for lane in long.lanes})
    save_file(kept, path)
    path.chmod(0o644)
    return rates


def _lane(name: Kind, hidden: int, ahead: int, lr: float, seed: int) -> Lane:
    model = Recogniser(name, hidden, ahead, generator(seed, 74, LANES.index(name)))
    parameters: list[Tensor] = list(model.parameters())
    return Lane(name, model, optimiser("adam", parameters, lr), parameters)
