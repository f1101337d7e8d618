"""Reading ahead gives what `load` gives, its faults too, and leaves no process."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from app.config import ROOT
from app.content import ContentError, Library, load
from app.content.ahead import Ahead


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder of one question."""
    for name in ("topics.toml", "sources.toml", "07-gradient-clipping"):
        origin = ROOT / "questions" / name
        (shutil.copytree if origin.is_dir() else shutil.copy)(origin, tmp_path / name)
    (tmp_path / "glossary.toml").touch()
    return tmp_path


def same(one: Library, other: Library) -> bool:
    return repr(one.questions) == repr(other.questions) and (one.topics, one.sources) == (
        other.topics,
        other.sources,
    )


def test_it_is_the_library_and_no_process_is_left(library: Library) -> None:
    ahead = Ahead(ROOT / "questions")
    assert same(ahead.result(), library)
    with pytest.raises(ChildProcessError):
        os.waitpid(ahead._child, os.WNOHANG)


def test_faults_are_those_of_load(small: Path) -> None:
    (small / "topics.toml").write_text("[[topics]]\nid = 3\n", encoding="utf-8")
    with pytest.raises(ContentError) as wanted:
        load(small)
    with pytest.raises(ContentError) as met:
        Ahead(small).result()
    assert str(met.value) == str(wanted.value)


def test_a_reader_that_is_killed_costs_nothing_but_time(small: Path) -> None:
    ahead = Ahead(small)
    os.kill(ahead._child, signal.SIGKILL)
    assert same(ahead.result(), load(small))


def test_a_system_without_fork(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert same(Ahead(small).result(), load(small))
