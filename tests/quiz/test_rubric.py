"""Suggested ticks: found where said, refused where denied."""

from __future__ import annotations

import pytest

from app.content.models import KeyPoint
from app.quiz.rubric import score, suggest

ZH = KeyPoint("防止梯度爆炸", 2, True, ("防止爆炸", "抑制梯度过大"))
EN = KeyPoint("prevents exploding gradients", 2, True, ("prevents exploding", "can still explode"))


@pytest.mark.parametrize(
    ("text", "point", "said"),
    [
        ("梯度裁剪可以防止爆炸。", ZH, True),
        ("它不能防止爆炸。", ZH, False),
        ("说它防止爆炸是错的。", ZH, False),
        ("它不仅能防止爆炸，还很便宜。", ZH, True),
        ("裁剪 能 防止 爆炸", ZH, True),
        ("Clipping prevents exploding gradients.", EN, True),
        ("Clipping never prevents exploding gradients.", EN, False),
        ("It is not true that it prevents exploding gradients", EN, False),
        ("It not only prevents exploding gradients, it is cheap.", EN, True),
        ("An LSTM can still explode.", EN, True),
        ("An LSTM cannot explode.", EN, False),
        ("", EN, False),
    ],
)
def test_negation_is_guarded(text: str, point: KeyPoint, said: bool) -> None:
    assert suggest(text, [point])[0].said is said


def test_evidence_points_into_the_learners_own_words() -> None:
    text = "我认为：梯度裁剪能“防止爆炸”，而已。"
    found = suggest(text, [ZH])[0]
    assert found.evidence is not None
    assert text[slice(*found.evidence)].replace("“", "").replace("”", "") == "防止爆炸"


def test_a_negated_point_is_shown_as_negated() -> None:
    found = suggest("它不能防止爆炸。", [ZH])[0]
    assert found.negated
    assert found.evidence is not None


def test_score_is_the_share_of_weight() -> None:
    points = [KeyPoint("a", 3, True, ()), KeyPoint("b", 1, False, ())]
    assert score(points, [0]) == 0.75
    assert score(points, [0, 0, 1]) == 1.0
    with pytest.raises(ValueError, match="point 2"):
        score(points, [2])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Clipping by its norm keeps the old direction.", True),
        ("Clipping is cheap. It keeps the direction.", False),  # a gap ends with its sentence
        ("Clipping never keeps the direction.", False),  # a negation inside the gap
        ("clipping " + "twice " * 20 + "keeps the direction", False),
    ],
)
def test_a_phrasing_may_leave_a_gap_within_one_sentence(text: str, said: bool) -> None:
    point = KeyPoint("the direction stays", 1, False, ("clipping … direction",))
    assert suggest(text, [point])[0].said is said
