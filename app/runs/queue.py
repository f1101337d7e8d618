"""In the scheduler: who waits, said whenever it changes, and topics dropped once their run is forgotten."""

from __future__ import annotations

from typing import Any

from distributed import Scheduler, SchedulerPlugin

TOPIC = "mendao:queue"
KEEP_SECONDS = 20.0  # for another web replica that is still reading the log


class QueuePlugin(SchedulerPlugin):
    """Registered once; registering again replaces it."""

    name = "mendao-queue"
    idempotent = True

    async def start(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._said: tuple[str, ...] = ()

    def transition(self, key: Any, start: str, finish: str, *_: Any, **__: Any) -> None:
        if not str(key).startswith("run:"):
            return
        if "queued" in (start, finish):
            self._scheduler.loop.call_later(0, self._say)
        if finish == "forgotten":
            self._scheduler.loop.call_later(KEEP_SECONDS, self._drop, str(key))

    def _say(self) -> None:
        waiting = tuple(str(task.key).removeprefix("run:") for task in self._scheduler.queued.sorted())
        if waiting != self._said:
            self._said = waiting
            self._scheduler.log_event(TOPIC, list(waiting))

    def _drop(self, key: str) -> None:
        if key not in self._scheduler.tasks:
            self._scheduler._broker._topics.pop("mendao:" + key.removeprefix("run:"), None)
