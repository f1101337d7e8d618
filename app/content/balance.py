"""Can a key be guessed from the look of the options? Lengths and places of right options over all singles."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from app.content.models import Item, Library
from app.content.render import plain_text


@dataclass(frozen=True)
class Balance:
    """Counts over the single-choice items of one language."""

    singles: int
    longest: int  # items whose right option is longer than every other
    longest_by_chance: float
    places: dict[int, int]  # place of the right option (from 1) → items
    places_by_chance: dict[int, float]

    @property
    def text(self) -> str:
        rows = [
            f"place {place}: {self.places.get(place, 0)} of {self.singles} (by chance {expected:.1f})"
            for place, expected in sorted(self.places_by_chance.items())
        ]
        key = (
            f"right option longest: {self.longest} of {self.singles} (by chance {self.longest_by_chance:.1f})"
        )
        return "\n".join([key, *rows])


def balance(library: Library, lang: str) -> Balance:
    """The figures for one language; lengths are of what a reader sees, formulas as their symbols."""
    singles = [i for question in library.questions for i in question.text[lang].items if i.kind == "single"]
    expected: dict[int, float] = {}
    for item in singles:
        for place in range(1, len(item.options) + 1):
            expected[place] = expected.get(place, 0.0) + 1 / len(item.options)
    return Balance(
        singles=len(singles),
        longest=sum(_key_is_longest(item) for item in singles),
        longest_by_chance=sum(1 / len(item.options) for item in singles),
        places=dict(Counter(_place(item) for item in singles)),
        places_by_chance=expected,
    )


def _key_is_longest(item: Item) -> bool:
    lengths = [(len(plain_text(option.text)), option.right) for option in item.options]
    return max(n for n, right in lengths if right) > max(n for n, right in lengths if not right)


def _place(item: Item) -> int:
    return next(place for place, option in enumerate(item.options, 1) if option.right)
