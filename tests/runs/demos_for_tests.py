"""Tiny demos without torch, for the engine's tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from app.protocol import (
    AnyEvent,
    Bilingual,
    Demo,
    Finished,
    Metric,
    Params,
    Scalar,
    Started,
    param,
)


class TickParams(Params):
    count: int = param(20, "次数", "Count", ge=1, le=5000)
    pause: float = param(0.01, "间隔", "Pause", ge=0, le=30)
    fail_at: int = param(0, "出错处", "Fail at", ge=0, le=5000)
    traces: str = param("", "记号", "Traces", max_length=200)


class HoldParams(TickParams):
    hold: str = param("", "手术", "Hold", max_length=20)


def ticks(params: TickParams) -> Iterator[AnyEvent]:
    mark = Path(params.traces) if params.traces else None
    if mark:
        with (mark / "started").open("a") as file:
            file.write("x")
    try:
        yield Started(demo="ticks", params=params.model_dump())
        for n in range(params.count):
            if params.fail_at and n == params.fail_at:
                raise RuntimeError("deliberate")
            time.sleep(params.pause)
            yield Scalar(panel="p", series="s", x=n, y=n * 0.5 + params.seed)
        yield Metric(name="total", value=float(params.count))
        yield Finished()
    finally:
        if mark:
            (mark / "closed").write_text("yes")


def _demo(slug: str, seconds: float, params: type[TickParams] = TickParams) -> Demo:
    words = Bilingual("测试", "Test")
    return Demo(
        slug=slug, title=words, summary=words, params=params, run=ticks, panels=(), claims=(), questions=(),
        proves=words, not_proves=words, seconds=seconds,
    )  # fmt: skip


DEMOS = [_demo("ticks", 60.0), _demo("short-ticks", 1.0), _demo("ticks-held", 60.0, HoldParams)]
