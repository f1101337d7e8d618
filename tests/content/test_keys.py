"""Keys are executable: numbers are computed again from the expression beside them, predictions by the run."""

from __future__ import annotations

import pytest

from app.content import Item
from app.content.expressions import value_of
from app.content.models import Predict
from tests.conftest import shipped_library
from tests.demos.playing import measured, shipped

ITEMS = {item.id: item for question in shipped_library().questions for item in question.items}
CHECKED = [item_id for item_id, item in ITEMS.items() if item.check]
PREDICTS = [item_id for item_id, item in ITEMS.items() if item.predict]


@pytest.mark.parametrize("item_id", CHECKED)
def test_the_answer_is_what_its_expression_gives(item_id: str) -> None:
    item = ITEMS[item_id]
    assert item.numeric is not None
    value = value_of(item.check)
    assert item.numeric.accepts(value), f"{item.check} = {value}, not {item.numeric.written}"


def test_a_named_mistake_is_told_from_the_right_answer() -> None:
    for item in ITEMS.values():
        if item.numeric:
            assert not any(mistake.matches(item.numeric.value) for mistake in item.numeric.mistakes), item.id


def test_every_number_has_its_expression() -> None:
    numeric = [item for item in ITEMS.values() if item.kind == "numeric"]
    assert len(numeric) >= 40
    assert [item.id for item in numeric if not item.check] == []


def value_in_run(predict: Predict) -> float:
    """What the run gives for the metric that the item names."""
    found = measured(shipped(predict.demo, **dict(predict.params)))
    assert predict.metric in found, f"{predict.demo} measures {', '.join(found)}"
    value = found[predict.metric]
    assert value is not None
    return value


def agrees(item: Item, value: float) -> bool:
    """Whether the written key is what that value makes it."""
    if item.numeric:
        return item.numeric.accepts(value)
    return [option.holds(value) for option in item.options] == [option.right for option in item.options]


@pytest.mark.torch
@pytest.mark.parametrize("item_id", PREDICTS)
def test_the_run_gives_the_key_of_a_prediction(item_id: str) -> None:
    item = ITEMS[item_id]
    assert item.predict is not None
    value = value_in_run(item.predict)
    print(f"\n{item_id}: {item.predict.metric} = {value:.4g}")
    assert agrees(item, value), f"{item.predict.metric} = {value}"
