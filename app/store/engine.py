"""Connecting: one SQLAlchemy engine, its SQLite settings, and the schema brought up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Column, Engine, MetaData, String, Table, create_engine, event, inspect, make_url, text
from sqlmodel import SQLModel

from app.store import tables  # noqa: F401 - they enter the metadata that `_create` makes

MIGRATIONS = Path(__file__).parent / "migrations"


def connect(url: str) -> Engine:
    """An engine for `url`; SQLite gets WAL, foreign keys, a busy timeout and FULL synchronous writes."""
    backend = make_url(url).get_backend_name()
    if backend != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def upgrade(engine: Engine) -> None:
    """Bring the schema up to date. Alembic, slow to import, is only needed where there is an older one."""
    found = _version(engine)
    if found == newest():
        return
    if found is None and not inspect(engine).get_table_names():
        _create(engine)
    else:
        migrate(engine)


def migrate(engine: Engine) -> None:
    """Run every migration that this database has not seen."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _create(engine: Engine) -> None:
    """An empty database gets today's tables at once, and Alembic's note that it has seen every migration."""
    version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
    with engine.begin() as connection:
        SQLModel.metadata.create_all(connection)
        version.create(connection)
        connection.execute(version.insert().values(version_num=newest()))


def newest() -> str:
    """The last migration's revision: their files are named by it, in order."""
    return max(path.stem.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found
