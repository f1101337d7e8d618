"""When an item comes back: FSRS (Ye et al. 2022), default parameters, one card an item.

Pure: the clock is an argument. Fuzz is off, since FSRS draws it from the global random generator.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

from fsrs import Card, Rating, Scheduler

_SCHEDULER = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)
AGAIN, HARD, GOOD, EASY = 1, 2, 3, 4


def rating(score: float, *, correct: bool, hint_used: bool) -> int:
    """FSRS rating of a marked response: right is Good, half right Hard, else Again; a hint caps at Hard."""
    if correct:
        return HARD if hint_used else GOOD
    return HARD if score >= 0.5 else AGAIN


def after(
    item_id: str, state: dict[str, Any] | None, rated: int, now: datetime
) -> tuple[dict[str, Any], datetime]:
    """(the card's state, when it is due) after a rating at `now` (aware, UTC)."""
    card = Card.from_dict(state) if state else Card(card_id=zlib.crc32(item_id.encode()))  # type: ignore[arg-type]
    card, _log = _SCHEDULER.review_card(card, Rating(rated), review_datetime=now)
    return dict(card.to_dict()), card.due


def retrievability(state: dict[str, Any], now: datetime) -> float:
    """The chance, in [0, 1], that the item would be answered rightly at `now`."""
    return float(_SCHEDULER.get_card_retrievability(Card.from_dict(state), now))  # type: ignore[arg-type]
