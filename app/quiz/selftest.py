"""Drawing a self-test: which items, in which order. Pure: the seed is an argument."""

from __future__ import annotations

import random
from collections.abc import Collection

from app.content import Item, Library

MACHINE_MARKED = ("single", "multi", "order", "cloze", "numeric", "bug")
MAX_ITEMS = 50


def pool(
    library: Library, topics: Collection[str], levels: Collection[int], *, beyond: bool = False
) -> list[Item]:
    """The machine-marked items of the chosen topics and levels; an empty choice means all of them.

    Questions beyond the source are drawn only where `beyond` asks for them.
    """
    return [
        item
        for question in (library.questions if beyond else library.of_source)
        if (not topics or question.topic in topics) and (not levels or question.level in levels)
        for item in question.text["zh"].items
        if item.kind in MACHINE_MARKED
    ]


def draw(
    library: Library,
    topics: Collection[str],
    levels: Collection[int],
    number: int,
    seed: int,
    *,
    beyond: bool = False,
) -> list[str]:
    """Ids of up to `number` items, spread over the questions: none gives a second before each gave one."""
    if not 1 <= number <= MAX_ITEMS:
        raise ValueError("number")
    chance = random.Random(seed)  # noqa: S311 - a shuffle, not a secret
    by_question: dict[str, list[str]] = {}
    for item in pool(library, topics, levels, beyond=beyond):
        by_question.setdefault(item.id.split("-")[0], []).append(item.id)
    piles = list(by_question.values())
    chance.shuffle(piles)
    for pile in piles:
        chance.shuffle(pile)
    drawn: list[str] = []
    while piles and len(drawn) < number:
        drawn += [pile.pop() for pile in piles[: number - len(drawn)]]
        piles = [pile for pile in piles if pile]
    return drawn
