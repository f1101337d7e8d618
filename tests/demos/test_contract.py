"""What every demo of the catalogue must keep to, whatever it shows. One run of each at its quick params serves most."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from app.protocol import (
    AnyEvent,
    Gates,
    Metric,
    Progress,
    Started,
    Table,
    Tensor,
    decode,
    encode,
)
from tests.demos.playing import (
    DEMOS,
    assert_sound,
    every_demo,
    operable,
    played,
    quick,
)

pytestmark = [pytest.mark.torch]


def bytes_of(event: AnyEvent) -> bytes:
    """As it is written once it has been read, as what `played` gives has been: 118 in a table comes back as 118.0."""
    return encode(decode(encode(event)))


@every_demo
def test_a_run_is_sound(slug: str) -> None:
    events = played(slug)
    assert_sound(slug, events)
    started = events[0]
    assert isinstance(started, Started)
    assert started.demo == slug
    assert started.params == quick(slug).model_dump()


@every_demo
def test_progress_moves_on_and_ends_at_its_total(slug: str) -> None:
    steps = [event for event in played(slug) if isinstance(event, Progress)]
    assert steps
    assert all(0 <= each.done <= each.total for each in steps)
    assert all(a.done <= b.done for a, b in itertools.pairwise(steps))
    assert len({each.total for each in steps}) == 1


@every_demo
def test_a_viewer_may_leave_at_any_time(slug: str) -> None:
    """A generator closed before it began, early or half-way ends quietly."""
    whole = played(slug)
    for after in (0, 2, len(whole) // 2):
        run = DEMOS[slug].run(quick(slug))
        seen = list(itertools.islice(run, after))
        run.close()  # type: ignore[attr-defined]
        assert [bytes_of(each) for each in seen] == [encode(each) for each in whole[:after]]
        assert next(run, None) is None


@every_demo
def test_the_same_params_give_the_same_bytes_and_another_seed_does_not(slug: str) -> None:
    """The same also after the runs that were left above: they leave nothing behind."""
    once = [encode(event) for event in played(slug)]
    for event, before in zip(DEMOS[slug].run(quick(slug)), once, strict=True):
        assert bytes_of(event).decode() == before.decode()  # one by one: the first that is off is shown
    other = DEMOS[slug].run(quick(slug, seed=1))
    next(other)  # `started` holds the params and always differs
    assert any(bytes_of(event) != before for event, before in zip(other, once[1:], strict=False))
    other.close()  # type: ignore[attr-defined]


@every_demo
def test_every_claim_gets_one_metric_with_a_verdict(slug: str) -> None:
    judged = [event for event in played(slug) if isinstance(event, Metric) and event.claim]
    assert sorted(each.claim for each in judged) == sorted(claim.id for claim in DEMOS[slug].claims)
    assert all(each.verdict for each in judged)
    for each in judged:  # `solved` counts the seeds in which the claim holds
        if each.solved is not None and each.seeds is not None:
            assert each.verdict != "holds" or each.solved > 0, each
            assert each.verdict != "fails" or each.solved < each.seeds, each
    assert DEMOS[slug].claims


@every_demo
def test_a_metric_of_one_name_has_one_value(slug: str) -> None:
    """A question that asks for a metric by its name must not find two."""
    found: dict[str, set[float | None]] = {}
    for event in played(slug):
        if isinstance(event, Metric):
            found.setdefault(event.name, set()).add(event.value)
            assert (event.solved is None) == (event.seeds is None)
            if event.solved is not None and event.seeds is not None:
                assert 0 <= event.solved <= event.seeds
    assert {name: values for name, values in found.items() if len(values) > 1} == {}


@every_demo
def test_every_panel_of_the_demo_is_drawn_into(slug: str) -> None:
    drawn = {getattr(event, "panel", "") for event in played(slug)}
    assert {panel.id for panel in DEMOS[slug].panels} <= drawn


@operable
def test_a_hold_line_operates_on_the_network(slug: str) -> None:
    played(slug)
    events = tuple(DEMOS[slug].run(quick(slug, hold="f=0@2-3 o=1")))
    assert_sound(slug, events)
    gates = [event for event in events if isinstance(event, Gates)]
    assert [(each.panel, each.lane, each.clamped) for each in gates] == [
        ("surgery", "untouched", []),
        ("surgery", "operated", ["f", "o"]),
    ]
    assert gates[0].tokens == gates[1].tokens
    held = Tensor.of(_ones(gates[1].o.shape), 0.0, 1.0)
    assert gates[1].o == held
    assert gates[0].o != held
    assert any(isinstance(event, Table) and event.panel == "surgery-answer" for event in events)
    assert {event.name for event in events if isinstance(event, Metric)} == {
        "loss_untouched",
        "loss_operated",
    }


@operable
def test_a_held_run_says_which_demo_it_is(slug: str) -> None:
    started = next(DEMOS[slug].run(quick(slug, hold="f=1")))
    assert isinstance(started, Started)
    assert started.demo == slug


def _ones(shape: tuple[int, ...]) -> Any:
    import numpy as np

    return np.ones(shape)
