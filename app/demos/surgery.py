"""Surgery on trained networks: what every demo that trains one offers, written once.

`hold` is a line such as "f=1@5-20 i=0": gate, value, steps from–to (counted from 1), #unit; parts by spaces.
"""

from __future__ import annotations

import functools
import re
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, TypeVar

from pydantic import field_validator

from app.demos.frames import gates_event
from app.protocol import (
    AnyEvent,
    Bilingual,
    Cell,
    Finished,
    Metric,
    Panel,
    Params,
    Progress,
    Series,
    Started,
    Table,
    param,
)

if TYPE_CHECKING:
    from app.network import Clamp
    from app.network.surgery import Subject

KEPT = 8  # trained networks a process remembers
UNTOUCHED, HELD = Bilingual("原样", "untouched"), Bilingual("动过手术", "operated")
_PART = re.compile(r"([ifgo])=(-?\d{1,2}(?:\.\d{1,4})?)(?:@(\d{1,4})-(\d{1,4}))?(?:#(\d{1,3}))?")
_BAD = "hold：要写成 f=1@5-20 i=0 这样：门 i、f、g、o，值 −50 到 50，步从 1 数起 | hold: written like f=1@5-20 i=0: gate i, f, g or o, value −50 to 50, steps from 1"


class TrainedParams(Params):
    """Params of a demo that trains an LSTM, which can then be operated on."""

    hold: str = param(
        "", "手术：钳住门", "Surgery: hold gates", max_length=120,
        help=Bilingual("例如 f=1@5-20 i=0；留空则训练", "such as f=1@5-20 i=0; empty trains"),
    )  # fmt: skip

    @field_validator("hold")
    @classmethod
    def _readable(cls, text: str) -> str:
        parts = text.split()
        for part in parts:
            found = _PART.fullmatch(part)
            if (
                not found
                or abs(float(found[2])) > 50
                or (found[3] and not 1 <= int(found[3]) <= int(found[4]))
            ):
                raise ValueError(_BAD)
        return " ".join(parts)


P = TypeVar("P", bound=TrainedParams)
Training = Generator[AnyEvent, None, "Subject"]


def clamps_of(hold: str) -> list[Clamp]:
    """The clamps that a line of `hold` names."""
    from app.network import Clamp

    clamps = []
    for gate, value, first, last, unit in _PART.findall(hold):
        steps = range(int(first) - 1, int(last)) if first else None
        clamps.append(Clamp(gate, float(value), units=[int(unit)] if unit else None, steps=steps))
    return clamps


def surgical(train: Callable[[P], Training]) -> Callable[[P], Iterator[AnyEvent]]:
    """`train` yields a run's events and returns its trained network; the result also runs with `hold` set.

    Then the network is taken from this process's memory, or trained again without showing it.
    """
    kept: OrderedDict[str, Subject] = OrderedDict()
    slug = train.__module__.rpartition(".")[2].replace("_", "-")  # a demo's file is named after it

    def remember(key: str, subject: Subject) -> None:
        kept[key] = subject
        while len(kept) > KEPT:
            kept.popitem(last=False)

    @functools.wraps(train)
    def run(params: P) -> Iterator[AnyEvent]:
        plain = params.model_copy(update={"hold": ""})
        key = plain.model_dump_json()
        if not params.hold:
            remember(key, (yield from train(params)))
            return
        yield Started(demo=slug, params=params.model_dump())
        if key not in kept:
            remember(key, (yield from _silently(train(plain))))
        kept.move_to_end(key)
        yield from _operated(kept[key], params.hold)
        yield Finished()

    return run


def _silently(training: Training) -> Training:
    """Train and let only progress through."""
    while True:
        try:
            event = next(training)
        except StopIteration as end:
            subject: Subject = end.value
            return subject
        if isinstance(event, Progress):
            yield event


def _operated(subject: Subject, hold: str) -> Iterator[AnyEvent]:
    from app.network.ruler import memory_ruler
    from app.network.surgery import operate

    done = operate(subject, clamps_of(hold))
    names = sorted({part[0] for part in hold.split()})
    ruler = memory_ruler(subject.layer, subject.x)
    yield gates_event("surgery", done.untouched, 0, subject.tokens, lane="untouched", ruler=ruler)
    yield gates_event("surgery", done.held, 0, subject.tokens, lane="operated", clamped=names)
    rows: list[list[Cell]] = [[Bilingual("损失", "loss"), done.before.loss, done.after.loss]]
    after = dict(done.after.rows)
    rows += [[label, value, after.get(label)] for label, value in done.before.rows]
    yield Table(
        panel="surgery-answer",
        columns=[Bilingual("量", "what"), UNTOUCHED, HELD],
        rows=rows,
        caption=Bilingual(f"钳住：{hold}", f"held: {hold}"),
    )
    yield Metric(name="loss_untouched", value=done.before.loss)
    yield Metric(name="loss_operated", value=done.after.loss)


PANELS = (
    Panel("surgery", "gates", Bilingual("手术台：训练好的网络", "On the table: the trained network"),
          note=Bilingual("选“原样”或“动过手术”对照着看。", "Switch between untouched and operated."),
          series=(Series("untouched", UNTOUCHED), Series("operated", HELD))),
    Panel("surgery-answer", "table", Bilingual("输出和损失怎样回应", "How output and loss answer")),
)  # fmt: skip
