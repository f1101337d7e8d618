"""Browse, search, answer, and find the score kept; by mouse, by keyboard, without JavaScript."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import NewReader, Reader


def test_browse_answer_and_find_the_score_kept(reader: Reader) -> None:
    page = reader.open("/en/")
    page.get_by_role("link", name=re.compile("^Questions 30")).click()
    page.get_by_role("link", name=re.compile("Please explain what gradient clipping is")).click()
    source = page.locator("#answer")
    expect(source).not_to_have_attribute("open", "")
    item = page.locator("#item-07-a")
    item.get_by_text("Exploding gradients").click()
    item.get_by_role("button", name="Submit").click()
    expect(item.locator(".score")).to_contain_text("Right · 1 / 1")
    expect(item.get_by_text("the factor is at most 1")).to_be_visible()
    expect(page.locator("#score")).to_contain_text("1")
    page.reload()
    expect(page.locator("#score")).to_contain_text("1 / 1")
    page.goto(reader.base + "/en/questions/")
    row = page.locator(".question-row[value='7']")
    expect(row.locator(".badge--started")).to_contain_text("1/7")
    # The same person answers the same item again, on a page that is kept for everybody.
    page.goto(reader.base + "/en/questions/07-gradient-clipping")
    item.get_by_text("Vanishing gradients").click()
    item.get_by_role("button", name="Submit").click()
    expect(item.locator(".score")).to_contain_text("Not yet")


def test_search_as_you_type_in_either_language(reader: Reader) -> None:
    page = reader.open("/en/questions/")
    expect(page.locator(".question-row")).to_have_count(30)
    page.get_by_role("searchbox").fill("时间步")
    expect(page.locator(".question-row").first).to_contain_text("What is a time step")
    page.get_by_role("searchbox").fill("no such thing anywhere")
    expect(page.get_by_text("No question matches")).to_be_visible()


def test_filters_by_topic_level_and_state(reader: Reader) -> None:
    page = reader.open("/en/questions/")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Forecasting", exact=True).check()
    expect(page.locator(".question-row")).to_have_count(3)
    page.get_by_label("advanced", exact=True).check()
    expect(page.locator(".question-row")).to_have_count(2)
    page.get_by_label("some wrong", exact=True).check()
    expect(page.get_by_text("No question matches")).to_be_visible()


def test_every_kind_of_item_can_be_answered(reader: Reader) -> None:
    page = reader.open("/en/questions/07-gradient-clipping")
    numeric = page.locator("#item-07-b")
    numeric.get_by_role("textbox").fill("5")
    numeric.get_by_role("button", name="Submit").click()
    expect(numeric.locator(".result")).to_contain_text("by value")
    cloze = page.locator("#item-07-d")
    for box, word in zip(cloze.get_by_role("textbox").all(), ("norm", "threshold"), strict=True):
        box.fill(word)
    cloze.get_by_role("button", name="Submit").click()
    expect(cloze.locator(".score")).to_contain_text("Right")
    order = page.locator("#item-07-e")
    for name in ("Forward", "Loss from", "backward()", "clip_grad_norm_", "step()"):
        button = order.get_by_role("button", name=re.compile(f"Move down.*{re.escape(name)}", re.I))
        for _ in range(4):
            button.click()
    order.get_by_role("button", name="Submit").click()
    expect(order.locator(".score")).to_contain_text("Right")
    spoken = page.locator("#item-07-g")
    spoken.get_by_role("textbox").fill("It prevents exploding gradients. It does nothing for vanishing ones.")
    spoken.get_by_role("button", name="Compare with the key points").click()
    expect(spoken.locator("mark").first).to_be_visible()
    spoken.get_by_role("button", name="Confirm and mark").click()
    expect(spoken.get_by_text("A model answer")).to_be_visible()


def test_a_prediction_is_marked_by_the_run(reader: Reader) -> None:
    page = reader.open("/en/questions/07-gradient-clipping")
    item = page.locator("#item-07-f")
    item.locator(".options input").last.check()
    item.get_by_role("button", name="Predict, then run").click()
    expect(item.locator(".measured")).to_contain_text("67", timeout=30_000)
    expect(item.locator(".score")).to_contain_text("Right")
    item.get_by_role("link", name="Open the run").click()
    expect(page).to_have_url(re.compile("/en/demos/clip-lab"))


def test_the_language_switch_keeps_the_place(reader: Reader) -> None:
    page = reader.open("/en/questions/?topic=forecasting&level=3#rows")
    page.get_by_role("link", name="中文").click()
    expect(page).to_have_url(re.compile(r"/zh/questions/\?topic=forecasting&level=3#rows$"))
    expect(page.locator(".question-row")).to_have_count(2)
    page.goto(reader.base + "/zh/questions/02-gates")
    page.get_by_role("link", name="English").click()
    expect(page).to_have_url(re.compile("/en/questions/02-gates"))


def test_by_keyboard_alone(reader: Reader) -> None:
    page = reader.open("/en/questions/07-gradient-clipping")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("2")
    expect(page.locator("#item-07-a .options input").nth(1)).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("#item-07-a .score")).to_contain_text("Right")
    expect(page.locator("#item-07-a .score")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_self_test_from_choice_to_trying_the_wrong_ones_again(reader: Reader) -> None:
    page = reader.open("/en/exam")
    page.get_by_label("Gradients and clipping").check()
    page.get_by_label("Number of items").fill("3")
    page.get_by_label("all at once, handed in together").check()
    page.get_by_role("button", name="Begin").click()
    expect(page.locator(".item")).to_have_count(3)
    page.get_by_role("button", name=re.compile("Hand in")).click()
    if page.get_by_role("button", name=re.compile("Hand in")).count():  # asks once more: nothing is answered
        page.get_by_role("button", name=re.compile("Hand in")).last.click()
    expect(page.get_by_role("heading", name="Self-test result")).to_be_visible()
    expect(page.get_by_role("rowheader", name="Gradients and clipping")).to_be_visible()
    page.get_by_role("button", name=re.compile("Try the wrong ones again")).click()
    expect(page.get_by_text("0 / 3 answered")).to_be_visible()


def test_without_javascript(new_reader: NewReader) -> None:
    reader = new_reader(java_script_enabled=False)
    page = reader.open("/en/questions/?q=clipping")
    page.get_by_role("link", name=re.compile("Please explain what gradient clipping is")).click()
    item = page.locator("#item-07-a")
    item.get_by_text("Both of them").click()
    item.get_by_role("button", name="Submit").click()
    expect(page.locator("#item-07-a .score")).to_contain_text("Not yet")
    page.get_by_text("Show the source answer and the review").click()
    page.goto(reader.base + "/en/exam")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator(".item")).to_have_count(1)
    page.goto(reader.base + "/en/demos/gradient-flow")
    assert "Live runs and drawings need JavaScript" in (page.locator("noscript").text_content() or "")
