"""Which key points a spoken answer seems to contain: a suggestion with its evidence, never a mark.

Writing first and then ticking each idea against the evidence makes self-marking reliable
(Dunlosky et al. 2011; Sanchez et al. 2017), so the learner confirms every tick. A phrasing counts
where it stands in the answer, whatever its inflections and little words, and its clause does not
negate it: similarity measures miss negation.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.content import KeyPoint
from app.content.wording import Folded, is_latin, wordings
from app.quiz.negation import Denials

_GAP = 40  # folded characters that a "…" of a phrasing may stand for
_SENTENCE_END = frozenset("。！？!?；;")

Span = tuple[int, int]


@dataclass(frozen=True)
class Suggestion:
    """Whether point `index` seems said, and where: [start, end) in the answer, None where nothing was found."""

    index: int
    said: bool
    evidence: Span | None
    negated: bool = False


def suggest(answer: str, points: Sequence[KeyPoint]) -> list[Suggestion]:
    """One suggestion for each key point, in their order."""
    heard = _Heard(answer)
    return [_look(index, point, heard) for index, point in enumerate(points)]


def score(points: Sequence[KeyPoint], ticked: Sequence[int]) -> float:
    """Share of the weight that was ticked, in [0, 1]. Unknown indexes raise ValueError."""
    for index in ticked:
        if not 0 <= index < len(points):
            raise ValueError(f"point {index}")
    total = sum(point.weight for point in points)
    return sum(points[index].weight for index in set(ticked)) / total if total else 0.0


def _look(index: int, point: KeyPoint, heard: _Heard) -> Suggestion:
    """One occurrence that is not denied is enough; else the first denied one is shown."""
    refused: Span | None = None
    for pieces in itertools.chain([_whole(point.text)], map(wordings, point.phrasings)):
        for chain in heard.occurrences(pieces):
            places = [heard.folded.place(*span) for span in chain]
            evidence = heard.folded.original(places[0][0], places[-1][1])
            if not heard.denials.denies(places):
                return Suggestion(index, True, evidence)
            refused = refused or evidence
    return Suggestion(index, False, refused, negated=refused is not None)


@functools.lru_cache(maxsize=2_000)
def _whole(text: str) -> tuple[tuple[str, ...], ...]:
    """A point's own text as one piece, as it stands: only phrasings have a notation."""
    return ((Folded(text).text,),)


class _Heard:
    """An answer, folded, with its sentences and its denials."""

    def __init__(self, answer: str) -> None:
        self.folded = Folded(answer)
        self.denials = Denials(self.folded.plain)
        ends = (char in _SENTENCE_END for char in self.folded.text)
        self._sentence = list(itertools.accumulate(ends, initial=0))

    def occurrences(self, pieces: Sequence[Sequence[str]]) -> Iterator[list[Span]]:
        """Every way the pieces of a phrasing stand in order in one sentence, overlapping ones as well."""
        found = []
        for alternatives in pieces:
            found.append(sorted(span for each in alternatives for span in self._places(each)))
            if not found[-1]:
                return
        yield from self._chains(found, [])

    def _chains(self, found: Sequence[Sequence[Span]], chain: list[Span]) -> Iterator[list[Span]]:
        if len(chain) == len(found):
            yield chain
            return
        for start, end in found[len(chain)]:
            if not chain or (
                chain[-1][1] <= start <= chain[-1][1] + _GAP
                and self._sentence[chain[-1][1]] == self._sentence[start]
            ):
                yield from self._chains(found, [*chain, (start, end)])

    def _places(self, phrase: str) -> Iterable[Span]:
        """Where a folded phrase stands at word bounds."""
        text, at = self.folded.text, -1
        while phrase and (at := text.find(phrase, at + 1)) >= 0:
            end = at + len(phrase)
            if at and is_latin(phrase[0]) and is_latin(text[at - 1]):
                continue
            if end < len(text) and is_latin(phrase[-1]) and is_latin(text[end]):
                continue
            yield at, end
