"""Folding: one form for what says the same, different forms for what does not; the notation of phrasings."""

from __future__ import annotations

import pytest

from app.content.wording import MOST_WORDINGS, Folded, spelled_out, wordings


@pytest.mark.parametrize(
    "same",
    [
        "CNN CNNs CNN's",
        "GRU GRUs",
        "multiply multiplies multiplied multiplying",
        "stop stops stopped stopping",
        "bias biases",
        "gate gates gated gating",
        "use uses used using",
        "add adds added adding",
        "box boxes",
        "loss losses",
        "process processes processing",
        "embed embeds embedding embeddings embedded",
        "normalise normalize normalised normalisation normalizing",
        "synchronise synchronised synchronized",
        "analyse analyzed",
        "label labels labelled labeled",
        "behaviour behaviors",
        "neighbour neighbors",
        "saturate saturated saturation",
        "repeated repeatedly",
        "连乘 连着乘",
    ],
)
def test_one_form(same: str) -> None:
    assert len({Folded(word).text for word in same.split()}) == 1


@pytest.mark.parametrize(
    "different", ["bias biased", "WER were", "not note", "direct direction", "spe speed", "four for"]
)
def test_different_forms(different: str) -> None:
    assert len({Folded(word).text for word in different.split()}) == 2


def test_alternatives_are_folded_each() -> None:
    assert wordings("{clip, cap, scaling} the … norm") == (("clip", "cap", "scal"), ("norm",))
    assert wordings("{裁, 截，压}一…范数") == (("裁一", "截一", "压一"), ("范数",))
    assert spelled_out("{a, b} {c, d}") == ["a c", "a d", "b c", "b d"]


def test_braces_without_a_comma_stand_for_themselves() -> None:
    assert spelled_out("h_{t-1}") == ["h_{t-1}"]


def test_too_many_alternatives_are_refused() -> None:
    ten = "{" + ", ".join("abcdefghij") + "}"
    with pytest.raises(ValueError, match=f"more than {MOST_WORDINGS} wordings"):
        wordings(ten + ten)


def test_a_gap_between_braces_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves a brace open"):
        wordings("{clip…norm, cap}")


def test_folded_text_points_back_to_whole_words() -> None:
    folded = Folded("It **keeps** the “old” directions.")
    at = folded.text.index("direction")
    plain = folded.place(at, at + len("direction"))
    start, end = folded.original(*plain)
    assert "It **keeps** the “old” directions."[start:end] == "directions"
