"""Reading ahead gives what `load` gives, its faults too, and leaves no process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from app.config import ROOT
from app.content import ContentError, Library, load
from app.content.ahead import Ahead


def same(one: Library, other: Library) -> bool:
    return repr(one.questions) == repr(other.questions) and one.terms == other.terms


def test_it_is_the_library(library: Library) -> None:
    read = Ahead(ROOT / "questions").result()
    assert same(read, library)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_faults_are_those_of_load(tmp_path: Path) -> None:
    (tmp_path / "topics.toml").write_text("[[topics]]\nid = 3\n", encoding="utf-8")
    with pytest.raises(ContentError) as wanted:
        load(tmp_path)
    with pytest.raises(ContentError) as met:
        Ahead(tmp_path).result()
    assert str(met.value) == str(wanted.value)


def test_a_reader_that_is_killed_costs_nothing_but_time(library: Library) -> None:
    ahead = Ahead(ROOT / "questions")
    os.kill(ahead._child, signal.SIGKILL)
    assert same(ahead.result(), library)


def test_a_system_without_fork(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert same(Ahead(ROOT / "questions").result(), library)
