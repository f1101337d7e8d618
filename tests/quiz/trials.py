"""Trial answers: realistic spoken answers with the key points they truly contain, and how suggestions fare.

`trials/NN.toml` holds a question's trials: [[trial]] tables with lang, sort (strong, middling, wrong or
nonsense), text and said, the indexes (from 0) of the question's key points that the answer really makes.

python -m tests.quiz.trials [NN …]    every disagreement, then precision and recall
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.content import KeyPoint, Library
from app.protocol import LANGS
from app.quiz.rubric import suggest
from tests.conftest import shipped_library

FOLDER = Path(__file__).parent / "trials"
SORTS = ("strong", "middling", "wrong", "nonsense")


@dataclass(frozen=True)
class Trial:
    """One answer to one question; `said` are the points it truly makes."""

    number: int
    lang: str
    sort: str
    text: str
    said: frozenset[int]


@dataclass
class Tally:
    """Suggested ticks against intended ones, point by point."""

    right: int = 0
    spurious: int = 0
    missed: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.spurious) if self.right + self.spurious else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def read(folder: Path = FOLDER) -> list[Trial]:
    """All trials on file. KeyError, ValueError where a file is not well formed."""
    return [trial for path in sorted(folder.glob("*.toml")) for trial in _of(path)]


def _of(path: Path) -> Iterator[Trial]:
    for given in tomllib.loads(path.read_text(encoding="utf-8"))["trial"]:
        if given["lang"] not in LANGS or given["sort"] not in SORTS:
            raise ValueError(f"{path.name}: lang or sort is off: {given['lang']}, {given['sort']}")
        yield Trial(
            int(path.stem), given["lang"], given["sort"], given["text"].strip(), frozenset(given["said"])
        )


def points(library: Library, trial: Trial) -> tuple[KeyPoint, ...]:
    """The key points that the trial is held against."""
    return library.by_number[trial.number].text[trial.lang].key_points


def tally(library: Library, trials: Iterable[Trial]) -> Tally:
    """How suggestions agree with what was meant."""
    found = Tally()
    for trial in trials:
        mine = points(library, trial)
        said = {each.index for each in suggest(trial.text, mine) if each.said}
        found.right += len(said & trial.said)
        found.spurious += len(said - trial.said)
        found.missed += len(trial.said - said)
        where = f"{trial.number:02} {trial.lang} {trial.sort}"
        found.differences += [f"{where}: spurious {i}: {mine[i].text}" for i in sorted(said - trial.said)]
        found.differences += [f"{where}: missed {i}: {mine[i].text}" for i in sorted(trial.said - said)]
    return found


def main(numbers: list[str]) -> None:
    library = shipped_library()
    trials = [trial for trial in read() if not numbers or f"{trial.number:02}" in numbers]
    found = tally(library, trials)
    print("\n".join(found.differences))
    print(f"{len(trials)} trials: precision {found.precision:.3f}, recall {found.recall:.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
