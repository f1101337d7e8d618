"""Every question that is put to the database, in one place. Each names the learner it is about."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.store.tables import Attempt, Card, Learner, SelfTest


class KeyTaken(ValueError):
    """The idempotency key was used before for another item or response."""


@dataclass(frozen=True)
class Scheduled:
    """A card as it stands after a rating."""

    state: dict[str, Any]
    due: datetime


class Store:
    """What is remembered. Methods block; call them from threads. Writers take turns in one process.

    SQLite locks the whole file for a write: waiting here, in order, bounds the worst wait.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = threading.Lock()

    def alive(self) -> None:
        """Raise what the database raises when it cannot be read."""
        with Session(self.engine) as session:
            session.exec(select(func.count()).select_from(Learner)).one()

    # ── attempts ──

    def record(
        self, attempt: Attempt, schedule: Callable[[dict[str, Any] | None], Scheduled]
    ) -> tuple[Attempt, bool]:
        """Store an attempt and its card in one transaction; (the stored attempt, whether it is new).

        The same idempotency key again gives the first attempt back. Raises KeyTaken where that
        first attempt was another one.
        """
        with self._writing, Session(self.engine, expire_on_commit=False) as session:
            if earlier := self._earlier(session, attempt):
                return earlier, False
            _ensure_learner(session, attempt.learner_id, attempt.at)
            session.add(attempt)
            card = session.get(Card, (attempt.learner_id, attempt.item_id))
            after = schedule(card.state if card else None)
            session.merge(
                Card(learner_id=attempt.learner_id, item_id=attempt.item_id, state=after.state, due=after.due)
            )
            try:
                session.commit()
            except IntegrityError:  # another web process stored the same key meanwhile
                session.rollback()
                if earlier := self._earlier(session, attempt):
                    return earlier, False
                raise
            return attempt, True

    @staticmethod
    def _earlier(session: Session, attempt: Attempt) -> Attempt | None:
        earlier = session.exec(
            select(Attempt).where(
                Attempt.learner_id == attempt.learner_id,
                Attempt.idempotency_key == attempt.idempotency_key,
            )
        ).first()
        if earlier and (earlier.item_id, earlier.response) != (attempt.item_id, attempt.response):
            raise KeyTaken(attempt.idempotency_key)
        return earlier

    def attempts(self, learner_id: str, *, selftest_id: str | None = None) -> Sequence[Attempt]:
        """All attempts of a learner (of one self-test, if given), oldest first."""
        query = select(Attempt).where(Attempt.learner_id == learner_id).order_by(col(Attempt.id))
        if selftest_id is not None:
            query = query.where(Attempt.selftest_id == selftest_id)
        with Session(self.engine) as session:
            return session.exec(query).all()

    def attempt(self, learner_id: str, attempt_id: int) -> Attempt | None:
        """One attempt, if it is this learner's."""
        with Session(self.engine) as session:
            found = session.get(Attempt, attempt_id)
            return found if found and found.learner_id == learner_id else None

    def latest(self, learner_id: str) -> dict[str, Attempt]:
        """The last attempt at each item."""
        return {attempt.item_id: attempt for attempt in self.attempts(learner_id)}

    # ── cards ──

    def cards(self, learner_id: str) -> Sequence[Card]:
        """All cards of a learner, the one due first before the others."""
        with Session(self.engine) as session:
            return session.exec(
                select(Card).where(Card.learner_id == learner_id).order_by(col(Card.due))
            ).all()

    # ── self-tests ──

    def open_selftest(self, selftest: SelfTest) -> None:
        with self._writing, Session(self.engine, expire_on_commit=False) as session:
            _ensure_learner(session, selftest.learner_id, selftest.created_at)
            session.add(selftest)
            session.commit()

    def selftest(self, learner_id: str, selftest_id: str) -> SelfTest | None:
        """One self-test, if it is this learner's."""
        with Session(self.engine) as session:
            found = session.get(SelfTest, selftest_id)
            return found if found and found.learner_id == learner_id else None

    def selftests(self, learner_id: str) -> Sequence[SelfTest]:
        """All self-tests of a learner, newest first."""
        query = select(SelfTest).where(SelfTest.learner_id == learner_id)
        with Session(self.engine) as session:
            return session.exec(query.order_by(col(SelfTest.created_at).desc())).all()

    def finish_selftest(self, learner_id: str, selftest_id: str, at: datetime) -> None:
        """Close a self-test; a second time changes nothing."""
        with self._writing, Session(self.engine) as session:
            found = session.get(SelfTest, selftest_id)
            if found and found.learner_id == learner_id and found.finished_at is None:
                found.finished_at = at
                session.add(found)
                session.commit()

    # ── taking everything along ──

    def bring(self, learner_id: str, attempts: Iterable[Attempt], cards: Iterable[Card], at: datetime) -> int:
        """Add attempts that are not there yet (by key), and cards that are new; how many attempts came."""
        with self._writing, Session(self.engine) as session:
            _ensure_learner(session, learner_id, at)
            known = set(session.exec(select(Attempt.idempotency_key).where(Attempt.learner_id == learner_id)))
            added = 0
            for attempt in attempts:
                if attempt.idempotency_key not in known:
                    known.add(attempt.idempotency_key)
                    session.add(attempt)
                    added += 1
            for card in cards:
                if session.get(Card, (learner_id, card.item_id)) is None:
                    session.add(card)
            session.commit()
            return added


def _ensure_learner(session: Session, learner_id: str, at: datetime) -> None:
    if session.get(Learner, learner_id) is None:
        session.add(Learner(id=learner_id, created_at=at))
        session.flush()
