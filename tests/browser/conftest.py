"""A real server in its own process, and a real headless Chromium in front of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from app.config import ROOT
from tests.conftest import session_folder
from tests.serving import shared_server

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--num-raster-threads=1",
    "--js-flags=--single-threaded",  # its helpers for garbage and compiling burn a fifth of the time of both cores
)  # fmt: skip
expect.set_options(timeout=15_000)  # a busy machine is slow, not wrong
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


def chromium_path() -> str:
    """Debian's Chromium; a missing one skips, or fails where MENDAO_EXPECT_BROWSER says that it must be there.

    Its headless shell is the same engine without the window's own machinery, in four fifths of the time.
    """
    names = ("chromium-headless-shell", "chromium")
    found = os.environ.get("MENDAO_CHROMIUM") or next(filter(None, map(shutil.which, names)), "")
    if not found:
        words = "no chromium on this machine (Debian: apt install chromium fonts-noto-cjk)"
        if os.environ.get("MENDAO_EXPECT_BROWSER"):
            pytest.fail(words)
        pytest.skip(words)
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def server() -> str:
    """The address of a server whose lab is warm, one for all test processes: its warming up takes many seconds."""
    chromium_path()
    return shared_server(session_folder())


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Ended after this folder's last test: its event loop would be in the way of asynchronous tests."""
    with sync_playwright() as started:
        yield started


def launched(playwright: Playwright, *flags: str) -> Browser:
    return playwright.chromium.launch(executable_path=chromium_path(), args=[*FLAGS, *flags])


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    made = launched(playwright)
    yield made
    made.close()


@dataclass
class Reader:
    """One person at one browser window, and everything that went wrong in it."""

    page: Page
    context: BrowserContext
    base: str
    faults: list[str]

    def open(self, path: str) -> Page:
        self.page.goto(self.base + path)
        return self.page

    def axe(self, part: str = "html", only: str = "") -> list[str]:
        """What axe-core finds wrong with the page (or a part of it) as it stands; by one rule where `only` names it."""
        if not self.page.evaluate("Boolean(window.axe)"):
            self.page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
        options = {"resultTypes": ["violations"], **({"runOnly": [only]} if only else {})}
        # what passed stays in the browser: it is long, and carrying it here takes as long as finding it
        found: list[dict[str, Any]] = self.page.evaluate(
            "([part, options]) => axe.run(part, options).then(found => found.violations)", [part, options]
        )
        return [f"{v['id']}: {v['help']}: {[node['target'] for node in v['nodes'][:3]]}" for v in found]

    def sideways(self) -> int:
        """By how many pixels the page is wider than the window."""
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(width))


NewReader = Callable[..., Reader]


def open_reader(
    browser: Browser, server: str, width: int = 1280, height: int = 900, **options: Any
) -> Reader:
    """A new window; what it logs as an error, breaches of the content policy among it, is kept in `faults`."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    page = context.new_page()
    page.set_default_timeout(20_000)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    return Reader(page, context, server, faults)


@pytest.fixture
def new_reader(browser: Browser, server: str) -> Iterator[NewReader]:
    """Opens windows; at the end none may have logged an error."""
    made: list[Reader] = []

    def make(**options: Any) -> Reader:
        made.append(open_reader(browser, server, **options))
        return made[-1]

    yield make
    faults = [fault for reader in made for fault in reader.faults]
    for reader in made:
        reader.context.close()
    assert faults == []


@pytest.fixture
def reader(new_reader: NewReader) -> Reader:
    return new_reader()
