"""The engine of runs: click to first event, a paced stream to many viewers, the price of a viewer."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Iterator

from app.protocol import AnyEvent, Bilingual, Demo, Finished, Gates, Params, Started, Tensor, param
from tests.bench.table import Row, percentile

ID = re.compile(rb"^id: (\d+)$", re.M)
HERE = "tests.bench.runs:DEMOS"
RATE = 60


class PacedParams(Params):
    count: int = param(60, "次数", "Count", ge=1, le=3000)
    pause: float = param(0.0, "间隔", "Pause", ge=0, le=1)


def paced(params: PacedParams) -> Iterator[AnyEvent]:
    """Gate frames of about 8 kB at a steady pace; each tells when it was said."""
    import numpy as np

    yield Started(demo="paced", params=params.model_dump())
    frame = Tensor.of(np.random.default_rng(params.seed).random((32, 32)), 0.0, 1.0)
    began = time.perf_counter()
    for n in range(params.count):
        due = began + n * params.pause
        time.sleep(max(0.0, due - time.perf_counter()))
        said = f"{time.time():.6f}"
        yield Gates(panel="g", step=n, tokens=[said], i=frame, f=frame, g=frame, o=frame, c=frame, h=frame)
    yield Finished()


_WORDS = Bilingual("测", "bench")
DEMOS = [
    Demo(
        slug="paced", title=_WORDS, summary=_WORDS, params=PacedParams, run=paced, panels=(), claims=(),
        questions=(), proves=_WORDS, not_proves=_WORDS,
    )
]  # fmt: skip


def rows(quick: bool) -> Iterator[Row]:
    os.environ["MENDAO_EXTRA_DEMOS"] = HERE
    yield from asyncio.run(_measure(10 if quick else 40, 1 if quick else 5))


async def _measure(clicks: int, seconds: int) -> list[Row]:
    from app.runs import Engine

    engine = Engine(scheduler=None, workers=2, grace_seconds=0.5)
    began = time.perf_counter()
    await engine.start()
    while not engine.ready:
        assert engine.error is None, engine.error
        await asyncio.sleep(0.02)
    found = [Row("engine warm", time.perf_counter() - began, "s")]
    firsts = []
    for n in range(clicks):
        clicked = time.perf_counter()
        run = await engine.submit("paced", PacedParams(seed=n, count=3))
        async for data in engine.watch(run.run_id):
            if b"id: 1\n" in data:
                firsts.append((time.perf_counter() - clicked) * 1000)
                break
        await engine.cancel(run.run_id)
    found.append(Row("click to first event, p50", percentile(firsts, 0.5), "ms"))
    found.append(Row("click to first event, p95", percentile(firsts, 0.95), "ms", 50))
    gaps, delays = await _stream(engine, viewers=20, seconds=seconds)
    found.append(Row(f"{RATE} events/s to 20 viewers: numbers missing or doubled", gaps, "", 0))
    found.append(Row(f"{RATE} events/s to 20 viewers: latency p95", percentile(delays, 0.95), "ms"))
    one = await _worker_cpu(engine, viewers=1, seed=1)
    hundred = await _worker_cpu(engine, viewers=100, seed=2)
    found.append(Row("worker CPU, 100 viewers / 1 viewer of a run", hundred / one, "×", 1.2))
    await engine.close()
    return found


async def _stream(engine: object, *, viewers: int, seconds: int) -> tuple[int, list[float]]:
    from app.runs import Engine

    assert isinstance(engine, Engine)
    count = RATE * seconds
    run = await engine.submit("paced", PacedParams(seed=9000, count=count, pause=1 / RATE))
    delays: list[float] = []

    async def view() -> int:
        seen: list[int] = []
        async for data in engine.watch(run.run_id):
            now = time.time()
            seen += [int(n) for n in ID.findall(data)]
            delays.extend(
                (now - float(said)) * 1000 for said in re.findall(rb'"tokens":\["([\d.]+)"\]', data)
            )
        return sum(a != b for a, b in zip(seen, range(1, count + 3), strict=False)) + abs(
            len(seen) - count - 2
        )

    return sum(await asyncio.gather(*(view() for _ in range(viewers)))), delays


async def _worker_cpu(engine: object, *, viewers: int, seed: int) -> float:
    from app.runs import Engine

    assert isinstance(engine, Engine)
    client = engine._client
    assert client is not None

    async def used() -> float:
        return sum((await client.run(time.process_time)).values())

    before = await used()
    run = await engine.submit("paced", PacedParams(seed=8000 + seed, count=600, pause=0.004))

    async def view() -> None:
        async for _ in engine.watch(run.run_id):
            pass

    await asyncio.gather(*(view() for _ in range(viewers)))
    return await used() - before
