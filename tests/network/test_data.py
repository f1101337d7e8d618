"""The synthetic tasks: shapes, what they are made of, and targets worked out again from the inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from app.network import data
from app.network.train import generator

pytestmark = [pytest.mark.torch]

SIZES = [(1, 10), (7, 10), (64, 40), (16, 100)]


@pytest.mark.parametrize(("batch", "steps"), SIZES)
def test_temporal_order(batch: int, steps: int) -> None:
    x, y = data.temporal_order(batch, steps, generator(batch, steps))
    assert x.shape == (batch, steps, 6)
    assert x.dtype == torch.float32
    assert torch.equal(x.sum(-1), torch.ones(batch, steps))
    for row in range(batch):
        symbols = x[row].argmax(-1).tolist()
        places = [t for t, symbol in enumerate(symbols) if symbol < 2]
        assert len(places) == 2
        first, second = places
        assert steps // 10 <= first < max(steps // 5, steps // 10 + 1)
        assert steps // 2 <= second < max(6 * steps // 10, steps // 2 + 1)
        assert int(y[row]) == 2 * symbols[first] + symbols[second]


def test_temporal_order_at_given_places() -> None:
    x, _ = data.temporal_order(50, 20, generator(1), first=range(3, 4), second=range(17, 20))
    marks = x[..., :2].sum(-1)
    assert torch.equal(marks[:, 3], torch.ones(50))
    assert torch.equal(marks[:, 17:].sum(1), torch.ones(50))
    assert {int(t) for t in marks[:, 17:].argmax(1)} == {0, 1, 2}


def test_every_class_comes_up_evenly() -> None:
    for y in (data.temporal_order(4000, 10, generator(1)).y, data.recall(4000, 2, generator(1)).y):
        counts = torch.bincount(y, minlength=4)
        assert len(counts) == 4
        assert int(counts.min()) > 850


@pytest.mark.parametrize(("batch", "steps"), [(1, 1), *SIZES])
def test_recall(batch: int, steps: int) -> None:
    x, y = data.recall(batch, steps, generator(batch, steps))
    assert x.shape == (batch, steps, 5)
    assert torch.equal(x[:, 0, :4].argmax(-1), y)
    assert torch.equal(x[:, 0].sum(-1), torch.ones(batch))
    assert float(x[:, 1:, :4].abs().sum()) == 0
    if steps > 1:
        assert float(x[:, 1:, 4].abs().min()) > 0


@pytest.mark.parametrize(("batch", "steps"), [(3, 4), (3, 5), *SIZES])
def test_adding(batch: int, steps: int) -> None:
    x, y = data.adding(batch, steps, generator(batch, steps))
    assert x.shape == (batch, steps, 2)
    values, marks = x[..., 0], x[..., 1]
    assert 0 <= float(values.min()) <= float(values.max()) < 1
    assert torch.equal(marks[:, : steps // 2].sum(1), torch.ones(batch))
    assert torch.equal(marks[:, steps // 2 :].sum(1), torch.ones(batch))
    assert torch.allclose((values * marks).sum(1), y)


def test_answering_one_to_the_adding_problem_costs_a_sixth() -> None:
    _, y = data.adding(20_000, 10, generator(1))
    assert float((y - 1).pow(2).mean()) == pytest.approx(1 / 6, rel=0.03)


def counted(n: int) -> tuple[str, str, list[bool]]:
    """S aⁿ bⁿ, the symbols that follow each of its places, and where those are certain."""
    text = "S" + "a" * n + "b" * n
    return text, text[1:] + "S", [False] * (n + 1) + [True] * n


@pytest.mark.parametrize("n", [[1], [3, 1, 2], [5, 5], [20, 1]])
def test_counting_of(n: list[int]) -> None:
    x, y, lengths, certain = data.counting_of(torch.tensor(n), max(n) + 1)
    assert x.shape == (len(n), 2 * (max(n) + 1) + 1, 3)
    for row, count in enumerate(n):
        text, following, sure = counted(count)
        end = len(text)
        assert int(lengths[row]) == end
        assert [data.COUNTING_SYMBOLS[k] for k in x[row, :end].argmax(-1).tolist()] == list(text)
        assert [data.COUNTING_SYMBOLS[k] for k in y[row, :end].tolist()] == list(following)
        assert certain[row].tolist() == sure + [False] * (x.shape[1] - end)
        assert float(x[row, end:].abs().sum()) == 0
        assert y[row, end:].tolist() == [-100] * (x.shape[1] - end)


def test_counting_draws_from_one_to_the_largest() -> None:
    batch = data.counting(500, 4, generator(1))
    assert batch.x.shape == (500, 9, 3)
    assert set(batch.lengths.tolist()) == {3, 5, 7, 9}
    assert data.counting_of(torch.tensor([3, 1])).x.shape == (2, 7, 3)


TASKS: list[Callable[[torch.Generator], Any]] = [
    lambda source: data.temporal_order(8, 12, source),
    lambda source: data.recall(8, 12, source),
    lambda source: data.adding(8, 12, source),
    lambda source: data.counting(8, 12, source),
]


@pytest.mark.parametrize("task", TASKS)
def test_the_generator_alone_decides(task: Callable[[torch.Generator], Any]) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = task(generator(5))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert all(torch.equal(a, b) for a, b in zip(one, task(generator(5)), strict=True))
    assert not torch.equal(one.x, task(generator(6)).x)


SOURCE = generator(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.temporal_order(0, 10, SOURCE), "batch must be a whole number from 1 to 100000, not 0"),
        (lambda: data.temporal_order(1, 9, SOURCE), "steps must be a whole number from 10 to 10000, not 9"),
        (
            lambda: data.temporal_order(1, 10, SOURCE, first=range(5, 7), second=range(6, 8)),
            "first, second must",
        ),
        (lambda: data.temporal_order(1, 10, SOURCE, second=range(8, 11)), "within 0 … 10"),
        (lambda: data.temporal_order(1, 10, SOURCE, first=range(0, 4, 2)), "ranges in order"),
        (
            lambda: data.temporal_order(1, 10, SOURCE, first=range(2, 2)),
            "first, second must be ranges in order",
        ),
        (lambda: data.recall(1, 0, SOURCE), "steps must be a whole number from 1 to 10000, not 0"),
        (lambda: data.adding(1, 3, SOURCE), "steps must be a whole number from 4"),
        (lambda: data.adding(100_001, 4, SOURCE), "batch must be a whole number from 1 to 100000"),
        (lambda: data.counting(1, 0, SOURCE), "largest must be a whole number from 1 to 5000, not 0"),
        (lambda: data.counting(1.0, 3, SOURCE), "batch must be a whole number"),  # type: ignore[arg-type]
        (lambda: data.counting_of(torch.tensor([0, 2])), "from 1 to 2"),
        (lambda: data.counting_of(torch.tensor([4]), 3), "from 1 to 3"),
    ],
)
def test_a_size_that_is_off_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
