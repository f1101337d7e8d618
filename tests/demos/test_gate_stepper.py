"""Gate stepper: the three claims, numbers and text as input, what is drawn, and the validators' words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from app.demos.gate_stepper import GateStepperParams, demo, is_numbers
from app.protocol import AnyEvent, Gates, Metric, Scalar, Table, Text

pytestmark = [pytest.mark.torch]


def run(**params: Any) -> list[AnyEvent]:
    return list(demo.run(GateStepperParams(**params)))


def metrics(events: list[AnyEvent]) -> dict[str, Metric]:
    return {event.name: event for event in events if isinstance(event, Metric)}


def curve(events: list[AnyEvent], series: str) -> list[float | None]:
    return [event.y for event in events if isinstance(event, Scalar) and event.series == series]


@pytest.mark.parametrize(
    "params",
    [
        {}, {"seed": 7, "hidden": 8, "unit": 7}, {"text": "1, 0, -1, 2.5", "steps": 100}, {"c0": -5.0}, {"c0": 0.0},
        {"forget_bias": 6.0, "clamp": "open"}, {"text": "我有三个门", "hidden": 1}, {"text": "9999 -9999", "steps": 20},
    ],
)  # fmt: skip
def test_the_three_claims_hold_whatever_is_typed_and_held(params: dict[str, Any]) -> None:
    found = metrics(run(**params))
    judged = {each.claim: (each.verdict, each.value) for each in found.values() if each.claim}
    assert {claim: verdict for claim, (verdict, _) in judged.items()} == dict.fromkeys(
        ("cell", "keep", "forget"), "holds"
    )
    assert judged["keep"][1] == 0


def test_keep_holds_c_for_100_steps_and_the_free_cell_does_not() -> None:
    events = run(text="1, -1, 0.5", steps=100, clamp="keep", c0=1.5)
    assert curve(events, "c") == [1.5] * 100
    free = curve(events, "free")
    assert len(free) == 100
    assert abs(free[-1] or 0) < 0.5
    assert metrics(events)["c_drift"].value == 0
    assert metrics(events)["c_kept"].value == 1


def test_forget_leaves_nothing_of_c0_after_one_step() -> None:
    ends = [curve(run(text="ab", clamp="forget", c0=c0), "c")[0] for c0 in (-5.0, 0.0, 5.0)]
    assert len(set(ends)) == 1
    assert len({curve(run(text="ab", c0=c0), "c")[0] for c0 in (-5.0, 0.0, 5.0)}) == 3


def test_open_gates_let_the_cell_grow_without_bound() -> None:
    events = run(text="1, 1, 1", steps=60, clamp="open", unit=0)
    drift = metrics(events)["c_drift"].value
    assert drift is not None
    assert drift > 5


def test_one_more_gate_is_held_over_its_steps_counted_from_one() -> None:
    events = run(text="abcdef", clamp_gate="o", clamp_value=0.0, clamp_from=2, clamp_to=4)
    h = curve(events, "h")
    assert [value == 0 for value in h] == [False, True, True, True, False, False]
    (frame,) = [event for event in events if isinstance(event, Gates)]
    assert frame.clamped == ["o"]
    rows = [event.rows for event in events if isinstance(event, Table)]
    assert ["held" in str(each[3][1]) for each in rows] == [False, True, True, True, False, False]


def test_the_later_hold_wins_over_the_named_one() -> None:
    events = run(text="ab", clamp="keep", clamp_gate="f", clamp_value=0.5, c0=2.0)
    assert curve(events, "c") == [1.0, 0.5]


def test_the_numbers_in_the_equations_are_the_numbers() -> None:
    """Each row of the table, worked out again from what it prints."""
    number = r"(-?\d+\.\d+)"
    for table in (event for event in run(text="1, 0, -1") if isinstance(event, Table)):
        rows = [[str(cell).replace("−", "-") for cell in row] for row in table.rows]
        cells = {name: (sums, float(value)) for name, sums, value in rows}
        assert list(cells) == ["i", "f", "g", "o", "c", "h"]
        for name in "ifgo":
            terms, z = re.fullmatch(rf"(?:σ|tanh)\((.*)\) = (?:σ|tanh)\({number}\)", cells[name][0]).groups()  # type: ignore[union-attr]
            signed = terms.replace("- ", "-").replace("+ ", "+").split()
            assert sum(float(each) for each in signed) == pytest.approx(float(z), abs=2e-4)
        f, before, i, g = (float(each) for each in re.findall(number, cells["c"][0]))
        assert (f, i, g) == (cells["f"][1], cells["i"][1], cells["g"][1])
        assert f * before + i * g == pytest.approx(cells["c"][1], abs=3e-4)


# ── input ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1, 0, -1", True), ("1 2 3", True), ("0.5", True), (".5, +2", True), ("1，2、3", True), (" 7 ", True),
        ("hello", False), ("1, two", False), ("1,,", False), ("-", False), ("1.2.3", False), ("3 门", False),
    ],
)  # fmt: skip
def test_what_is_read_as_numbers(text: str, numbers: bool) -> None:
    assert is_numbers(text) is numbers


def test_the_helps_own_example_is_read_as_numbers() -> None:
    fields = GateStepperParams.model_json_schema()["properties"]
    example = fields["text"]["help_zh"].partition("例如 ")[2]
    assert is_numbers(example)


def tokens(events: list[AnyEvent]) -> list[str]:
    (frame,) = [event for event in events if isinstance(event, Gates)]
    (text,) = [event for event in events if isinstance(event, Text)]
    assert frame.tokens == text.tokens
    return frame.tokens


def test_numbers_and_characters_go_round_for_more_steps() -> None:
    assert tokens(run(text="1, -0.5", steps=5)) == ["1", "-0.5", "1", "-0.5", "1"]
    assert tokens(run(text="看门", steps=3)) == ["看", "门", "看"]
    assert tokens(run(text="hello", steps=2)) == ["h", "e"]
    assert tokens(run(text="hello")) == list("hello")


def test_a_number_is_its_value_and_a_character_a_place_of_its_own() -> None:
    """0 puts nothing in; twice the number puts in twice as much; equal characters look the same."""

    def from_x(text: str) -> list[float]:
        tables = [event for event in run(text=text) if isinstance(event, Table)]
        return [float(re.search(r"-?\d+\.\d+", str(table.rows[0][1]))[0]) for table in tables]  # type: ignore[index]

    zero, one, two = from_x("0, 1, 2")
    assert zero == 0
    assert two == pytest.approx(2 * one, abs=2e-4)
    a, b, again = from_x("aba")
    assert a == again != b


def said(**params: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        GateStepperParams(**params)
    (fault,) = caught.value.errors()
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


@pytest.mark.parametrize(
    ("params", "field", "bound"),
    [
        ({"hidden": 4, "unit": 4}, "unit", "3"),
        ({"hidden": 1, "unit": 1}, "unit", "0"),
        ({"clamp_from": 5, "clamp_to": 4}, "clamp_to", "clamp_from"),
        ({"text": "a" * 61}, "text", "60"),
    ],
)
def test_a_validator_names_field_and_bound_in_both_languages(
    params: dict[str, Any], field: str, bound: str
) -> None:
    message = said(**params)
    zh, bar, en = message.partition(" | ")
    assert bar
    assert re.search("[\u3400-\u9fff]", zh)
    assert not re.search("[\u3400-\u9fff]", en)
    for half in (zh, en):
        assert field in half
        assert bound in half


@pytest.mark.parametrize(
    "params",
    [{"hidden": 4, "unit": 3}, {"clamp_from": 4, "clamp_to": 4}, {"text": "a" * 60}, {"text": "1 " * 100}],
)
def test_the_bounds_themselves_are_accepted(params: dict[str, Any]) -> None:
    GateStepperParams(**params)


def test_more_than_sixty_numbers_are_cut() -> None:
    assert len(tokens(run(text="1 2 " * 50))) == 60
