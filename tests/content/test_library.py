"""The questions that ship: thirty, checked, the same in both languages, complete where they are models."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from app.content import Library
from app.content.__main__ import main
from app.content.balance import balance
from app.content.listing import missing, overview, totals
from app.protocol import LANGS

COMPLETE = (1, 2, 6, 7, 12, 21)
MACHINE = ("single", "multi", "order", "cloze", "numeric", "bug")
TOPICS = {
    "gates": [1, 2, 3, 18],
    "comparison": [4, 6, 17],
    "gradients": [7, 12, 20, 21, 22, 26],
    "tuning": [9, 13, 14],
    "forecasting": [8, 15, 23],
    "nlp": [5, 16, 28, 30],
    "vision": [10, 11, 24],
    "sequences": [19, 25, 27, 29],
}


def test_the_check_finds_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "30 questions" in said


def test_thirty_questions_in_eight_topics(library: Library) -> None:
    assert [question.number for question in library.of_source] == list(range(1, 31))
    assert [topic.id for topic in library.topics] == list(TOPICS)
    by_topic = {topic: [q.number for q in library.of_source if q.topic == topic] for topic in TOPICS}
    assert by_topic == TOPICS


def test_every_machine_marked_kind_five_times_and_two_in_each(library: Library) -> None:
    kinds: Counter[str] = Counter()
    for question in library.questions:
        mine = [item.kind for item in question.items]
        kinds.update(mine)
        assert sum(kind in MACHINE for kind in mine) >= 2, question.slug
    assert all(kinds[kind] >= 5 for kind in MACHINE), kinds


@pytest.mark.parametrize("number", COMPLETE)
def test_the_models_are_complete(library: Library, number: int) -> None:
    question = library.by_number[number]
    assert missing(question) == []
    for lang in LANGS:
        page = question.text[lang]
        assert 3 <= len(page.key_points) <= 6
        assert len(page.follow_ups) == 3
        assert len(page.items) >= 5


def test_duplicates_have_the_source_they_repeat(library: Library) -> None:
    by = library.by_number
    assert {q.number: q.duplicate_of for q in library.questions if q.duplicate_of} == {20: 12, 26: 12, 25: 19}
    for first, second in ((12, 20), (19, 25)):
        for lang in LANGS:
            assert by[first].text[lang].title == by[second].text[lang].title
            assert by[first].text[lang].source == by[second].text[lang].source
    answer, _, explanation = by[12].text["zh"].source.rpartition("\n\n")
    again, _, reworded = by[26].text["zh"].source.rpartition("\n\n")
    assert answer == again
    assert explanation != reworded
    assert explanation.startswith("**解析：** 梯度裁剪")
    assert reworded.startswith("**解析：** 梯度裁剪")


def test_near_duplicates_know_each_other(library: Library) -> None:
    by = library.by_number
    for first, second in ((4, 17), (8, 23), (16, 28), (7, 22), (12, 22)):
        assert by[second] in library.twins(by[first]), (first, second)
        assert by[first] in library.twins(by[second]), (first, second)


def test_sources_are_whole(library: Library) -> None:
    assert list(library.sources) == [f"S{n}" for n in range(1, len(library.sources) + 1)]
    assert len(library.sources) >= 65
    for source in library.sources.values():
        assert 1980 <= source.year <= 2026, source.id
        assert source.href == "" or source.href.startswith("https://"), source.id


@pytest.mark.parametrize("lang", LANGS)
def test_singles_cannot_be_guessed_by_length_or_place(library: Library, lang: str) -> None:
    found = balance(library, lang)
    print(f"\n{lang}: {found.text}")
    assert sum(found.places.values()) == found.singles
    assert found.longest <= found.longest_by_chance + 2 * math.sqrt(found.longest_by_chance)
    assert max(found.places.values()) <= 0.6 * found.singles


def test_the_command_says_what_there_is(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert capsys.readouterr().out.splitlines() == [*overview(library), totals(library)]
    assert len(overview(library)) == len(library.questions)
