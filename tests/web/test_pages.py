"""Pages and forms, as a browser without JavaScript and as htmx sees them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.content import Library

PATHS = (
    "",
    "questions/",
    "questions/07-gradient-clipping",
    "exam",
    "review",
    "progress",
    "demos/",
    "demos/gradient-flow",
)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", PATHS)
def test_every_page_stands_in_both_languages(client: Any, lang: str, path: str) -> None:
    answer = client.get(f"/{lang}/{path}")
    assert answer.status_code == 200
    other = "en" if lang == "zh" else "zh"
    assert f'href="/{other}/{path}"' in answer.text, "the language switch keeps the place"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*src=)", answer.text)


def test_every_question_page_shows_its_source_closed(client: Any, library: Library) -> None:
    for question in library.questions:
        text = client.get(f"/zh/questions/{question.slug}").text
        assert '<details class="answer" id="answer">' in text
        assert text.count('class="item item--') == len(question.text["zh"].items)


def test_the_root_chooses_a_language(client: Any) -> None:
    for wish, lang in (("en-GB,en;q=0.9", "en"), ("zh-CN,zh;q=0.9,en;q=0.5", "zh"), ("", "zh")):
        answer = client.get("/", headers={"accept-language": wish}, follow_redirects=False)
        assert answer.headers["location"] == f"/{lang}/"


def test_filters_and_search(client: Any) -> None:
    def numbers(query: str) -> list[int]:
        return [
            int(n)
            for n in re.findall(
                r'<li class="question-row" value="(\d+)"', client.get(f"/en/questions/?{query}").text
            )
        ]

    assert numbers("topic=gates") == [1, 2, 3, 18]
    assert set(numbers("level=3")) & {21, 30}
    assert 30 in numbers("q=BERT")
    assert 18 in numbers("q=时间步")
    assert numbers("state=right") == []
    client.post("/api/items/18-a/attempts", json={"response": [0]})
    assert numbers("state=wrong") == [18]
    assert client.get("/en/questions/?level=7").status_code == 422


def test_answering_without_javascript_shows_the_marked_item(client: Any) -> None:
    answer = client.post(
        "/zh/items/07-a/attempts", data={"choice": "1", "key": "abc"}, follow_redirects=False
    )
    assert answer.status_code == 303
    page = client.get(answer.headers["location"].split("#")[0])
    assert "答对了" in page.text
    assert "item--right" in page.text
    assert "open>" in page.text.split('id="answer"')[1][:10]
    again = client.post("/zh/items/07-a/attempts", data={"choice": "1", "key": "abc"}, follow_redirects=False)
    assert again.headers["location"] == answer.headers["location"]


def test_answering_by_htmx_returns_the_item_and_the_score(client: Any) -> None:
    answer = client.post("/en/items/07-b/attempts", data={"number": "5"}, headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert 'id="item-07-b"' in answer.text
    assert "clipping by value" in answer.text, "the named mistake is explained"
    assert 'id="score"' in answer.text
    assert "0 / 1" in answer.text


@pytest.mark.parametrize(("lang", "words"), [("zh", "经运行核实："), ("en", "Verified by a run: ")])
def test_a_marked_number_shows_how_its_key_was_computed(client: Any, lang: str, words: str) -> None:
    before = client.get(f"/{lang}/questions/07-gradient-clipping").text
    assert words not in before, "the key stays hidden until it is answered"
    answer = client.post(f"/{lang}/items/07-b/attempts", data={"number": "5"}, headers={"hx-request": "true"})
    assert f"{words}<code>6*5/math.hypot(6,8)</code> = 3" in answer.text
    assert 'value="5"' in answer.text, "what was typed stands as it was typed"


def test_a_form_that_cannot_be_marked_comes_back_with_the_reason(client: Any) -> None:
    for headers in ({}, {"hx-request": "true"}):
        answer = client.post("/zh/items/07-a/attempts", data={}, headers=headers)
        assert answer.status_code == 422
        assert "请选择一个选项" in answer.text
    assert client.get("/api/export").json()["attempts"] == []


def test_a_spoken_answer_is_compared_before_it_is_marked(client: Any) -> None:
    text = "它能防止梯度爆炸，但对梯度消失没有作用。"
    step = client.post("/zh/items/07-g/attempts", data={"text": text}, headers={"hx-request": "true"})
    assert "<mark>防止梯度爆炸</mark>" in step.text
    assert step.text.count(" checked") == 2
    assert client.get("/api/export").json()["attempts"] == []
    done = client.post(
        "/zh/items/07-g/attempts",
        data={"text": text, "confirming": "1", "confirmed": ["0", "1"]},
        headers={"hx-request": "true"},
    )
    assert "系统建议" in done.text
    assert client.get("/api/export").json()["attempts"][0]["score"] == pytest.approx(6 / 9)


def begin(client: Any, **choice: Any) -> str:
    answer = client.post("/en/exam", data={"number": "5", "mode": "one", **choice}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_a_selftest_one_by_one(client: Any, library: Library) -> None:
    here = begin(client, topic="gradients", number="3")
    seen = []
    for _ in range(3):
        page = client.get(here).text
        item_id = re.search(r'id="item-(\d\d-[a-z])"', page)[1]  # type: ignore[index]
        seen.append(item_id)
        test_id = here.rsplit("/", 1)[1]
        kind = library.find(item_id)[1].kind  # type: ignore[index]
        data = {
            "selftest": test_id,
            "choice": "0",
            "number": "0",
            "blank": ["x"] * page.count('name="blank"'),
        }
        data |= {f"place-{i}": str(i + 1) for i in range(6) if f'name="place-{i}"' in page}
        done = client.post(f"/en/items/{item_id}/attempts", data=data, headers={"hx-request": "true"})
        assert done.status_code == 200, (kind, done.text[:300])
    assert len(set(seen)) == 3
    result = client.get(here)
    assert result.url.path.endswith("/result")
    assert "/ 3" in result.text
    assert "Gradients and clipping" in result.text


def test_a_selftest_all_at_once_and_the_wrong_ones_again(client: Any) -> None:
    here = begin(client, mode="all", number="6")
    page = client.get(here).text
    ids = re.findall(r'<section class="item" id="item-(\d\d-[a-z])"', page)
    assert len(ids) == 6
    result = client.post(f"{here}/answers", data={})
    assert "0 / 6" in result.text
    assert result.text.count('<article class="wrong">') == 6
    test_id = here.rsplit("/", 1)[1]
    again = client.post("/en/exam", data={"wrong_of": test_id}, follow_redirects=False)
    assert again.status_code == 303
    assert again.headers["location"] != here


def test_a_selftest_that_cannot_be_drawn_says_so(client: Any) -> None:
    answer = client.post("/en/exam", data={"topic": "gates", "level": "3", "number": "5", "mode": "one"})
    assert answer.status_code == 422
    assert "widen topic or level" in answer.text
    over = client.post("/zh/exam", data={"number": "51", "mode": "one"})
    assert over.status_code == 422
    assert "50" in over.text


def test_review_brings_back_what_was_wrong(client: Any) -> None:
    assert "not answered anything" in client.get("/en/review").text
    client.post("/api/items/18-a/attempts", json={"response": [0]})
    assert "2" in client.get("/en/review").text
    assert "Time step" in client.get("/en/progress").text or "time step" in client.get("/en/progress").text


def test_a_permalink_fills_the_form_and_names_what_is_off(client: Any) -> None:
    page = client.get("/en/demos/gradient-flow?T=77&cell=gru").text
    assert 'value="77"' in page
    assert '<option value="gru" selected>GRU</option>' in page
    off = client.get("/zh/demos/gradient-flow?T=777")
    assert off.status_code == 422
    assert "不能大于 100" in off.text
    assert client.get("/en/demos/nothing").status_code == 404


def test_error_pages_are_in_the_readers_language(client: Any) -> None:
    assert "没有" in client.get("/zh/questions/none").text
    assert "no such question" in client.get("/en/questions/none").text
    assert client.get("/xx/").status_code == 404
    assert client.get("/en/exam/none").status_code == 404


def test_a_page_kept_for_everybody_carries_no_idempotency_key(client: Any) -> None:
    """Else the same reader's second answer, after a reload, would be taken for the first one repeated."""
    page = client.get("/en/questions/07-gradient-clipping").text
    assert re.findall(r'name="key" value="([^"]*)"', page)
    assert set(re.findall(r'name="key" value="([^"]*)"', page)) == {""}
    for choice in ("0", "1"):
        answer = client.post(
            "/en/items/07-a/attempts", data={"choice": choice, "key": ""}, headers={"hx-request": "true"}
        )
        assert answer.status_code == 200
    assert len(client.get("/api/export").json()["attempts"]) == 2
    fresh = client.get("/en/items/07-a", headers={"hx-request": "true"}).text
    assert re.search(r'name="key" value="\S{16}"', fresh)


def test_the_model_answer_is_told_only_after_the_learners_own(client: Any, library: Library) -> None:
    model = library.by_number[7].text["en"].model_answer.split(".")[0]
    assert model
    assert model not in client.get("/en/questions/07-gradient-clipping").text
    text = "Clipping bounds the gradient against explosion; it never enlarges."
    answer = client.post(
        "/en/items/07-g/attempts",
        data={"text": text, "confirming": "1", "confirmed": ["0"]},
        headers={"hx-request": "true"},
    )
    assert model in answer.text


def test_a_self_test_left_blank_shows_every_key_and_explanation(client: Any) -> None:
    start = client.post("/en/exam", data={"number": "30", "mode": "all"}, follow_redirects=False)
    here = start.headers["location"]
    client.post(f"{here}/finish")
    page = client.get(f"{here}/result").text
    assert page.count("Not answered · 0 / 1") == 30
    assert page.count('class="explanation"') == 30
    assert "option--missed" in page
    assert re.search(r"not answered\s+30", page)
