"""Live runs: gates that move, two scrubbers, a reload in mid-run, a cancel, a shared link, surgery, comparison."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NewReader, Reader

LONG = "/en/demos/temporal-order?T=100&seeds=2&steps=1500&hidden=32"
SHORT = "/en/demos/gradient-flow?T=10&seeds=1"
SUM = """name => {
  const canvas = document.querySelectorAll(`[data-panel=gates] canvas`)[name];
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let sum = 0; for (let k = 0; k < data.length; k++) sum = (sum * 31 + data[k]) % 1000000007; return sum; }"""


def picture(page: Page, gate: int = 4) -> int:
    """A fingerprint of a gate's map; 4 is the cell state."""
    return int(page.evaluate(SUM, gate))


def begin(page: Page) -> None:
    """Press Run and wait until the live run has taken the recorded one's place."""
    page.get_by_role("button", name="Run").click()
    expect(page).to_have_url(re.compile("#run="))
    expect(page.locator(".recorded-mark")).to_be_hidden()
    expect(page.locator("[data-panel=gates]")).to_be_visible()


def test_a_run_draws_moving_gates_and_is_scrubbed(reader: Reader) -> None:
    page = reader.open(LONG)
    begin(page)
    training = page.locator("[data-scrub=training]")
    several = "() => Number(document.querySelector('[data-scrub=training]').value) >= 3"
    page.wait_for_function(several)
    early = picture(page)
    page.wait_for_function(f"before => ({SUM})(4) !== before", arg=early)  # the gates move
    last = training.input_value()
    training.press("Home")
    expect(training).not_to_have_value(last)
    first = picture(page)
    page.locator("[data-scrub=sequence]").press("End")
    expect(page.locator("[data-panel=gates] > .readout")).to_contain_text("t = 100")
    assert picture(page) != first, "the cursor does not show"
    canvas = page.locator("[data-panel=gates] canvas").nth(1)
    canvas.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-panel=gates] > .readout")).to_contain_text("unit 1 · t = 100")
    expect(page.locator("[data-panel=gates] .equation")).to_contain_text("c_t = f·c_(t−1) + i·g ≈")
    expect(page.locator("[data-panel=gates] .ruler")).to_contain_text("‖∂h_T/∂h_t‖")
    page.locator("[data-panel=gates]").get_by_role("button", name="Table").click()
    expect(page.locator("[data-panel=gates] table")).to_contain_text("unit, t = 100")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The run was cancelled.")).to_be_visible()


def test_a_run_survives_a_reload_and_is_cancelled_when_left(reader: Reader) -> None:
    page = reader.open(LONG + "&lr=0.009")
    begin(page)
    expect(page.locator("[data-scrub=training]")).to_have_attribute("max", re.compile("[1-9]"))
    before = int(page.locator("[data-scrub=training]").get_attribute("max") or 0)
    run = page.url.split("#run=")[1]
    page.reload()
    expect(page.locator("[data-panel=gates]")).to_be_visible()
    assert page.url.endswith(run)
    enough = "before => Number(document.querySelector('[data-scrub=training]').max) >= before"
    page.wait_for_function(enough, arg=before)  # no frame is lost over the reload
    page.goto(reader.base + "/en/")
    page.wait_for_timeout(4000)  # the grace after the last viewer has left
    answer = page.request.delete(f"{reader.base}/api/runs/{run}", headers={"Origin": reader.base})
    assert answer.status == 404, "the run still goes on"


def test_a_share_link_carries_every_parameter_and_the_seed(reader: Reader) -> None:
    page = reader.open("/en/demos/gradient-flow?T=10&seeds=1&forget_bias=3&seed=7")
    expect(page.get_by_label("Forget bias")).to_have_value("3.0")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("7")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".takeaway")).to_be_visible()
    expect(page).to_have_url(re.compile("forget_bias=3.*seed=7"))
    page.get_by_text("Copy link").click()
    expect(page.locator(".run-state")).to_contain_text(re.compile("every parameter and the seed"))


def test_bad_parameters_are_named_where_they_stand(reader: Reader) -> None:
    page = reader.open(SHORT)
    page.get_by_label("Sequence length T").fill("101")
    page.locator("form.run-form").evaluate("form => { form.noValidate = true; }")
    page.get_by_role("button", name="Run").click()
    field = page.locator("[data-field=T]")
    expect(field.get_by_role("alert")).to_contain_text("100")
    expect(field.locator("input")).to_be_focused()
    reader.faults[:] = [fault for fault in reader.faults if "422" not in fault]


def test_a_bad_permalink_says_so_and_the_defaults_stand(reader: Reader) -> None:
    page = reader.open("/en/demos/gradient-flow?T=1000")
    expect(page.get_by_role("alert")).to_contain_text("100")
    expect(page.get_by_label("Sequence length T")).to_have_value("50")
    reader.faults[:] = [fault for fault in reader.faults if "422" not in fault]


def test_surgery_shows_both_networks_and_how_the_loss_answers(reader: Reader) -> None:
    page = reader.open("/en/demos/temporal-order?T=10&seeds=1&steps=60")
    page.get_by_role("button", name="Run").click()
    table = page.locator(".surgery")
    expect(table).to_be_visible(timeout=30_000)
    table.get_by_role("button", name="Operate").click()
    expect(table.get_by_text("Done.")).to_be_visible(timeout=30_000)
    expect(table.locator("table")).to_contain_text("loss")
    expect(table.locator("[data-panel=surgery]")).to_have_count(2)
    table.get_by_label("All of them").fill("q=1")
    table.get_by_role("button", name="Operate").click()
    expect(table.get_by_role("status")).to_contain_text("hold")
    reader.faults[:] = [fault for fault in reader.faults if "422" not in fault]


def test_two_runs_on_one_axis_and_a_link_to_both(reader: Reader, new_reader: NewReader) -> None:
    page = reader.open(SHORT)
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".takeaway")).to_be_visible()
    page.get_by_role("button", name="Keep to compare").click()
    page.get_by_label("Forget bias").fill("3")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("[data-panel=flow] .legend .kept")).to_have_count(3)
    expect(page).to_have_url(re.compile("compare="))
    other = new_reader()
    second = other.open(page.url.replace(reader.base, "").split("#")[0])
    expect(second.locator("[data-panel=flow] .legend .kept")).to_have_count(3, timeout=30_000)


def test_the_pictures_the_numbers_and_the_script_can_be_taken_away(reader: Reader) -> None:
    page = reader.open(SHORT)
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".takeaway")).to_be_visible()
    for panel, kind, begins in (
        ("flow", "PNG", b"\x89PNG"),
        ("flow", "SVG", b"<svg"),
        ("gates", "SVG", b"<svg"),
        ("gates", "CSV", b"\xef\xbb\xbf"),
    ):
        box = page.locator(f"[data-panel={panel}]")
        box.get_by_role("button", name="Save", exact=True).click()
        with page.expect_download() as download:
            box.get_by_role("button", name=kind, exact=True).click()
        assert download.value.path().read_bytes().startswith(begins)
    with page.expect_download() as trace:
        page.get_by_role("link", name="All gates .npz").click()
    assert trace.value.path().read_bytes().startswith(b"PK")
    expect(page.locator(".command")).to_contain_text("python -m app demo gradient-flow")


def test_what_is_not_wanted_does_not_move(new_reader: NewReader) -> None:
    reader = new_reader(reduced_motion="reduce")
    page = reader.open("/en/")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_the_first_picture_moves(reader: Reader) -> None:
    page = reader.open("/en/")
    expect(page.locator("mendao-picture canvas").first).to_be_visible()
    caption = page.locator("mendao-picture p span").first
    first = caption.inner_text()
    expect(caption).not_to_have_text(first)


def test_fifty_viewers_of_one_run_are_one_execution(reader: Reader) -> None:
    page = reader.open("/en/")
    body = {"params": {"T": 10, "seeds": 1, "seed": 4321}}
    runs = [
        json.loads(page.request.post(f"{reader.base}/api/demos/gradient-flow/runs", data=body).text())
        for _ in range(50)
    ]
    assert len({run["run_id"] for run in runs}) == 1
    assert [run["shared"] for run in runs] == [False] + [True] * 49


def test_a_table_over_seeds_ends_with_all_of_them_and_one_over_time_follows_the_cursor(
    reader: Reader,
) -> None:
    page = reader.open("/en/demos/hyperparameter-search?budget=8&updates=5&seeds=2")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".takeaway")).to_be_visible()
    expect(page.locator("[data-panel=table]")).to_contain_text("Mean over 2 seeds")
    reader.open("/en/demos/gate-stepper?text=hello")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".takeaway")).to_be_visible()
    expect(page.locator("[data-panel=steps]")).to_contain_text("Step 1, reading “h”")
    page.locator("[data-scrub=sequence]").press("End")
    expect(page.locator("[data-panel=steps]")).to_contain_text("Step 5, reading “o”")


def test_the_recorded_run_stays_marked_until_the_live_one_draws(reader: Reader) -> None:
    page = reader.open(SHORT)
    expect(page.locator(".recorded-mark")).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/events*", hold)  # the stream does not open yet
    page.get_by_role("button", name="Run").click()
    expect(page).to_have_url(re.compile("#run="))
    for _ in range(300):  # the address changes first
        if not held:
            page.wait_for_timeout(50)
    (route,) = held
    expect(page.locator(".recorded-mark")).to_be_visible()
    expect(page.locator("[data-panel=gates]")).to_be_visible()
    route.continue_()
    expect(page.locator(".takeaway")).to_be_visible()
    expect(page.locator(".recorded-mark")).to_be_hidden()
