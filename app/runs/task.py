"""What a worker does for one run: iterate the demo, say each event, stop when told or out of budget."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from distributed import Worker, get_worker

from app.protocol import AnyEvent, Bilingual, Failed
from app.runs.clock import own_seconds
from app.runs.frames import frame
from app.runs.lookup import demos
from app.runs.run import topic_of

log = logging.getLogger("mendao.runs")
MAX_EVENTS = 3900  # Dask keeps 4000 events a topic
MAX_BYTES = 24 * 1024 * 1024
HUNG_SECONDS = 1.0
TIMEOUT = Bilingual(
    "运行超过了 {n:g} 秒的时限，已停止。", "The run went past its limit of {n:g} seconds and was stopped."
)
BUDGET = Bilingual(
    "运行输出的数据超过上限，已停止。", "The run said more than a run may say and was stopped."
)
RAISED = Bilingual("实验代码出错：{what}", "The demo raised {what}")


class _Voice:
    """Numbers the events of one run and sends them; safe to call from the watchdog's thread."""

    def __init__(self, worker: Worker, topic: str) -> None:
        self._worker, self._topic = worker, topic
        self._lock = threading.Lock()
        self._began = time.perf_counter()
        self.number = self.size = 0
        self.closed = False

    def say(self, event: AnyEvent, *, last: bool = False) -> None:
        with self._lock:
            if self.closed:
                return
            self.number += 1
            self.closed = last
            data = frame(self.number, event, time.perf_counter() - self._began)
            self.size += len(data)
            self._worker.log_event(self._topic, (self.number, data, self._worker.address))

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began


def execute(run_id: str, slug: str, params: dict[str, Any]) -> int:
    """Run the demo in this worker; the number of events said. Errors are said as `failed`, never raised."""
    worker = get_worker()
    key = worker.get_current_task()
    demo = demos()[slug]
    voice = _Voice(worker, topic_of(run_id))
    ended = threading.Event()

    def released() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state != "executing"

    watched = (voice, demo.seconds, released, ended, threading.get_native_id())
    threading.Thread(target=_watch, args=watched, daemon=True).start()
    try:
        _speak(demo.run(demo.params.model_validate(params)), voice, demo.seconds, released)
    except Exception as error:
        log.exception("demo %s failed", slug)
        what = f"{type(error).__name__}: {error}"[:500]
        message = Bilingual(RAISED.zh.format(what=what), RAISED.en.format(what=what))
        voice.say(Failed(code="error", message=message), last=True)
    finally:
        ended.set()
    return voice.number


def _speak(events: Any, voice: _Voice, limit: float, released: Callable[[], bool]) -> None:
    try:
        for event in events:
            if released():
                return
            if voice.seconds > limit:
                voice.say(_timeout(limit), last=True)
                return
            if voice.number >= MAX_EVENTS or voice.size > MAX_BYTES:
                voice.say(Failed(code="budget", message=BUDGET), last=True)
                return
            voice.say(event)
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()


def _timeout(limit: float) -> Failed:
    return Failed(code="timeout", message=Bilingual(TIMEOUT.zh.format(n=limit), TIMEOUT.en.format(n=limit)))


def _watch(
    voice: _Voice, limit: float, released: Callable[[], bool], ended: threading.Event, thread: int
) -> None:
    """End the whole process where the demo does not yield: past its limit, or a second after it was released.

    The nanny starts a fresh worker. A thread cannot be stopped any other way.
    """
    heard, spoke = voice.number, own_seconds(thread)
    wanted = spoke
    while not ended.wait(0.2):
        now = own_seconds(thread)
        if voice.number != heard:
            heard, spoke = voice.number, now
        if not released():
            wanted = now
        if now - spoke <= HUNG_SECONDS:
            continue
        if voice.seconds > limit + HUNG_SECONDS:
            voice.say(_timeout(limit), last=True)
            time.sleep(0.5)  # for the event to leave
            os._exit(1)
        if now - wanted > HUNG_SECONDS:
            os._exit(1)
