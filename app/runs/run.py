"""One run as this web process knows it: every frame so far, who watches, what to tell them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from app.runs.frames import frame, kind, notice, same

LAST = ("finished", "failed")
_BATCH = 64  # frames handed over in one piece


def topic_of(run_id: str) -> str:
    """The scheduler's event log of a run."""
    return f"mendao:{run_id}"


def key_of(run_id: str) -> str:
    """The task of a run: one for all web replicas."""
    return f"run:{run_id}"


class Run:
    """Frames are shared by all viewers, each of whom holds only a cursor: a slow reader costs no memory."""

    def __init__(
        self, run_id: str, demo: str, left: Callable[[Run], None], gap: Callable[[Run], None]
    ) -> None:
        self.id, self.demo = run_id, demo
        self.frames: list[bytes] = []
        self.size = 0
        self.done = False
        self.position = 0
        self.viewers = 0
        self.future: Any = None
        self.worker = ""  # the address of the worker that spoke last
        self.tasks: set[asyncio.Task[None]] = set()
        self.timer: asyncio.TimerHandle | None = None
        self._left, self._gap = left, gap
        self._news = asyncio.Event()
        self._notices: list[bytes] = []

    # ── from the worker ──

    def accept(self, number: int, data: bytes) -> None:
        """An event from the scheduler. Replayed numbers are skipped, a missing one is asked for."""
        if self.done:
            return
        if number == len(self.frames) + 1:
            self.frames.append(data)
            self.size += len(data)
            self.done = kind(data) in LAST
            self._wake()
        elif number > len(self.frames):
            self._gap(self)
        else:
            if number == 1:
                self.tell("engine", {"state": "restarting"})
            if not same(self.frames[number - 1], data):
                self.tell("restart", {"from": number})

    def finish_with(self, event: Any) -> None:
        """End the run from this side."""
        if not self.done:
            self.accept(len(self.frames) + 1, frame(len(self.frames) + 1, event, 0.0))

    def tell(self, name: str, data: dict[str, Any]) -> None:
        """A notice to those who watch now."""
        self._notices.append(notice(name, msgspec.json.encode(data)))
        self._wake()

    def place(self, position: int) -> None:
        """The position in the queue changed; 0 means it runs."""
        if position != self.position:
            self.position = position
            self.tell("queue", {"position": position})

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    # ── to the viewers ──

    async def stream(self, after: int) -> AsyncIterator[bytes]:
        """Every frame after number `after`, then as they come; ends after the last one."""
        self.viewers += 1
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        cursor, told = after, len(self._notices)
        try:
            if not self.done:
                yield notice("queue", b'{"position":%d}' % self.position)
            while True:
                news = self._news
                if told < len(self._notices):
                    pieces = self._notices[told:]
                    told = len(self._notices)
                    yield b"".join(pieces)
                elif cursor < len(self.frames):
                    pieces = self.frames[cursor : cursor + _BATCH]
                    cursor += len(pieces)
                    yield b"".join(pieces)
                elif self.done:
                    return
                else:
                    await news.wait()
        finally:
            self.viewers -= 1
            if self.viewers == 0 and not self.done:
                self._left(self)
