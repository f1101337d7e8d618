"""What may be missing from a draft and not from what is published: each rule broken once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.content import Library, Question
from app.content.completeness import REVIEW, SPOKEN, completeness, sentences, words
from app.content.models import FollowUp, Page


def said(library: Library, number: int, lang: str, page: Page) -> list[str]:
    """The faults of one question of the shipped library with one of its pages changed."""
    question = library.by_number[number]
    changed: Question = replace(question, text={**question.text, lang: page})
    return [str(fault) for fault in completeness(replace(library, questions=(changed,)))]


def test_what_ships_is_complete(library: Library) -> None:
    assert completeness(library) == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_each_rule_names_file_line_and_remedy(library: Library, lang: str) -> None:
    page = library.by_number[12].text[lang]
    line = f"12-clipping-code/{lang}.md:{{}}: "
    for change, where, fault in (
        ({"items": page.items[:4]}, "items", "4 items; write at least 5"),
        ({"review": "短 short."}, "review", "the review has 2 "),
        ({"review": "字 " * 401 if lang == "en" else "字" * 601}, "review", "the review has "),
        ({"model_answer": "短 short."}, "model_answer", "the model answer has 2 "),
        ({"follow_ups": page.follow_ups[:2]}, "follow_ups", "2 follow-ups; write 3"),
        (
            {"follow_ups": (*page.follow_ups[:2], FollowUp("?", "One sentence."))},
            "follow_ups",
            "the answer to follow-up 3 has 1 sentences; write two to four",
        ),
    ):
        faults = said(library, 12, lang, replace(page, **change))  # type: ignore[arg-type]
        assert any(line.format(page.lines[where]) + fault in each for each in faults), (fault, faults)


@pytest.mark.parametrize(
    ("part", "name"), [("review", "review"), ("model_answer", "model answer"), ("follow_ups", "follow-ups")]
)
def test_a_part_that_is_not_there_is_named(library: Library, part: str, name: str) -> None:
    page = library.by_number[7].text["en"]
    (fault,) = said(library, 7, "en", replace(page, **{part: type(getattr(page, part))()}))
    assert f"question.toml:1: without {name}; write it, or check with --draft" in fault


def test_a_duplicate_names_its_twin(library: Library) -> None:
    page = library.by_number[20].text["en"]
    faults = said(library, 20, "en", replace(page, review=page.review.replace("12", "112")))
    assert any("the review does not name its twin, question 12; name it" in fault for fault in faults)


def test_words_and_sentences_are_counted_as_people_do() -> None:
    assert words("The cell's state, $$x$$ c_t. [@S1]") == 4
    assert words("用 LSTM 训练 50 步。") == 6
    assert sentences("At 0.5 it halves, e.g. here. Then ‘stop.’ And on") == 2
    assert sentences("先裁剪。再更新！") == 2
    assert REVIEW.en == (150, 400)
    assert SPOKEN.en[0] / 150 * 60 <= 60  # words a minute, seconds
    assert SPOKEN.en[1] / 150 * 60 <= 92
