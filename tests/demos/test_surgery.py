"""Surgery, written once for every demo: the hold line's syntax, the memory of trained networks, the two lanes."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor as TorchTensor

from app.demos import gradient_flow
from app.demos.frames import gates_event
from app.demos.surgery import KEPT, TrainedParams, Training, clamps_of, surgical
from app.network import Clamp, TracedLSTM
from app.network.surgery import Answer, Subject
from app.network.train import generator
from app.protocol import AnyEvent, Bilingual, Finished, Gates, Metric, Progress, Started, Table

pytestmark = [pytest.mark.torch]


@pytest.mark.parametrize(
    ("hold", "clamps"),
    [
        ("", []),
        ("f=1", [Clamp("f", 1.0)]),
        ("f=1@5-20 i=0", [Clamp("f", 1.0, steps=range(4, 20)), Clamp("i", 0.0)]),
        ("g=-0.5@1-1#0", [Clamp("g", -0.5, units=[0], steps=range(1))]),
        ("o=0.25#12", [Clamp("o", 0.25, units=[12])]),
        ("i=50 i=-50", [Clamp("i", 50.0), Clamp("i", -50.0)]),
        ("f=1@7-9999", [Clamp("f", 1.0, steps=range(6, 9999))]),
    ],
)
def test_a_hold_line_is_read_with_steps_counted_from_one(hold: str, clamps: list[Clamp]) -> None:
    assert clamps_of(TrainedParams(hold=hold).hold) == clamps


@pytest.mark.parametrize("hold", ["  f=1   i=0 ", "f=1\ti=0", "f=1\ni=0"])
def test_white_space_makes_no_other_run(hold: str) -> None:
    assert TrainedParams(hold=hold).hold == "f=1 i=0"


@pytest.mark.parametrize(
    "hold",
    [
        "f", "f=", "=1", "q=1", "c=1", "F=1", "f=x", "f=nan", "f=1e3", "f=50.5", "f=-51", "f=100", "f=1@5", "f=1@0-3",
        "f=1@5-4", "f=1@-3", "f=1#", "f=1#x", "f=1#1000", "f=1#-1", "f=1,i=0", "f=1;i=0", "f = 1", "f=1#2@1-3",
    ],
)  # fmt: skip
def test_another_line_is_refused_in_both_languages(hold: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TrainedParams(hold=hold)
    (fault,) = caught.value.errors()
    assert fault["loc"] == ("hold",)
    zh, bar, en = fault["msg"].partition(" | ")
    assert bar
    assert re.search("[\u3400-\u9fff]", zh)
    for half in (zh, en):
        assert "hold" in half
        assert "50" in half


def test_a_line_too_long_is_refused() -> None:
    TrainedParams(hold=" ".join(["f=1"] * 30))
    with pytest.raises(ValidationError, match="120"):
        TrainedParams(hold=" ".join(["f=1"] * 31))


# ── a demo that trains next to nothing, and counts how often ────────────────


class Trainer:
    """`train` of a small network; its own generator's events and the subjects it made."""

    def __init__(self) -> None:
        self.subjects: list[Subject] = []

    def train(self, params: TrainedParams) -> Training:
        yield Started(demo="tiny", params=params.model_dump())
        layer = TracedLSTM(2, 3, generator=generator(params.seed))
        for step in range(1, 4):
            with torch.no_grad():
                layer.lstm.weight_hh_l0.add_(0.1)
            yield Progress(done=step, total=3)
            yield Metric(name="shown", value=float(step))
        x = torch.randn(1, 6, 2, generator=generator(params.seed, 1))

        def answer(output: TorchTensor, state: tuple[TorchTensor, TorchTensor]) -> Answer:
            return Answer(float(output[0, -1].sum()), [("c", float(state[1].sum()))])

        self.subjects.append(Subject(layer, x, list("abcdef"), answer))
        yield Finished()
        return self.subjects[-1]


@pytest.fixture
def trainer() -> Trainer:
    return Trainer()


def kinds(events: list[AnyEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def gates(events: list[AnyEvent]) -> dict[str, Gates]:
    return {event.lane: event for event in events if isinstance(event, Gates)}


SEEN = ["Started", "Gates", "Gates", "Table", "Metric", "Metric", "Finished"]


def test_without_a_hold_line_the_training_is_shown_as_it_is(trainer: Trainer) -> None:
    events = list(surgical(trainer.train)(TrainedParams()))
    assert kinds(events) == ["Started", *["Progress", "Metric"] * 3, "Finished"]


def test_a_held_run_trains_silently_the_first_time_and_remembers(trainer: Trainer) -> None:
    run = surgical(trainer.train)
    first = list(run(TrainedParams(hold="f=0")))
    assert kinds(first) == ["Started", *["Progress"] * 3, *SEEN[1:]]
    second = list(run(TrainedParams(hold="f=0")))
    assert kinds(second) == SEEN
    assert second[1:] == first[4:]
    other_line = list(run(TrainedParams(hold="i=1@2-3")))
    assert kinds(other_line) == SEEN
    assert len(trainer.subjects) == 1


def test_a_run_that_was_shown_is_remembered_too(trainer: Trainer) -> None:
    run = surgical(trainer.train)
    list(run(TrainedParams()))
    assert kinds(list(run(TrainedParams(hold="f=0")))) == SEEN
    assert len(trainer.subjects) == 1


def test_other_params_are_another_network(trainer: Trainer) -> None:
    run = surgical(trainer.train)
    list(run(TrainedParams()))
    assert "Progress" in kinds(list(run(TrainedParams(seed=1, hold="f=0"))))
    assert len(trainer.subjects) == 2


def test_two_demos_do_not_share_their_networks(trainer: Trainer) -> None:
    list(surgical(trainer.train)(TrainedParams()))
    list(surgical(trainer.train)(TrainedParams(hold="f=1")))
    assert len(trainer.subjects) == 2


def test_a_process_remembers_so_many_and_drops_the_one_not_used_for_longest(trainer: Trainer) -> None:
    run = surgical(trainer.train)
    for seed in range(KEPT):
        list(run(TrainedParams(seed=seed)))
    list(run(TrainedParams(seed=0, hold="f=1")))  # used again: seed 1 is the oldest now
    list(run(TrainedParams(seed=KEPT)))
    trained = len(trainer.subjects)
    for seed in (0, *range(2, KEPT + 1)):
        list(run(TrainedParams(seed=seed, hold="f=1")))
    assert len(trainer.subjects) == trained
    list(run(TrainedParams(seed=1, hold="f=1")))
    assert len(trainer.subjects) == trained + 1


def test_a_training_left_half_way_is_not_remembered(trainer: Trainer) -> None:
    run = surgical(trainer.train)
    for hold in ("", "f=1"):
        left = run(TrainedParams(hold=hold))
        assert kinds([next(left), next(left)])[1] == "Progress"
        left.close()  # type: ignore[attr-defined]
    assert trainer.subjects == []
    assert "Progress" in kinds(list(run(TrainedParams(hold="f=1"))))


def test_the_untouched_lane_is_the_trained_network(trainer: Trainer) -> None:
    from app.network.ruler import memory_ruler

    events = list(surgical(trainer.train)(TrainedParams(hold="f=0@2-3#1 o=1")))
    (subject,) = trainer.subjects
    with torch.no_grad():
        output, state, trace = subject.layer(subject.x)
        held_output, held_state, held = subject.layer(subject.x, clamp=clamps_of("f=0@2-3#1 o=1"))
    lanes, ruler = gates(events), memory_ruler(subject.layer, subject.x)
    assert lanes["untouched"] == gates_event(
        "surgery", trace, 0, list("abcdef"), lane="untouched", ruler=ruler
    )
    assert lanes["operated"] == gates_event(
        "surgery", held, 0, list("abcdef"), lane="operated", clamped=["f", "o"]
    )
    before, after = subject.answer(output, state), subject.answer(held_output, held_state)
    (table,) = [event for event in events if isinstance(event, Table)]
    assert table.rows == [
        [Bilingual("损失", "loss"), before.loss, after.loss],
        ["c", before.rows[0][1], after.rows[0][1]],
    ]
    metric = {event.name: event.value for event in events if isinstance(event, Metric)}
    assert metric == {"loss_untouched": before.loss, "loss_operated": after.loss}
    assert before.loss != after.loss
    assert table.caption is not None
    assert "f=0@2-3#1 o=1" in table.caption.zh
    assert "f=0@2-3#1 o=1" in table.caption.en


def test_a_unit_that_is_not_there_is_named(trainer: Trainer) -> None:
    with pytest.raises(ValueError, match=r"clamp.units must be from 0 to 2, not \[3\]"):
        list(surgical(trainer.train)(TrainedParams(hold="f=1#3")))


def test_the_untouched_lane_of_a_real_demo_is_what_its_run_showed() -> None:
    """To one step of the scale of 255: the run measured in a batch of 16, the table has one sequence."""
    params: Any = {"T": 12, "seeds": 1, "hidden": 6, "seed": 4}
    shown = gates(list(gradient_flow.demo.run(gradient_flow.GradientFlowParams(**params))))[""]
    held = gates(list(gradient_flow.demo.run(gradient_flow.GradientFlowParams(**params, hold="i=0"))))
    for name in "ifgoch":
        a, b = (base64.b64decode(getattr(each, name).data) for each in (shown, held["untouched"]))
        assert len(a) == len(b) == 12 * 6
        assert max(abs(one - other) for one, other in zip(a, b, strict=True)) <= 1
    assert set(base64.b64decode(held["operated"].i.data)) == {0}
