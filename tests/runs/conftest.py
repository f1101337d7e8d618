"""One engine of two cold workers for all tests of this folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.runs import Engine, lookup

SETTINGS = {"MENDAO_EXTRA_DEMOS": "tests.runs.demos_for_tests:DEMOS", "MENDAO_COLD_WORKERS": "1"}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine() -> AsyncIterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:  # the workers inherit these; nobody else may
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        made = Engine(scheduler=None, workers=2, grace_seconds=0.5)
        await made.start()
        async with asyncio.timeout(60):
            while not made.ready:
                assert made.error is None, made.error
                await asyncio.sleep(0.05)
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def _demos_for_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue of this process with the tests' own demos in it, for one test."""
    monkeypatch.setenv("MENDAO_EXTRA_DEMOS", SETTINGS["MENDAO_EXTRA_DEMOS"])
    with_extra = lookup.demos.__wrapped__()
    for module in ("app.runs.engine", "app.runs.task", "app.runs.lookup"):
        monkeypatch.setattr(f"{module}.demos", lambda: with_extra)
