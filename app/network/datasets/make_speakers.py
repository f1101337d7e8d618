"""Make speakers.npz: the JapaneseVowels utterances, from the files inside aeon 1.6.0. Run by hand, never by the app.

In a throw-away environment, not in the project's own; aeon's wheel is only unpacked, not imported:
    pip download --no-deps aeon==1.6.0 -d /tmp/aeon && unzip /tmp/aeon/aeon-1.6.0-*.whl -d /tmp/aeon
    python app/network/datasets/make_speakers.py /tmp/aeon/aeon/datasets/data/JapaneseVowels

frames (9961, 12) int16 in thousandths, all utterances one after the other; lengths (640,) uint8; speakers (640,)
uint8 from 0 to 8; train, the number of utterances that come first and are the original training set (270). Rounding
to a thousandth moves a value by at most 0.0005. Licence: speakers.LICENCE.txt.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def read(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """Utterances (T, 12) and speakers (1 … 9) of a .ts file: channels between colons, values between commas."""
    utterances, speakers = [], []
    _, _, body = path.read_text(encoding="utf-8").partition("@data")
    for line in body.split():
        *channels, speaker = line.split(":")
        utterances.append(np.array([[float(v) for v in channel.split(",")] for channel in channels]).T)
        speakers.append(int(speaker))
    return utterances, speakers


def main(folder: Path) -> None:
    train, train_speakers = read(folder / "JapaneseVowels_TRAIN.ts")
    test, test_speakers = read(folder / "JapaneseVowels_TEST.ts")
    assert (len(train), len(test)) == (270, 370)
    utterances = train + test
    frames = np.concatenate(utterances)
    assert frames.shape == (9961, 12)
    np.savez_compressed(
        Path(__file__).with_name("speakers.npz"),
        frames=np.round(frames * 1000).astype(np.int16),
        lengths=np.array([len(each) for each in utterances], dtype=np.uint8),
        speakers=np.array(train_speakers + test_speakers, dtype=np.uint8) - np.uint8(1),
        train=np.int64(len(train)),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
