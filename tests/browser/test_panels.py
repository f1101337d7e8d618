"""Each kind of panel draws a recording, says in words what it shows, and hands out its numbers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.demos import catalogue
from tests.browser.conftest import Reader

SHOWN = {
    "gates": "temporal-order",
    "curves": "temporal-order",
    "seeds": "temporal-order",
    "text": "char-lm",
    "table": "clip-lab",
    "heatmap": "digits-by-row",
    "surface": "loss-cliff",
    "sound": "speech-ctc",
}

COLOURS = """c => {
  const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
  return new Set(new Uint32Array(data.buffer)).size; }"""


@pytest.mark.parametrize("kind", list(SHOWN))
def test_a_panel_of_each_kind(reader: Reader, kind: str) -> None:
    demo = catalogue()[SHOWN[kind]]
    panel = next(each for each in demo.panels if each.kind == kind)
    page = reader.open(f"/en/demos/{demo.slug}")
    box = page.locator(f".panel[data-panel='{panel.id}']")
    expect(box).to_be_visible()
    if kind == "sound":
        expect(box.get_by_role("button").first).to_contain_text("▶")
        return
    if kind == "table":
        expect(box.locator("tbody tr").first).to_be_visible()
        return
    if kind in ("gates", "curves", "heatmap", "surface"):
        canvas = box.locator("canvas").first
        assert (canvas.get_attribute("aria-label") or "").strip()
        assert canvas.evaluate(COLOURS) > 2, "nothing is drawn"
        box.get_by_role("button", name="Save", exact=True).click()
        with page.expect_download() as picture:
            box.get_by_role("button", name="SVG", exact=True).click()
        assert picture.value.path().read_bytes().startswith(b"<svg")
    expect(box.locator("> .readout")).not_to_be_empty()
    box.get_by_role("button", name="Table", exact=True).click()
    expect(box.locator("tbody tr").first).to_be_visible()


@pytest.mark.parametrize(
    ("lang", "stayed", "left"), [("en", "on the page", "left at 58"), ("zh", "留在页面上", "第 58 步离开")]
)
def test_a_strip_may_have_words_of_its_own(reader: Reader, lang: str, stayed: str, left: str) -> None:
    page = reader.open(f"/{lang}/demos/loss-cliff")
    cells = page.locator(".panel[data-panel='strip'] .strip-cell")
    expect(cells).to_have_count(24)
    expect(cells.first).to_have_text(left)
    expect(cells.last).to_have_text(stayed)


def test_a_surface_turns_by_keyboard(reader: Reader) -> None:
    page = reader.open("/en/demos/loss-cliff")
    canvas = page.locator(".panel--surface canvas")
    expect(canvas).to_be_visible()
    before = canvas.evaluate("c => c.toDataURL()")
    canvas.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(200)
    assert canvas.evaluate("c => c.toDataURL()") != before
