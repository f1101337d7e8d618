"""The tables: what is remembered of a learner. Attempts are an append-only log; cards are derived."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, UniqueConstraint
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class Utc(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without zone cannot be stored")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Learner(SQLModel, table=True):
    """Somebody with a signed cookie; nothing else is known of them."""

    id: str = Field(primary_key=True, max_length=32)
    created_at: datetime = Field(sa_type=Utc)


class Attempt(SQLModel, table=True):
    """One response and its grade, as marked on the day. Never changed."""

    __table_args__ = (UniqueConstraint("learner_id", "idempotency_key", name="uq_attempt_once"),)

    id: int | None = Field(default=None, primary_key=True)
    learner_id: str = Field(foreign_key="learner.id", index=True, max_length=32)
    item_id: str = Field(max_length=16)
    response: Any = Field(sa_type=JSON)
    score: float
    max_score: float
    correct: bool
    rating: int  # FSRS: 1 again … 4 easy
    hint_used: bool = False
    confidence: int | None = None  # per cent, the learner's own
    selftest_id: str | None = Field(default=None, index=True, max_length=32)
    idempotency_key: str = Field(max_length=64)
    at: datetime = Field(sa_type=Utc)


class Card(SQLModel, table=True):
    """The FSRS state of one item for one learner."""

    learner_id: str = Field(foreign_key="learner.id", primary_key=True, max_length=32)
    item_id: str = Field(primary_key=True, max_length=16)
    state: Any = Field(sa_type=JSON)
    due: datetime = Field(sa_type=Utc, index=True)


class SelfTest(SQLModel, table=True):
    """A self-test: which items, in which order, answered how."""

    id: str = Field(primary_key=True, max_length=32)
    learner_id: str = Field(foreign_key="learner.id", index=True, max_length=32)
    item_ids: Any = Field(sa_type=JSON)
    mode: str = Field(max_length=8)  # "one" by one, or "all" at once
    created_at: datetime = Field(sa_type=Utc)
    finished_at: datetime | None = Field(default=None, sa_type=Utc)
