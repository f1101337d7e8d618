"""What we remember: attempts, cards and self-tests of learners, on SQLModel."""

from __future__ import annotations

from app.store.engine import connect, upgrade
from app.store.queries import KeyTaken, Scheduled, Store
from app.store.tables import Attempt, Card, Learner, SelfTest

__all__ = [
    "Attempt",
    "Card",
    "KeyTaken",
    "Learner",
    "Scheduled",
    "SelfTest",
    "Store",
    "connect",
    "upgrade",
]
