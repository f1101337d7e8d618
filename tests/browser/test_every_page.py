"""Every page in both languages and themes: nothing for axe to find, nothing wider than a phone, little to fetch."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, expect

from app.demos import catalogue
from tests.browser.conftest import AXE, NewReader, Reader, launched, open_reader

PATHS = (
    "", "questions/", "questions/02-gates", "questions/12-clipping-code", "exam", "review",
    "progress", "demos/", "notation", "glossary",
    *(f"demos/{slug}" for slug in catalogue()),
)  # fmt: skip
PHONE = 360
MOST_BYTES = 100_000


@pytest.fixture(scope="module")
def visitor(playwright: Playwright, server: str) -> Iterator[Reader]:
    """One window for all pages: opening one costs as much as a page.

    Nothing moves in it, so drawing needs no threads of its own, which saves a third of the work.
    """
    browser = launched(playwright, "--disable-threaded-compositing", "--disable-threaded-animation")
    reader = open_reader(browser, server, reduced_motion="reduce")
    reader.context.add_init_script(path=AXE)  # sent once, not for each page
    yield reader
    browser.close()


@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing_and_a_phone_does_not_scroll_sideways(visitor: Reader, path: str) -> None:
    reader, page = visitor, visitor.page
    reader.faults.clear()
    for lang in ("zh", "en"):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light")
        reader.open(f"/{lang}/{path}")
        expect(page.locator("main")).to_be_visible()
        page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
        assert reader.axe() == [], f"{lang} light {path}"
        page.emulate_media(color_scheme="dark")  # a theme changes colours and nothing else
        assert reader.axe(only="color-contrast") == [], f"{lang} dark {path}"
        page.set_viewport_size({"width": PHONE, "height": 740})
        assert reader.sideways() <= 0, f"{lang} {path}"
    assert reader.faults == []


@pytest.mark.parametrize("path", ["", "questions/", "questions/02-gates", "demos/temporal-order"])
def test_a_page_weighs_at_most_a_hundred_kilobytes_but_for_fonts_and_recordings(
    new_reader: NewReader, path: str
) -> None:
    reader = new_reader()
    weights: dict[str, int] = {}

    def weigh(response: object) -> None:
        url, sent = response.url, response.headers.get("content-length")  # type: ignore[attr-defined]
        if ".woff2" not in url and "/recorded/" not in url and "/events" not in url:
            weights[url] = int(sent) if sent else len(gzip.compress(response.body()))  # type: ignore[attr-defined]

    reader.page.on("response", weigh)
    reader.open(f"/en/{path}")
    reader.page.wait_for_load_state("networkidle")
    total = sum(weights.values())
    print(f"\n{path or 'home'}: {total} bytes in {len(weights)} answers")
    assert total <= MOST_BYTES, sorted(weights.items(), key=lambda pair: -pair[1])[:5]


SHIFTS = """window.shifts = [];
new PerformanceObserver(list => list.getEntries().forEach(each => window.shifts.push(
  [each.value, each.sources.map(source => source.node?.outerHTML?.slice(0, 60))]
))).observe({ type: "layout-shift", buffered: true });"""


@pytest.mark.parametrize(
    ("path", "last", "width"),
    [
        ("en/", "mendao-picture canvas", 1280),
        ("en/", "mendao-picture canvas", PHONE),
        ("zh/demos/", "mendao-picture canvas", PHONE),
        ("en/questions/07-gradient-clipping", "#score:not(:empty)", PHONE),
        ("zh/demos/forecast", ".panel canvas", 1280),
    ],
)
def test_nothing_jumps_when_the_last_of_a_page_comes(
    new_reader: NewReader, path: str, last: str, width: int
) -> None:
    """A click would miss what moves away under it. Google's Core Web Vitals call a sum below 0.1 good."""
    reader = new_reader(width=width, height=800, reduced_motion="reduce")
    reader.context.add_init_script(SHIFTS)
    page = reader.open(f"/{path}")
    expect(page.locator(last).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    moved = page.evaluate("shifts")
    assert sum(each for each, _ in moved) < 0.01, moved


def test_errors_are_pages_in_the_readers_language(new_reader: NewReader) -> None:
    reader = new_reader()
    page = reader.open("/zh/questions/no-such")
    expect(page.locator(".error")).to_contain_text("没有这道题")
    page = reader.open("/en/nowhere")
    expect(page.locator(".error")).to_contain_text("There is no such page")
    assert reader.axe() == []
    reader.faults[:] = [fault for fault in reader.faults if "404" not in fault]


def test_printing_shows_the_question_and_not_the_controls(new_reader: NewReader) -> None:
    reader = new_reader(color_scheme="dark")
    page = reader.open("/en/questions/07-gradient-clipping")
    page.emulate_media(media="print")
    expect(page.locator(".site-head")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("#answer .source")).to_be_visible()
    expect(page.locator("#answer")).to_have_css(
        "background-color", "rgb(255, 255, 255)"
    )  # paper is never dark
    follow_up = page.locator("#answer details").first
    assert follow_up.bounding_box()["height"] > 2 * follow_up.locator("summary").bounding_box()["height"]  # type: ignore[index]


def test_the_book_holds_all_thirty_and_axe_finds_nothing_in_its_first(new_reader: NewReader) -> None:
    reader = new_reader(width=PHONE, height=740)
    page = reader.open("/en/book")
    expect(page.locator("article.entry")).to_have_count(30)
    assert reader.axe("#q1") == []
    assert reader.sideways() <= 0
