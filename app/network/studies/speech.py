"""Spoken digits as log-mel features: strings put together from single digits, with pauses, loudness and noise.

The digits were spoken by espeak-ng in many voices (app/network/datasets/make_speech.py). A string is one voice's digits
one after the other, so there is no co-articulation between them. Noise is added to the power in each mel band.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from app.network.train import generator

MELS, FRAME_MS, RATE = 16, 20, 8000
LOW, STEP = -9.0, 0.3  # value = LOW + STEP · byte, log power in nats
SPOKEN_POWER = 0.75  # of a white sound as loud as the digits (root mean square 0.1) in one band
CLEAN_DB = 50.0
PAUSE = 4  # frames between the digits of a string of one's own
GROUPS = ("seen", "unseen", "accent")  # training voices, unseen voices, unseen voices with an unseen accent
_FOLDER = Path(__file__).resolve().parent.parent / "datasets"


class Corpus(NamedTuple):
    """power (1 + frames, 16), row 0 is silence; starts and lengths (voices, 10) in frames; group (voices,)."""

    power: Tensor
    starts: Tensor
    lengths: Tensor
    group: Tensor
    noise: Tensor  # (4096, 16) noise whose power fluctuates about 1

    def voices(self, group: str, limit: int | None = None) -> Tensor:
        """The indexes of a group's voices, at most `limit`."""
        return torch.where(self.group == GROUPS.index(group))[0][:limit]


class Strings(NamedTuple):
    """x (B, T, 16) scaled log power; digits (B, U); counts (B,) of those spoken; starts, ends (B, U) in frames."""

    x: Tensor
    digits: Tensor
    counts: Tensor
    starts: Tensor
    ends: Tensor


@functools.cache
def corpus() -> Corpus:
    """What ships: 120 training voices and 16 unseen ones."""
    with np.load(_FOLDER / "speech.npz") as file:
        frames = torch.from_numpy(file["frames"].astype(np.float32)) * STEP + LOW
        lengths = torch.from_numpy(file["lengths"].astype(np.int64))
        group = torch.from_numpy(file["groups"].astype(np.int64))
    power = torch.cat([torch.zeros(1, MELS), frames.exp()])
    starts = 1 + lengths.cumsum(0) - lengths
    noise = (0.4 * torch.randn(4096, MELS, generator=generator(0, 70))).exp()
    return Corpus(power, starts.view(-1, 10), lengths.view(-1, 10), group, noise)


def strings(
    batch: int, steps: int, voices: Tensor, source: torch.Generator, *,
    longest: int = 3, shortest: int = 1, db: tuple[float, float] = (CLEAN_DB, CLEAN_DB),
) -> Strings:  # fmt: skip
    """Random strings of `shortest` … `longest` digits in `steps` frames, each in one of `voices`.

    Before each digit a pause of 40–160 ms; loudness ± 3 dB; noise of a random slope, `db` below the speech on average.
    """
    data = corpus()
    voice = voices[torch.randint(len(voices), (batch,), generator=source)]
    counts = torch.randint(shortest, longest + 1, (batch,), generator=source)
    digits = torch.randint(0, 10, (batch, longest), generator=source)
    pauses = torch.randint(2, 9, (batch, longest), generator=source)
    quiet = db[0] + (db[1] - db[0]) * torch.rand(batch, 1, generator=source)
    slope = 4 * torch.rand(batch, 1, generator=source) - 2
    gain = 1.4 * torch.rand(batch, 1, generator=source) - 0.7
    lengths = data.lengths[voice[:, None], digits] * (torch.arange(longest) < counts[:, None])
    ends = (pauses + lengths).cumsum(1)
    rows = _rows(data.starts[voice[:, None], digits], ends - lengths, ends, steps)
    shape = (slope * torch.linspace(-0.5, 0.5, MELS)).exp() * _below(quiet) * (-gain).exp()
    where = torch.randint(0, len(data.noise) - steps, (batch, 1), generator=source) + torch.arange(steps)
    x = _scaled(data.power[rows] + shape[:, None] * data.noise[where], gain[..., None])
    return Strings(x, digits, counts, ends - lengths, ends)


def own(digits: Sequence[int], voice: int, db: float, source: torch.Generator) -> Strings:
    """One string of one's own choice (1, T, 16), PAUSE frames between the digits; T is a multiple of 4."""
    data, wanted = corpus(), torch.tensor([digits])
    lengths = data.lengths[voice, wanted]
    ends = (PAUSE + lengths).cumsum(1)
    steps = -(-(int(ends[0, -1]) + 2 * PAUSE) // 4) * 4
    rows = _rows(data.starts[voice, wanted], ends - lengths, ends, steps)
    begin = int(torch.randint(0, len(data.noise) - steps, (1,), generator=source))
    noise = _below(torch.tensor(db)) * data.noise[begin : begin + steps]
    x = _scaled(data.power[rows] + noise, torch.zeros(1))
    return Strings(x, wanted, torch.tensor([len(digits)]), ends - lengths, ends)


def sound(digits: Sequence[int], voice: int, db: float, source: torch.Generator) -> bytes:
    """The same string to listen to: 16-bit PCM at RATE, with white noise `db` below the speech."""
    with np.load(_FOLDER / "speech_sounds.npz") as file:
        samples, starts, heard = file["samples"], file["starts"], file["voices"].tolist()
    if voice not in heard:
        raise ValueError(f"voice must be one of {heard}, not {voice}")
    pause = np.zeros(PAUSE * FRAME_MS * RATE // 1000)
    pieces = [pause]
    for digit in digits:
        place = heard.index(voice) * 10 + digit
        bent = (samples[starts[place] : starts[place + 1]].astype(float) - 128) / 127
        pieces += [np.sign(bent) * np.expm1(np.abs(bent) * np.log(256)) / 255, pause]
    joined = np.concatenate(pieces)
    hiss = torch.randn(len(joined), generator=source).numpy() * 0.1 * 10 ** (-db / 20)
    return bytes((20000 * (joined + hiss)).clip(-32767, 32767).astype("<i2").tobytes())


def heard_voices() -> list[int]:
    """The unseen voices whose sound ships."""
    with np.load(_FOLDER / "speech_sounds.npz") as file:
        voices: list[int] = file["voices"].tolist()
    return voices


def picture(x: Tensor) -> Any:
    """(16, T) of one string's features, high bands first, to be drawn."""
    return x[0].T.flip(0).numpy()


def _rows(first: Tensor, starts: Tensor, ends: Tensor, steps: int) -> Tensor:
    """(B, T): the row of `Corpus.power` that is heard in each frame; 0, silence, where none is."""
    frame, rows = torch.arange(steps), torch.zeros(len(first), steps, dtype=torch.int64)
    for k in range(first.shape[1]):
        inside = (frame >= starts[:, k, None]) & (frame < ends[:, k, None])
        rows = torch.where(inside, first[:, k, None] + frame - starts[:, k, None], rows)
    return rows


def _below(db: Tensor) -> Tensor:
    return SPOKEN_POWER * 10 ** (-db / 10)


def _scaled(power: Tensor, gain: Tensor) -> Tensor:
    """Log power, floored, louder by `gain` nats, in units that suit a network."""
    return ((power + 1e-4).log() + gain + 2) / 4
