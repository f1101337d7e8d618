"""What the library answers about its questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.content import Library, load
from tests.content.samples import QUESTION, ZH, write


def add(root: Path, number: int, more: str = "", topic: str = "gates") -> None:
    slug = f"{number:02}-sample"
    table = QUESTION.replace("number = 7", f"number = {number}\n{more}").replace('"gates"', f'"{topic}"')
    write(root, slug=slug, zh=ZH.replace("item: 07", f"item: {number:02}"), question=table)


@pytest.fixture
def family(tmp_path: Path) -> Library:
    add(tmp_path, 12)
    add(tmp_path, 4, topic="gradients")
    add(tmp_path, 20, "duplicate_of = 12")
    add(tmp_path, 26, "duplicate_of = 12")
    add(tmp_path, 22, "near = [12]")
    return load(tmp_path)


def test_questions_come_by_number(family: Library) -> None:
    assert [question.number for question in family.questions] == [4, 12, 20, 22, 26]
    assert family.by_slug["12-sample"] is family.by_number[12]


def test_twins_are_seen_from_both_sides(family: Library) -> None:
    twins = {q.number: [twin.number for twin in family.twins(q)] for q in family.questions}
    assert twins == {4: [], 12: [20, 22, 26], 20: [12, 26], 22: [12], 26: [12, 20]}


def test_neighbours_are_of_the_same_topic(family: Library) -> None:
    by = family.by_number
    assert family.neighbours(by[12]) == (None, by[20])
    assert family.neighbours(by[22]) == (by[20], by[26])
    assert family.neighbours(by[4]) == (None, None)


def test_items_are_found_by_id_in_every_language(family: Library) -> None:
    question, both = family.item("20-e")
    assert question is family.by_number[20]
    assert {lang: item.kind for lang, item in both.items()} == {"zh": "numeric", "en": "numeric"}
    assert family.find("20-e") == (question, both["zh"])
    assert family.find("99-a") is None
    with pytest.raises(KeyError):
        family.item("99-a")
    with pytest.raises(KeyError):
        question.item("12-a", "en")


def test_sources_say_where_they_are_found(family: Library) -> None:
    assert family.sources["S1"].href == "https://doi.org/10.1162/neco.1997.9.8.1735"
    assert family.sources["S2"].href == "https://arxiv.org/abs/0000.00000"
    assert family.sources["S2"].text.endswith("Neural Computation. Gers, F. A. (1999). ICANN.")
    assert [source.id for source in family.sources_of(family.by_number[4])] == ["S1"]
    assert family.topic("gradients").title.zh == "梯度"
    assert family.planned_demos == ("adding-race",)
