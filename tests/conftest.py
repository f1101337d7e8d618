"""Fixtures for the whole suite: the real library, and an application around a quiet engine."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Many processes here import the same modules: they share what is compiled, whatever the caller's shell says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

from app.config import ROOT, Settings
from app.content import Library, load
from app.protocol import AnyEvent, Params, run_id
from app.runs import Submitted, UnknownRun
from tests.serving import end_shared_server

SESSION = "MENDAO_TEST_SESSION"


def pytest_configure(config: pytest.Config) -> None:
    """A folder that all processes of this session share: the first makes it, the others inherit its name."""
    sys.dont_write_bytecode = False
    if SESSION not in os.environ:
        os.environ[SESSION] = folder = tempfile.mkdtemp(prefix="mendao-tests-")

        def remove() -> None:
            del os.environ[SESSION]
            end_shared_server(Path(folder))
            shutil.rmtree(folder, ignore_errors=True)

        config.add_cleanup(remove)


ORDER = ("browser", "runs", "content", "tests")  # then the other folders


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that wait for processes (`runs`, and whole servers in `tests`) run beside such that compute, not beside
    each other; the longest files come first and the shortest last.
    """
    places = {name: place for place, name in enumerate(ORDER)}
    items.sort(key=lambda item: places.get(item.path.parent.name, len(ORDER)))


def pytest_collection_finish() -> None:
    gc.freeze()  # what collection made stays: it need not be walked again
    gc.set_threshold(20_000, 20, 20)  # a test's own garbage is small
    if "torch" in sys.modules:
        from app.network import prepare_process

        prepare_process()  # as workers are: large batches take half the time


def session_folder() -> Path:
    return Path(os.environ[SESSION])


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is deselected as a whole is not even imported: torch and the browser's driver take seconds."""
    if "not browser" in config.option.markexpr and collection_path == Path(__file__).parent / "browser":
        return True
    if "not torch" in config.option.markexpr and collection_path.suffix == ".py":
        return "pytestmark = [pytest.mark.torch" in collection_path.read_text(encoding="utf-8") or None
    return None


@functools.cache
def shipped_library() -> Library:
    """The questions that ship, read once a process: they are frozen."""
    return load(ROOT / "questions")


@pytest.fixture(scope="session")
def library() -> Library:
    return shipped_library()


class QuietEngine:
    """Stands where Dask stands, for tests of the web alone: it executes nothing and says what it is told."""

    def __init__(self) -> None:
        self.ready = True
        self.error: str | None = None
        self.events: list[AnyEvent] = []
        self.frames: dict[str, list[bytes]] = {}
        self.open: list[str] = []
        self.cancelled: list[str] = []

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def name(self, demo: str, params: Params) -> str:
        return run_id(demo, params, "test")

    def running(self) -> list[str]:
        return self.open

    async def submit(self, demo: str, params: Params) -> Submitted:
        name = self.name(demo, params)
        shared = name in self.frames
        self.frames.setdefault(name, [b'id: 1\nevent: finished\ndata: {"type":"finished"}\n\n'])
        self.open.append(name)
        return Submitted(name, shared, 0)

    def watch(self, run_id: str, after: int = 0) -> AsyncIterator[bytes]:
        if run_id not in self.frames:
            raise UnknownRun(run_id)

        async def frames() -> AsyncIterator[bytes]:
            for frame in self.frames[run_id][after:]:
                yield frame

        return frames()

    async def cancel(self, run_id: str) -> bool:
        self.cancelled.append(run_id)
        return run_id in self.frames

    async def outcome(self, run_id: str, seconds: float) -> list[AnyEvent]:
        return self.events


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(tmp_path / "data", environ={"MENDAO_SECRET_KEY": "k" * 40})


@pytest.fixture
def engine_stub() -> QuietEngine:
    return QuietEngine()


@pytest.fixture
def app(
    settings: Settings, engine_stub: QuietEngine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The whole application around a library that is read once a process: it is frozen."""
    from app.main import build

    monkeypatch.setattr("app.main.load", lambda _root: library)
    return build(settings, engine=engine_stub)  # type: ignore[arg-type]


@pytest.fixture
def client(app: Any) -> Iterator[Any]:
    from starlette.testclient import TestClient

    with TestClient(app, base_url="http://testserver") as made:
        yield made
