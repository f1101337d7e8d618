"""Events on the wire, tensors in at most 1.4 bytes a value, and the digest that names a run."""

from __future__ import annotations

import base64

import msgspec
import numpy as np
import pytest

from app.protocol import (
    Bilingual,
    Gates,
    Params,
    Scalar,
    Table,
    Tensor,
    decode,
    encode,
    event_type,
    param,
    params_schema,
    run_id,
)


class SomeParams(Params):
    T: int = param(50, "长度", "Length", ge=2, le=100, help=Bilingual("步数", "steps"))
    text: str = param("", "文字", "Text", widget="lines", max_length=10)


def test_a_tensor_comes_back_within_half_a_step_of_its_scale() -> None:
    values = np.random.default_rng(0).normal(size=(40, 30))
    tensor = Tensor.of(values, -4.0, 4.0)
    raw = np.frombuffer(base64.b64decode(tensor.data), np.uint8).reshape(tensor.shape)
    back = tensor.lo + raw / 255 * (tensor.hi - tensor.lo)
    assert np.abs(back - values.clip(-4, 4)).max() <= 8 / 510 + 1e-9


def test_a_frame_costs_at_most_one_and_two_fifths_of_a_byte_a_value() -> None:
    tensor = Tensor.of(np.zeros((100, 64)), 0.0, 1.0)
    frame = Gates(
        panel="gates", step=1, tokens=["x"] * 100, i=tensor, f=tensor, g=tensor, o=tensor, c=tensor, h=tensor
    )
    assert len(encode(frame)) / (6 * 100 * 64) <= 1.4


def test_a_tensor_that_holds_no_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        Tensor.of(np.array([[np.nan, 1.0]]), 0.0, 1.0)


def test_events_come_back_as_what_they_were() -> None:
    for event in (
        Scalar(panel="p", series="s", x=1.0, y=None),
        Table(
            panel="t", columns=[Bilingual("量", "what")], rows=[[Bilingual("损失", "loss"), 1.5, None, "x"]]
        ),
    ):
        assert decode(encode(event)) == event
        assert event_type(event) in encode(event).decode()
    with pytest.raises(msgspec.ValidationError):
        decode(b'{"type":"nonsense"}')


def test_the_schema_speaks_one_language_and_keeps_the_seed_for_last() -> None:
    schema = params_schema(SomeParams, "en")
    assert list(schema["properties"]) == ["T", "text", "seed"]
    length = schema["properties"]["T"]
    assert (length["title"], length["description"], length["minimum"], length["maximum"]) == (
        "Length",
        "steps",
        2,
        100,
    )
    assert schema["properties"]["text"]["widget"] == "lines"
    assert params_schema(SomeParams, "zh")["properties"]["T"]["title"] == "长度"


def test_a_run_is_named_by_all_that_decides_what_it_says() -> None:
    names = {
        run_id("a", SomeParams(), "1"),
        run_id("b", SomeParams(), "1"),
        run_id("a", SomeParams(T=51), "1"),
        run_id("a", SomeParams(seed=1), "1"),
        run_id("a", SomeParams(), "2"),
    }
    assert len(names) == 5
    assert run_id("a", SomeParams(T=50), "1") == run_id("a", SomeParams(), "1")
    assert all(len(name) == 24 for name in names)
