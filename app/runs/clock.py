"""The clock by which a demo counts as hung."""

from __future__ import annotations

import time
from pathlib import Path


def own_seconds(thread: int) -> float:
    """A clock in seconds that stands still while the thread queues for a core: a starved demo is slow, not hung.

    `thread` is a native id. Where the kernel does not tell the time in the queue (proc(5), schedstat), the wall's.
    """
    try:
        queued = int(Path(f"/proc/self/task/{thread}/schedstat").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        queued = 0
    return time.monotonic() - queued / 1e9
