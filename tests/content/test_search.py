"""Search in the questions that ship."""

from __future__ import annotations

import pytest

from app.content import Library, search


def numbers(library: Library, query: str) -> list[int]:
    return [question.number for question in search(library, query)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("bert", 30),
        ("时间步", 18),
        ("ＧＲＵ", 6),
        ("beam search", 28),
        ("束搜索", 28),
        ("image recognition", 10),
        ("1", 1),
        ("21", 21),
    ],
)
def test_both_languages_full_width_and_any_case(library: Library, query: str, first: int) -> None:
    assert numbers(library, query)[0] == first


def test_titles_come_first_then_who_says_it_most(library: Library) -> None:
    found = numbers(library, "梯度裁剪")
    assert set(found[:5]) == {7, 12, 20, 22, 26}
    assert all("梯度裁剪" in library.by_number[n].text["zh"].title for n in found[:5])
    assert len(found) > 5
    said = [library.by_number[n].text["zh"].review.count("束搜索") for n in numbers(library, "束搜索")]
    assert said[0] == max(said)


def test_every_word_must_occur(library: Library) -> None:
    both = set(numbers(library, "CTC RNN-T"))
    assert both
    assert both < set(numbers(library, "CTC"))
    assert numbers(library, "CTC nothing-at-all-like-this") == []


def test_a_change_of_script_ends_a_word(library: Library) -> None:
    assert numbers(library, "LSTM梯度裁剪") == numbers(library, "LSTM 梯度裁剪")


def test_authors_and_topics_are_searched(library: Library) -> None:
    assert 1 in numbers(library, "hochreiter")
    assert set(numbers(library, "speech, classification, behaviour")) >= {19, 25, 27, 29}


def test_an_empty_query_finds_all(library: Library) -> None:
    assert len(numbers(library, " ")) == len(library.questions)
