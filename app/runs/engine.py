"""Submit, watch, cancel: the seam between the web and whatever executes runs."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.protocol import AnyEvent, Bilingual, Failed, Params, run_id
from app.runs import nursery
from app.runs.frames import event_of, kind
from app.runs.lookup import code_version, demos
from app.runs.run import LAST, Run, key_of, topic_of

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

log = logging.getLogger("mendao.runs")
KEPT_BYTES = 64 * 1024 * 1024
UNWATCHED_SECONDS = 15.0
ATTEMPTS = 3
CLOSE_SECONDS = 8.0  # then what will not close is left to the end of the process
CANCELLED = Bilingual("运行已取消。", "The run was cancelled.")
CLOSING = Bilingual("服务器正在关闭。", "The server is closing.")
LOST = Bilingual(
    "执行这次运行的进程多次意外退出：{why}", "The processes that ran this died repeatedly: {why}"
)


class QueueFull(RuntimeError):
    """More runs wait than may wait."""


class UnknownRun(KeyError):
    """No run of that id is known here."""


class UnknownDemo(KeyError):
    """No demo of that slug."""


@dataclass(frozen=True)
class Submitted:
    """`shared`: an execution that was there already; `position`: 0 where it runs or starts at once."""

    run_id: str
    shared: bool
    position: int


class Engine:
    """Runs on Dask. All methods belong to the event loop that called `start`."""

    def __init__(
        self, *, scheduler: str | None, workers: int, max_queued: int = 64, grace_seconds: float = 2.0
    ) -> None:
        self._scheduler, self._workers = scheduler, workers
        self._max_queued, self._grace = max_queued, grace_seconds
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._cluster: LocalCluster | None = None
        self._client: Client | None = None
        self._dask: Any = None  # app.runs.cluster, once it is imported
        self._starting: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self.error: str | None = None

    # ── life ──

    async def start(self) -> None:
        """Begin to warm the workers; returns at once."""
        self._starting = asyncio.create_task(self._start())

    async def _start(self) -> None:
        try:
            if self._scheduler is None:
                nursery.load()
            # Half a second of imports, in a thread: pages are served meanwhile.
            self._dask = dask = await asyncio.to_thread(importlib.import_module, "app.runs.cluster")
            self._cluster, self._client = await dask.reach(self._scheduler, self._workers)
            self._client.subscribe_topic(dask.TOPIC, self._on_queue)
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            log.exception("the engine of runs did not start")
            for run in list(self._runs.values()):
                run.finish_with(Failed(code="engine", message=Bilingual(self.error, self.error)))
            return
        self._up.set()
        log.info("the lab is warm: %d workers", self._workers if self._scheduler is None else 0)
        for run in self._runs.values():
            run.tell("engine", {"state": "ready"})

    def farewell(self) -> None:
        """Tell every viewer that the server closes; their streams end with that."""
        for run in list(self._runs.values()):
            run.finish_with(Failed(code="closing", message=CLOSING))
            self._forget(run)

    async def close(self) -> None:
        """End everything, open streams included: well under a second on a machine with nothing else to do."""
        self.farewell()
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._starting
        parts: list[Any] = [self._client, self._cluster]
        for part in parts:
            if part is not None:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(part.close(), CLOSE_SECONDS)

    @property
    def ready(self) -> bool:
        """Whether workers are up and warm."""
        return self._up.is_set()

    # ── runs ──

    def name(self, demo: str, params: Params) -> str:
        """The id that a run of `demo` with `params` has."""
        return run_id(demo, params, code_version())

    def running(self) -> list[str]:
        """Ids of the runs that have not ended."""
        return [run.id for run in self._runs.values() if not run.done]

    def knows(self, run_id: str) -> bool:
        return run_id in self._runs

    async def submit(self, demo: str, params: Params) -> Submitted:
        """Start a run, or join the one of the same id. Raises UnknownDemo, QueueFull."""
        if demo not in demos():
            raise UnknownDemo(demo)
        name = self.name(demo, params)
        run = self._runs.get(name)
        if run is not None:
            self._runs.move_to_end(name)
            return Submitted(name, True, run.position)
        if len(self.running()) >= self._max_queued + self._workers:
            raise QueueFull
        run = Run(name, demo, self._on_left, self._on_gap)
        self._runs[name] = run
        self._wait(run, UNWATCHED_SECONDS)
        launch = self._launch(run, params.model_dump(mode="json"), self._trained_at(demo, params))
        if self.ready:
            await launch
        else:
            self._spawn(run, launch)
        return Submitted(name, False, run.position)

    def _trained_at(self, demo: str, params: Params) -> str:
        """The worker that still has in mind the network that this run operates on, or ""."""
        if not getattr(params, "hold", ""):
            return ""
        trained = self._runs.get(self.name(demo, params.model_copy(update={"hold": ""})))
        return trained.worker if trained is not None else ""

    async def _launch(self, run: Run, params: dict[str, Any], worker: str) -> None:
        await self._up.wait()
        client = self._client
        assert client is not None
        if run.done or run.id not in self._runs:
            return
        # A task bound to a worker does not queue: bind only to one that has nothing else to do.
        idle = worker and not (await client.processing()).get(worker, True)
        where = {"workers": [worker], "allow_other_workers": True} if idle else {}
        self._spawn(run, self._guard(run, client, params, where))
        await asyncio.sleep(0)  # let it submit

    async def _guard(self, run: Run, client: Client, params: dict[str, Any], where: dict[str, Any]) -> None:
        """Execute the run, and see to it that it ends even where its worker could not say so.

        A key submitted again while its last execution is being released may get that one's early
        end (distributed #7356): then it is submitted once more.
        """
        why = "incomplete"
        for _ in range(ATTEMPTS):
            # Subscribe and submit in one tick: the client sends both in one batch.
            client.subscribe_topic(topic_of(run.id), lambda event: self._on_event(run, event))
            run.future = client.submit(
                self._dask.execute,
                run.id,
                run.demo,
                params,
                key=key_of(run.id),
                pure=False,
                _data_producer=True,
                **where,
            )
            try:
                await run.future
            except asyncio.CancelledError:
                return
            except Exception as error:
                why = type(error).__name__
                break
            await self._reread(run)
            if run.done or self._runs.get(run.id) is not run:
                return
            run.future.release()
            await asyncio.sleep(0.1)
        run.finish_with(
            Failed(code="worker", message=Bilingual(LOST.zh.format(why=why), LOST.en.format(why=why)))
        )
        self._settle(run)

    def watch(self, run_id: str, after: int = 0) -> AsyncIterator[bytes]:
        """Ready SSE frames after number `after`. Raises UnknownRun at once."""
        run = self._runs.get(run_id)
        if run is None:
            raise UnknownRun(run_id)
        return self._with_state(run, after)

    async def _with_state(self, run: Run, after: int) -> AsyncIterator[bytes]:
        if not self.ready and not run.done:
            yield b'event: engine\ndata: {"state":"warming"}\n\n'
        async with contextlib.aclosing(run.stream(after)) as frames:  # type: ignore[type-var]
            async for data in frames:
                yield data

    async def cancel(self, run_id: str) -> bool:
        """Stop a run for everybody; False where no such run goes on."""
        run = self._runs.get(run_id)
        if run is None or run.done:
            return False
        run.finish_with(Failed(code="cancelled", message=CANCELLED))
        self._forget(run)
        return True

    async def outcome(self, run_id: str, seconds: float) -> list[AnyEvent]:
        """All metric events and the last event. Raises UnknownRun, and TimeoutError where it takes longer."""
        async with asyncio.timeout(seconds):
            async with contextlib.aclosing(self.watch(run_id)) as frames:  # type: ignore[type-var]
                async for _ in frames:
                    pass
        run = self._runs.get(run_id)
        kept = run.frames if run is not None else []
        return [event_of(data) for data in kept if kind(data) in ("metric", *LAST)]

    def events(self, run_id: str) -> list[AnyEvent]:
        """Everything a run has said so far. Raises UnknownRun."""
        run = self._runs.get(run_id)
        if run is None:
            raise UnknownRun(run_id)
        return [event_of(data) for data in run.frames]

    # ── what the scheduler says ──

    def _on_event(self, run: Run, event: tuple[float, Any]) -> None:
        number, data, run.worker = event[1]
        run.accept(number, data)
        if run.done:
            self._settle(run)

    def _on_queue(self, event: tuple[float, Any]) -> None:
        places = {name: place for place, name in enumerate(event[1], 1)}
        for run in self._runs.values():
            if not run.done:
                run.place(places.get(run.id, 0))

    def _on_gap(self, run: Run) -> None:
        self._spawn(run, self._reread(run))

    async def _reread(self, run: Run) -> None:
        """Take from the log whatever the subscription missed: the log is the truth."""
        if self._client is None:
            return
        for _, (number, data, worker) in await self._client.get_events(topic_of(run.id)):
            if number == len(run.frames) + 1:
                run.worker = worker
                run.accept(number, data)
        if run.done:
            self._settle(run)

    # ── letting go ──

    def _on_left(self, run: Run) -> None:
        self._wait(run, self._grace)

    def _wait(self, run: Run, seconds: float) -> None:
        """Give the run up unless somebody comes within `seconds`."""
        run.timer = asyncio.get_running_loop().call_later(seconds, self._abandon, run)

    def _abandon(self, run: Run) -> None:
        if not run.viewers and not run.done:
            log.info("run %s of %s left by its last viewer", run.id, run.demo)
            run.finish_with(Failed(code="cancelled", message=CANCELLED))
            self._forget(run)

    def _settle(self, run: Run) -> None:
        """A run that ended: hold nothing of it in Dask, keep its frames for late comers within KEPT_BYTES."""
        self._release(run)
        done = [each for each in self._runs.values() if each.done]
        kept = sum(each.size for each in done)
        for old in done:
            if kept <= KEPT_BYTES:
                break
            if not old.viewers:
                kept -= old.size
                del self._runs[old.id]

    def _forget(self, run: Run) -> None:
        self._release(run)
        if self._runs.get(run.id) is run:
            del self._runs[run.id]

    def _release(self, run: Run) -> None:
        if run.timer is not None:
            run.timer.cancel()
        client, future = self._client, run.future
        run.future = None
        if client is None or future is None:
            return
        topic = topic_of(run.id)
        with contextlib.suppress(Exception):  # a client that is closing has nothing left to release
            client.unsubscribe_topic(topic)
            future.release()
        client._event_handlers.pop(topic, None)

    def _spawn(self, run: Run, work: Any) -> None:
        task = asyncio.create_task(work)
        run.tasks.add(task)
        task.add_done_callback(run.tasks.discard)
