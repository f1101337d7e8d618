"""One engine of two cold workers for all tests of this folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.runs import Engine

os.environ["MENDAO_EXTRA_DEMOS"] = "tests.runs.demos_for_tests:DEMOS"
os.environ["MENDAO_COLD_WORKERS"] = "1"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine() -> AsyncIterator[Engine]:
    made = Engine(scheduler=None, workers=2, grace_seconds=0.5)
    await made.start()
    async with asyncio.timeout(60):
        while not made.ready:
            assert made.error is None, made.error
            await asyncio.sleep(0.05)
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENDAO_EXTRA_DEMOS", "tests.runs.demos_for_tests:DEMOS")
