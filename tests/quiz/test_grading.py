"""Marking, kind by kind, as the rules say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.content.models import Blank, Item, KeyPoint, Mistake, Numeric, Option, Predict, Range
from app.quiz.grading import Grade, ResponseError, grade, parse_number, shown_order


def choice(kind: str, *rights: bool) -> Item:
    options = tuple(Option(f"o{i}", right, f"why {i}") for i, right in enumerate(rights))
    return Item(id="99-a", kind=kind, prompt="?", line=1, options=options)  # type: ignore[arg-type]


def order(n: int) -> Item:
    return Item(
        id="99-b", kind="order", prompt="?", line=1, options=tuple(Option(str(i), True) for i in range(n))
    )


def numeric(**words: object) -> Item:
    return Item(id="99-c", kind="numeric", prompt="?", line=1, numeric=Numeric(**words))  # type: ignore[arg-type]


def test_single_is_all_or_nothing() -> None:
    item = choice("single", False, True, False)
    assert grade(item, [1]) == Grade(1.0, True, grade(item, [1]).notes)
    wrong = grade(item, [0])
    assert (wrong.score, wrong.correct) == (0.0, False)
    assert [note.mark for note in wrong.notes] == ["wrong", "missed", "rest"]
    assert [note.text for note in wrong.notes] == ["why 0", "why 1", "why 2"]


@pytest.mark.parametrize(
    ("chosen", "score"),
    [([0, 1], 1.0), ([0], 0.5), ([0, 2], 0.0), ([0, 1, 2], 0.5), ([0, 1, 2, 3], 0.0), ([2, 3], 0.0)],
)
def test_multi_subtracts_wrong_ones_and_never_falls_below_zero(chosen: list[int], score: float) -> None:
    found = grade(choice("multi", True, True, False, False), chosen)
    assert found.score == pytest.approx(score)
    assert found.correct == (score == 1.0)


def test_choosing_everything_in_a_multi_earns_nothing() -> None:
    for rights in ((True, True, True, False, False), (True, True, False, False, False)):
        assert grade(choice("multi", *rights), list(range(5))).score == 0.0


def test_order_gives_kendalls_tau() -> None:
    item = order(4)
    shown = shown_order(item)
    right = [shown.index(i) for i in range(4)]
    assert grade(item, right).score == 1.0
    swapped = [right[1], right[0], *right[2:]]
    found = grade(item, swapped)
    assert found.score == pytest.approx(4 / 6)
    assert not found.correct
    assert grade(item, right[::-1]).score == 0.0


@given(st.integers(min_value=3, max_value=6), st.text("abcdefgh", min_size=1, max_size=6))
def test_the_shown_order_is_a_fixed_shuffle_that_is_never_the_key(n: int, name: str) -> None:
    item = Item(
        id=name, kind="order", prompt="?", line=1, options=tuple(Option(str(i), True) for i in range(n))
    )
    shown = shown_order(item)
    assert sorted(shown) == list(range(n))
    assert list(shown) != list(range(n))
    assert shown == shown_order(item)
    assert grade(item, list(range(n))).correct is False


def test_cloze_is_the_mean_over_blanks_and_forgives_form() -> None:
    item = Item(
        id="99-d",
        kind="cloze",
        prompt="?",
        line=1,
        blanks=(Blank(("遗忘门", "forget gate")), Blank(("tanh",))),
    )
    assert grade(item, [" Forget  Gate。", "ＴＡＮＨ"]).score == 1.0
    half = grade(item, ["输入门", "tanh"])
    assert half.score == 0.5
    assert [note.mark for note in half.notes] == ["wrong", "right"]


def test_numeric_within_tolerance_and_named_mistakes() -> None:
    item = numeric(value=2.0, tolerance=0.1, relative=False, written="2", mistakes=(Mistake(4.0, "squared"),))
    assert grade(item, 2.1).correct
    assert not grade(item, 2.11).correct
    assert grade(item, 4.0).notes[0].text == "squared"
    assert grade(numeric(value=1e-5, tolerance=0.02, relative=True, written="1e-5"), "1.01×10^-5").correct
    assert grade(numeric(value=2560.0, tolerance=0.0, relative=False, written="2560"), "2,560").correct


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,024", 1024),
        ("2.7e-5", 2.7e-5),
        ("2.7×10^-5", 2.7e-5),
        ("10^-3", 1e-3),
        ("50%", 0.5),
        ("−3", -3),
        ("１２", 12),
        ("3/4", 0.75),
    ],
)
def test_numbers_as_people_type_them(text: str, value: float) -> None:
    assert parse_number(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "abc", "1/0", "1,2", "--3"])
def test_what_is_no_number(text: str) -> None:
    assert parse_number(text) is None


def free() -> Item:
    points = (KeyPoint("a", 3, True, ("alpha",)), KeyPoint("b", 1, False, ("beta",)))
    return Item(id="99-f", kind="free", prompt="?", line=1, points=points)


def test_free_counts_the_confirmed_weight() -> None:
    assert grade(free(), {"text": "…", "confirmed": [0]}).score == 0.75
    assert grade(free(), {"text": "…", "confirmed": [0]}).correct
    assert grade(free(), {"text": "…", "confirmed": [1]}).correct is False
    assert grade(free(), {"text": "…", "confirmed": []}).score == 0.0


def predict() -> Item:
    options = (Option("low", False, "l", Range(None, 0.0)), Option("high", True, "h", Range(0.1, None)))
    return Item(id="99-g", kind="predict", prompt="?", line=1, options=options, predict=Predict("d", {}, "m"))


def test_predict_is_marked_by_what_was_measured() -> None:
    assert grade(predict(), [0], measured=-3.0).correct
    assert not grade(predict(), [1], measured=-3.0).correct
    assert grade(predict(), [1]).correct, "without a run the verified key marks"


@pytest.mark.parametrize(
    ("item", "response"),
    [
        (choice("single", True, False), [0, 1]),
        (choice("single", True, False), []),
        (choice("single", True, False), [2]),
        (choice("single", True, False), "0"),
        (choice("multi", True, True, False, False), []),
        (choice("multi", True, True, False, False), [0, 0]),
        (choice("multi", True, True, False, False), [True]),
        (order(3), [0, 1]),
        (order(3), [0, 1, 1]),
        (numeric(value=1.0, tolerance=0.1, relative=False, written="1"), "nothing"),
        (numeric(value=1.0, tolerance=0.1, relative=False, written="1"), float("nan")),
        (numeric(value=1.0, tolerance=0.1, relative=False, written="1"), None),
        (Item(id="x", kind="cloze", prompt="?", line=1, blanks=(Blank(("a",)),)), ["a", "b"]),
        (free(), "text"),
        (free(), {"text": "x", "confirmed": [7]}),
        (free(), {"text": "x" * 5000, "confirmed": []}),
    ],
)
def test_a_response_that_cannot_be_marked_says_why_in_both_languages(item: Item, response: object) -> None:
    with pytest.raises(ResponseError) as error:
        grade(item, response)
    assert error.value.message.zh
    assert error.value.message.en
