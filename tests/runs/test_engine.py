"""Runs on a real local cluster: every event once, to everybody, whatever happens to workers and viewers."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import signal
from collections.abc import AsyncIterator
from multiprocessing import forkserver
from pathlib import Path

import pytest
from distributed.utils import get_mp_context

from app.protocol import Failed, Metric
from app.runs import Engine, QueueFull, UnknownDemo, UnknownRun, nursery
from app.runs.run import topic_of
from tests.runs.demos_for_tests import HoldParams, TickParams

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="session")]
ID = re.compile(rb"^id: (\d+)$", re.M)
QUEUE = re.compile(rb'event: queue\ndata: \{"position":(\d+)\}')


async def collect(frames: AsyncIterator[bytes], seconds: float = 30) -> bytes:
    data = b""
    async with asyncio.timeout(seconds):
        async for piece in frames:
            data += piece
    return data


def numbers(data: bytes) -> list[int]:
    return [int(n) for n in ID.findall(data)]


def last(data: bytes) -> bytes:
    return data.rsplit(b"event: ", 1)[1].split(b"\n")[0]


async def test_a_run_gives_every_event_in_order(engine: Engine) -> None:
    run = await engine.submit("ticks", TickParams(seed=1))
    data = await collect(engine.watch(run.run_id))
    assert numbers(data) == list(range(1, 24))
    assert last(data) == b"finished"
    assert b'"t":' in data


async def test_late_comers_and_reconnects_get_what_they_missed(engine: Engine) -> None:
    run = await engine.submit("ticks", TickParams(seed=2, count=30))
    watching = asyncio.create_task(collect(engine.watch(run.run_id)))
    await asyncio.sleep(0.15)
    again = await engine.submit("ticks", TickParams(seed=2, count=30))
    assert again.shared
    assert again.run_id == run.run_id
    late = await collect(engine.watch(run.run_id))
    resumed = await collect(engine.watch(run.run_id, after=10))
    first = await watching
    assert numbers(first) == numbers(late) == list(range(1, 34))
    assert numbers(resumed) == list(range(11, 34))


async def test_fifty_viewers_share_one_execution(engine: Engine, tmp_path: Path) -> None:
    params = TickParams(seed=3, count=60, traces=str(tmp_path))
    run = await engine.submit("ticks", params)
    seen = await asyncio.gather(*(collect(engine.watch(run.run_id)) for _ in range(50)))
    assert all(numbers(data) == list(range(1, 64)) for data in seen)
    assert (tmp_path / "started").read_text() == "x"


async def test_the_last_viewer_leaving_cancels(engine: Engine, tmp_path: Path) -> None:
    run = await engine.submit("ticks", TickParams(seed=4, count=3000, traces=str(tmp_path)))
    frames = engine.watch(run.run_id)
    async for _ in frames:
        break
    await frames.aclose()  # type: ignore[attr-defined]
    for _ in range(80):
        await asyncio.sleep(0.05)
        if (tmp_path / "closed").exists():
            break
    assert (tmp_path / "closed").exists()
    assert not engine.knows(run.run_id)


async def test_coming_back_within_the_grace_keeps_the_run(engine: Engine, tmp_path: Path) -> None:
    run = await engine.submit("ticks", TickParams(seed=5, count=120, traces=str(tmp_path)))
    frames = engine.watch(run.run_id)
    async for _ in frames:
        break
    await frames.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0.2)
    data = await collect(engine.watch(run.run_id))
    assert numbers(data) == list(range(1, 124))
    assert (tmp_path / "started").read_text() == "x"


async def test_cancel_says_so_and_the_run_can_be_started_again(engine: Engine) -> None:
    params = TickParams(seed=6, count=200)
    run = await engine.submit("ticks", params)
    watching = asyncio.create_task(collect(engine.watch(run.run_id)))
    await asyncio.sleep(0.3)
    assert await engine.cancel(run.run_id)
    assert b'"cancelled"' in await watching
    again = await engine.submit("ticks", params)
    assert not again.shared
    data = await collect(engine.watch(again.run_id))
    assert numbers(data) == list(range(1, 204))
    assert last(data) == b"finished"
    assert not await engine.cancel("0" * 24)


async def test_leaving_and_returning_at_any_moment_loses_nothing(engine: Engine) -> None:
    for trial in range(12):
        params = TickParams(seed=100 + trial, count=25)
        run = await engine.submit("ticks", params)
        watching = asyncio.create_task(collect(engine.watch(run.run_id)))
        await asyncio.sleep(0.03 * trial)
        await engine.cancel(run.run_id)
        await watching
        again = await engine.submit("ticks", params)
        data = await collect(engine.watch(again.run_id))
        assert numbers(data) == list(range(1, 29)), trial


async def test_positions_fall_and_a_short_run_is_not_stuck_behind_a_long_one(engine: Engine) -> None:
    long = await engine.submit("ticks", TickParams(seed=20, count=500))
    shorts = [await engine.submit("ticks", TickParams(seed=21 + n, count=40)) for n in range(4)]
    watching = asyncio.create_task(collect(engine.watch(long.run_id)))
    done: list[str] = []

    async def follow(run_id: str) -> bytes:
        data = await collect(engine.watch(run_id))
        done.append(run_id)
        return data

    seen = await asyncio.gather(*(follow(run.run_id) for run in shorts))
    assert not watching.done()
    await engine.cancel(long.run_id)
    await watching
    positions = [int(n) for n in QUEUE.findall(seen[-1])]
    assert max(positions) >= 2
    assert positions[positions.index(max(positions)) :] == sorted(
        positions[positions.index(max(positions)) :], reverse=True
    )
    assert positions[-1] == 0


async def test_a_demo_that_raises_ends_in_failed(engine: Engine) -> None:
    run = await engine.submit("ticks", TickParams(seed=30, fail_at=5))
    data = await collect(engine.watch(run.run_id))
    assert last(data) == b"failed"
    assert b'"code":"error"' in data
    assert b"RuntimeError: deliberate" in data
    assert "实验代码出错".encode() in data


@pytest.mark.parametrize("pause", [0.05, 20.0])
async def test_a_run_past_its_limit_ends_in_timeout(engine: Engine, pause: float) -> None:
    run = await engine.submit("short-ticks", TickParams(seed=31, count=1000, pause=pause))
    data = await collect(engine.watch(run.run_id))
    assert b'"code":"timeout"' in data


async def test_more_events_than_a_run_may_say(engine: Engine) -> None:
    run = await engine.submit("ticks", TickParams(seed=32, count=5000, pause=0))
    data = await collect(engine.watch(run.run_id))
    assert b'"code":"budget"' in data
    assert numbers(data) == list(range(1, 3902))


async def test_killing_the_worker_costs_no_event(engine: Engine, tmp_path: Path) -> None:
    params = TickParams(seed=40, count=150, traces=str(tmp_path))
    run = await engine.submit("ticks", params)
    watching = asyncio.create_task(collect(engine.watch(run.run_id), 60))
    await asyncio.sleep(0.5)
    assert engine._client is not None
    busy = await engine._client.processing()
    address = next(worker for worker, keys in busy.items() if keys)
    pids = await engine._client.run(os.getpid)
    os.kill(pids[address], signal.SIGKILL)
    data = await watching
    assert numbers(data) == list(range(1, 154))
    assert last(data) == b"finished"
    assert b'"state":"restarting"' in data
    assert b"event: restart\n" not in data
    assert (tmp_path / "started").read_text() == "xx"


async def test_outcome_gives_the_metrics(engine: Engine) -> None:
    run = await engine.submit("ticks", TickParams(seed=50, count=7))
    events = await engine.outcome(run.run_id, 10)
    assert [e.value for e in events if isinstance(e, Metric)] == [7.0]
    assert not any(isinstance(e, Failed) for e in events)
    assert await engine.outcome(run.run_id, 1) == events  # kept: no second execution


async def test_a_reader_that_stops_reading_holds_nobody_up(engine: Engine) -> None:
    run = await engine.submit("ticks", TickParams(seed=51, count=100))
    stalled = engine.watch(run.run_id)
    async for _ in stalled:
        break
    data = await collect(engine.watch(run.run_id))
    assert numbers(data) == list(range(1, 104))
    rest = await collect(stalled)
    assert numbers(rest)[-1] == 103


async def test_what_is_not_there_is_refused(engine: Engine) -> None:
    with pytest.raises(UnknownRun):
        engine.watch("0" * 24)
    with pytest.raises(UnknownDemo):
        await engine.submit("nothing", TickParams())


async def test_a_full_queue_is_refused(engine: Engine) -> None:
    held, engine._max_queued = engine._max_queued, 0
    try:
        runs = [await engine.submit("ticks", TickParams(seed=60 + n, count=100)) for n in range(2)]
        with pytest.raises(QueueFull):
            await engine.submit("ticks", TickParams(seed=69))
    finally:
        engine._max_queued = held
    for run in runs:
        assert await engine.cancel(run.run_id)


async def test_many_runs_leave_nothing_behind(engine: Engine) -> None:
    client = engine._client
    assert client is not None
    for n in range(40):
        run = await engine.submit("ticks", TickParams(seed=200 + n, count=3, pause=0))
        await collect(engine.watch(run.run_id))
    assert not any(run.future for run in engine._runs.values())
    assert not [
        topic for topic in client._event_handlers if topic.startswith("mendao:") and topic != "mendao:queue"
    ]


async def test_the_private_names_of_dask_that_we_use_are_there(engine: Engine) -> None:
    client, cluster = engine._client, engine._cluster
    assert client is not None
    assert cluster is not None
    assert isinstance(client._event_handlers, dict)
    assert hasattr(cluster.scheduler._broker._topics, "pop")
    assert callable(cluster.scheduler.queued.sorted)
    run = await engine.submit("ticks", TickParams(seed=70, count=1))
    await collect(engine.watch(run.run_id))
    assert topic_of(run.run_id) in cluster.scheduler._broker._topics


@pytest.mark.skipif(nursery.METHOD != "forkserver", reason="only Linux forks workers")
async def test_workers_are_forked_from_one_process_that_loads_what_we_say(engine: Engine) -> None:
    assert engine._client is not None
    parents = set((await engine._client.run(os.getppid)).values())
    assert len(parents) == 1
    assert os.getpid() not in parents
    # Dask's private name for 'somebody has said what that process loads'; without it it would say so itself.
    assert "_forkserver_preload_set" in inspect.getsource(get_mp_context)
    assert "app.runs.task" in forkserver._forkserver._preload_modules  # type: ignore[attr-defined]


async def test_surgery_goes_to_the_worker_that_trained(engine: Engine) -> None:
    """Its process still has the network in mind, so nothing is trained again."""
    for seed in range(300, 306):
        trained = await engine.submit("ticks-held", HoldParams(seed=seed, count=2, pause=0))
        await collect(engine.watch(trained.run_id))
        operated = await engine.submit("ticks-held", HoldParams(seed=seed, count=2, pause=0, hold="f=1"))
        await collect(engine.watch(operated.run_id))
        runs = engine._runs
        assert runs[trained.run_id].worker
        assert runs[operated.run_id].worker == runs[trained.run_id].worker


async def test_two_replicas_share_one_execution(engine: Engine, tmp_path: Path) -> None:
    assert engine._cluster is not None
    other = Engine(scheduler=engine._cluster.scheduler_address, workers=2, grace_seconds=0.5)
    await other.start()
    async with asyncio.timeout(30):
        while not other.ready:
            assert other.error is None, other.error
            await asyncio.sleep(0.02)
    try:
        params = TickParams(seed=310, count=80, traces=str(tmp_path))
        here = await engine.submit("ticks", params)
        first = asyncio.create_task(collect(engine.watch(here.run_id)))
        await asyncio.sleep(0.3)
        there = await other.submit("ticks", params)
        assert there.run_id == here.run_id
        second = await collect(other.watch(there.run_id))
        assert numbers(await first) == numbers(second) == list(range(1, 84))
        assert (tmp_path / "started").read_text() == "x"
    finally:
        await other.close()
