"""Settings: defaults, refusals that name the variable, and a key that is made once and kept to itself."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.config import MIN_KEY, Settings, SettingsError


def test_the_key_is_made_once_and_readable_by_nobody_else(tmp_path: Path) -> None:
    first = Settings.load(tmp_path, environ={})
    assert len(first.secret_key) >= MIN_KEY
    assert Settings.load(tmp_path, environ={}).secret_key == first.secret_key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    other = Settings.load(tmp_path / "other", environ={})
    assert other.secret_key != first.secret_key


def test_the_environment_wins(tmp_path: Path) -> None:
    given = {
        "MENDAO_SECRET_KEY": "x" * MIN_KEY,
        "MENDAO_DATABASE_URL": "postgresql+psycopg://host/db",
        "MENDAO_DASK_SCHEDULER": "tcp://127.0.0.1:8786",
        "MENDAO_WORKERS": "3",
    }
    settings = Settings.load(tmp_path, environ=given)
    assert settings.secret_key == "x" * MIN_KEY
    assert settings.database_url == "postgresql+psycopg://host/db"
    assert settings.scheduler == "tcp://127.0.0.1:8786"
    assert settings.workers == 3
    assert not (tmp_path / "secret.key").exists()
    plain = Settings.load(tmp_path, environ={"MENDAO_SECRET_KEY": "x" * MIN_KEY})
    assert plain.database_url == f"sqlite:///{tmp_path / 'mendao.db'}"
    assert plain.scheduler is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"MENDAO_SECRET_KEY": "short"}, "MENDAO_SECRET_KEY must have at least 32 characters, not 5"),
        ({"MENDAO_WORKERS": "0"}, "MENDAO_WORKERS must be a whole number from 1 to 64, not '0'"),
        ({"MENDAO_WORKERS": "65"}, "from 1 to 64"),
        ({"MENDAO_WORKERS": "two"}, "not 'two'"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_bound(
    tmp_path: Path, given: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.load(tmp_path, environ=given)


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(SettingsError, match=r"the data folder .*inside cannot be made"):
        Settings.load(tmp_path / "taken" / "inside", environ={})


def test_a_kept_key_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("cut")
    with pytest.raises(SettingsError, match="delete it or set MENDAO_SECRET_KEY"):
        Settings.load(tmp_path, environ={})
