"""What is remembered: once per key, each learner's own, in one transaction."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

from app.store import Attempt, Card, KeyTaken, Scheduled, SelfTest, Store, connect, upgrade
from app.store.engine import MIGRATIONS, _version, migrate, newest

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    engine = connect(f"sqlite:///{tmp_path / 't.db'}")
    upgrade(engine)
    yield Store(engine)
    engine.dispose()


def attempt(
    key: str = "k", learner: str = "me", response: Any = (1,), item: str = "07-a", **more: Any
) -> Attempt:
    return Attempt(
        learner_id=learner, item_id=item, response=list(response), score=1.0, max_score=1.0, correct=True, rating=3,
        idempotency_key=key, at=NOW, **more,
    )  # fmt: skip


def plan(state: dict[str, Any] | None) -> Scheduled:
    return Scheduled({"seen": (state or {}).get("seen", 0) + 1}, NOW)


def test_an_attempt_and_its_card_are_stored_together(store: Store) -> None:
    stored, new = store.record(attempt(), plan)
    assert new
    assert stored.id
    assert store.latest("me")["07-a"].response == [1]
    assert [card.state for card in store.cards("me")] == [{"seen": 1}]
    assert store.attempts("me")[0].at == NOW


def test_the_same_key_stores_once_and_another_response_under_it_is_refused(store: Store) -> None:
    store.record(attempt(), plan)
    again, new = store.record(attempt(), plan)
    assert not new
    assert len(store.attempts("me")) == 1
    assert store.cards("me")[0].state == {"seen": 1}
    assert again.id == store.attempts("me")[0].id
    with pytest.raises(KeyTaken):
        store.record(attempt(response=(2,)), plan)


def test_the_same_key_at_once_from_many_threads_stores_once(store: Store) -> None:
    threads = [threading.Thread(target=store.record, args=(attempt("race"), plan)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.attempts("me")) == 1


def test_nobody_sees_anothers(store: Store) -> None:
    stored, _ = store.record(attempt(), plan)
    store.open_selftest(SelfTest(id="t", learner_id="me", item_ids=["07-a"], mode="one", created_at=NOW))
    assert stored.id
    assert store.attempt("me", stored.id)
    assert store.attempt("you", stored.id) is None
    assert store.attempts("you") == []
    assert store.cards("you") == []
    assert store.selftest("me", "t")
    assert store.selftest("you", "t") is None
    store.finish_selftest("you", "t", NOW)
    assert store.selftest("me", "t").finished_at is None  # type: ignore[union-attr]


def test_a_selftest_is_finished_once(store: Store) -> None:
    store.open_selftest(SelfTest(id="t", learner_id="me", item_ids=[], mode="one", created_at=NOW))
    store.finish_selftest("me", "t", NOW)
    later = datetime(2027, 1, 1, tzinfo=UTC)
    store.finish_selftest("me", "t", later)
    assert store.selftest("me", "t").finished_at == NOW  # type: ignore[union-attr]


def test_bringing_an_export_adds_what_is_new(store: Store) -> None:
    store.record(attempt("one"), plan)
    cards = [
        Card(learner_id="me", item_id="07-b", state={}, due=NOW),
        Card(learner_id="me", item_id="07-a", state={}, due=NOW),
    ]
    assert store.bring("me", [attempt("one"), attempt("two", item="07-b")], cards, NOW) == 1
    assert {card.item_id for card in store.cards("me")} == {"07-a", "07-b"}
    assert store.cards("me")[0].state


def test_a_time_without_zone_is_refused(store: Store) -> None:
    bad = attempt("z")
    bad.at = datetime(2026, 1, 1)
    with pytest.raises(Exception, match="zone"):
        store.record(bad, plan)


def schema(path: Path) -> dict[str, set[tuple[Any, ...]]]:
    """Table → its columns (name, type, not null, part of the primary key) and unique columns, read from the file."""
    raw = sqlite3.connect(path)
    found: dict[str, set[tuple[Any, ...]]] = {}
    for (table,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        found[table] = {(*row[1:4], row[5]) for row in raw.execute(f"PRAGMA table_info({table})")}
        for index in raw.execute(f"PRAGMA index_list({table})").fetchall():
            columns = tuple(row[2] for row in raw.execute(f"PRAGMA index_info({index[1]})"))
            found[table].add(("index", bool(index[2]), columns))
        for key in raw.execute(f"PRAGMA foreign_key_list({table})"):
            found[table].add(("foreign key", *key[2:5]))
    assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()
    return found


def test_the_migrations_make_the_tables_that_an_empty_database_gets_at_once(tmp_path: Path) -> None:
    from alembic.script import ScriptDirectory  # slow to import, and needed here alone

    migrated, made = tmp_path / "migrated.db", tmp_path / "made.db"
    for path, bring in ((migrated, migrate), (made, upgrade)):
        engine = connect(f"sqlite:///{path}")
        bring(engine)
        assert _version(engine) == newest() == ScriptDirectory(str(MIGRATIONS)).get_current_head()
        upgrade(engine)  # a second time there is nothing to do
        migrate(engine)
        engine.dispose()
    assert schema(made) == schema(migrated)
    assert {table.name for table in SQLModel.metadata.sorted_tables} < set(schema(made))


def test_a_database_that_holds_something_is_migrated_and_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE kept (what TEXT)")
    raw.execute("INSERT INTO kept VALUES ('this')")
    raw.commit()
    engine = connect(f"sqlite:///{path}")
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.store.engine.migrate", asked.append)
        upgrade(engine)
    assert asked == [engine]
    upgrade(engine)
    assert raw.execute("SELECT what FROM kept").fetchall() == [("this",)]
    assert _version(engine) == newest()
    engine.dispose()
    raw.close()
