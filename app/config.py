"""Settings, read once from the environment and the command line."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIN_KEY = 32


class SettingsError(ValueError):
    """A setting that cannot be used; the text names it and its bound."""


@dataclass(frozen=True)
class Settings:
    """What the composition root needs. Paths are absolute."""

    data: Path
    database_url: str
    secret_key: str
    scheduler: str | None = None
    workers: int = 2
    root: Path = ROOT

    @classmethod
    def load(cls, data: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
        """Settings from MENDAO_* variables; makes the data folder and, where unset, the secret key.

        Raises SettingsError naming the variable at fault.
        """
        folder = (data or Path(environ.get("MENDAO_DATA", "data"))).absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"the data folder {folder} cannot be made: {error.strerror}") from error
        return cls(
            data=folder,
            database_url=environ.get("MENDAO_DATABASE_URL") or f"sqlite:///{folder / 'mendao.db'}",
            secret_key=_given_key(environ.get("MENDAO_SECRET_KEY", "")) or _kept_key(folder / "secret.key"),
            scheduler=environ.get("MENDAO_DASK_SCHEDULER") or None,
            workers=_whole("MENDAO_WORKERS", environ.get("MENDAO_WORKERS", ""), min(2, os.cpu_count() or 1)),
        )


def _whole(name: str, text: str, default: int) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 64:
        raise SettingsError(f"{name} must be a whole number from 1 to 64, not {text!r}")
    return int(text)


def _given_key(key: str) -> str:
    if key and len(key) < MIN_KEY:
        raise SettingsError(f"MENDAO_SECRET_KEY must have at least {MIN_KEY} characters, not {len(key)}")
    return key


def _kept_key(path: Path) -> str:
    """The key in `path`, made once with mode 0600; of two processes that start at once, one key wins."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # whole or not at all
        draft.unlink()
    key = path.read_text(encoding="ascii").strip()
    if len(key) < MIN_KEY:
        raise SettingsError(
            f"{path} holds no key of {MIN_KEY} characters; delete it or set MENDAO_SECRET_KEY"
        )
    return key
