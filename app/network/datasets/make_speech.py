"""Make speech.npz and speech_sounds.npz: English digits spoken by espeak-ng. Run by hand, never by the app.

    apt-get install espeak-ng                                 (1.51)
    python app/network/datasets/make_speech.py                (needs numpy only)

A voice is one of espeak-ng's voice variants with an accent, a pitch and a speed, drawn from a fixed seed. 120 voices
train; 16 variants (and all versions of them) are kept from training: they are the unseen voices, 4 of them with an
accent that no training voice has either. Whispering and robot effects are left out. Each of the ten digits is
spoken alone, cut to where it sounds, brought to one loudness and resampled to 8 kHz. Features: log of the power in 16
mel bands, 100–4000 Hz, windows of 25 ms every 10 ms, two neighbours averaged, so 50 frames a second.

speech.npz: frames (N, 16) uint8, value = LOW + STEP · byte in nats, all digits one after the other;
lengths (voices · 10,) uint8, voice by voice, in each the digits 0 … 9; voices (voices,) names; groups (voices,) uint8:
0 training, 1 unseen voice, 2 unseen voice and unseen accent. speech_sounds.npz: µ-law bytes of SOUNDS unseen voices
(samples, starts, voices). Licence: speech.LICENCE.txt.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import wave
from pathlib import Path
from typing import Any

import numpy as np

RATE, WINDOW, HOP, MELS = 8000, 200, 80, 16
LOW, STEP = -9.0, 0.3
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = ("en-gb", "en-us", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc")
ACCENT_HELD = "en-gb-scotland"
LEFT_OUT = re.compile(
    r"whisper|robo|Demonic|announcer|croak|Ricishay|Storm|fast|Tweaky|kaukovalta|klatt", re.I
)
TRAINED, UNSEEN, UNSEEN_ACCENT, SOUNDS = 120, 12, 4, 6


def variants() -> list[str]:
    """espeak-ng's voice variants, without effects, in a fixed order."""
    listed = subprocess.run(["espeak-ng", "--voices=variant"], check=True, capture_output=True, text=True)
    found = [line.split("!v/")[1].strip().split("  ")[0] for line in listed.stdout.splitlines()[1:]]
    return sorted(name.replace(" (en-us 5)", "") for name in found if not LEFT_OUT.search(name))


def families(names: list[str]) -> list[list[str]]:
    """Variants that are versions of one another (Steph, Steph2 …) belong together; m1 … m8, f1 … f5 do not."""
    grouped: dict[str, list[str]] = {}
    for name in names:
        grouped.setdefault(name if re.fullmatch(r"[mf]\d", name) else name.rstrip("0123456789"), []).append(
            name
        )
    return list(grouped.values())


def cast(draw: np.random.Generator) -> list[tuple[str, str, int, int, int]]:
    """(variant, accent, pitch, words a minute, group) of every voice."""
    groups = families(variants())
    draw.shuffle(groups)
    held: list[str] = [family[0] for family in groups[: UNSEEN + UNSEEN_ACCENT]]
    known = [name for family in groups[UNSEEN + UNSEEN_ACCENT :] for name in family]

    def voice(variant: str, accent: str, group: int) -> tuple[str, str, int, int, int]:
        return variant, accent, int(draw.integers(25, 76)), int(draw.integers(130, 201)), group

    made = [voice(known[k % len(known)], str(draw.choice(ACCENTS)), 0) for k in range(TRAINED)]
    made += [voice(name, str(draw.choice(ACCENTS)), 1) for name in held[:UNSEEN]]
    return made + [voice(name, ACCENT_HELD, 2) for name in held[UNSEEN:]]


def speak(word: str, variant: str, accent: str, pitch: int, speed: int, folder: Path) -> Any:
    """The word as floats at RATE, cut to where it sounds, with a root mean square of 0.1."""
    path = folder / "said.wav"
    command = [
        "espeak-ng",
        "-v",
        f"{accent}+{variant}",
        "-p",
        str(pitch),
        "-s",
        str(speed),
        "-w",
        str(path),
        word,
    ]
    subprocess.run(command, check=True, capture_output=True)
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        sound = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float) / 32768
    spectrum = np.fft.rfft(sound)
    length = round(len(sound) * RATE / rate)
    sound = np.fft.irfft(spectrum[: length // 2 + 1], length) * RATE / rate
    loud = np.convolve(sound**2, np.ones(WINDOW) / WINDOW, "same")
    heard = np.flatnonzero(loud > loud.max() * 1e-3)
    sound = sound[max(0, heard[0] - HOP) : heard[-1] + HOP]
    return 0.1 * sound / np.sqrt(np.mean(sound**2))


def filters() -> Any:
    """(MELS, WINDOW // 2 + 1): triangles, evenly spaced on the mel scale."""
    mel = np.linspace(2595 * np.log10(1 + 100 / 700), 2595 * np.log10(1 + 4000 / 700), MELS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    weights = np.clip(np.minimum(rise, fall), 0, None)
    return weights / weights.sum(1, keepdims=True)


def features(sound: np.ndarray) -> Any:
    """(frames at 50 a second, MELS): log power in nats."""
    padded = np.pad(sound, (WINDOW // 2, WINDOW))
    count = len(sound) // HOP // 2 * 2
    windows = np.stack([padded[k * HOP : k * HOP + WINDOW] for k in range(count)]) * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(windows)) ** 2 @ filters().T
    return np.log(power.reshape(-1, 2, MELS).mean(1) + 1e-9)


def mu_law(sound: np.ndarray) -> Any:
    """Floats in (−1, 1) as bytes: 128 is silence."""
    bent = np.sign(sound) * np.log1p(255 * np.abs(sound.clip(-1, 1))) / np.log(256)
    return np.round(bent * 127 + 128).astype(np.uint8)


def main() -> None:
    voices = cast(np.random.default_rng(2026))
    heard: list[int] = []
    frames, lengths, sounds, starts = [], [], [], [0]
    with tempfile.TemporaryDirectory() as name:
        for number, (variant, accent, pitch, speed, group) in enumerate(voices):
            audible = (group == 2 and len(heard) < SOUNDS) or (group == 1 and len(heard) < SOUNDS - 2)
            heard += [number] if audible else []
            for word in DIGITS:
                sound = speak(word, variant, accent, pitch, speed, Path(name))
                frames.append(features(sound))
                lengths.append(len(frames[-1]))
                if audible:
                    sounds.append(mu_law(sound))
                    starts.append(starts[-1] + len(sound))
    joined = np.concatenate(frames)
    scaled = np.round((joined - LOW) / STEP).clip(0, 255).astype(np.uint8)
    names = [f"{variant} {accent} p{pitch} s{speed}" for variant, accent, pitch, speed, _ in voices]
    folder = Path(__file__).parent
    np.savez_compressed(
        folder / "speech.npz", frames=scaled, lengths=np.array(lengths, dtype=np.uint8), voices=np.array(names),
        groups=np.array([voice[4] for voice in voices], dtype=np.uint8),
    )  # fmt: skip
    np.savez_compressed(
        folder / "speech_sounds.npz", samples=np.concatenate(sounds), starts=np.array(starts, dtype=np.int32),
        voices=np.array(heard, dtype=np.uint8),
    )  # fmt: skip


if __name__ == "__main__":
    main()
