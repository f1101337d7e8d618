"""The watchdog's clock: a demo that queues for a core is slow, one that sleeps or computes without a word is hung."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.runs import clock
from app.runs.clock import own_seconds

# Two processes on one core, the second only in the first's way; prints the first's own share of the time.
SHARED_CORE = """
import os, runpy, sys, threading, time
own_seconds = runpy.run_path(sys.argv[1])["own_seconds"]
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
other = os.fork()
if not other:
    while True:
        pass
thread = threading.get_native_id()
began, own = time.monotonic(), own_seconds(thread)
while time.monotonic() - began < 0.4:
    pass
print((own_seconds(thread) - own) / (time.monotonic() - began))
os.kill(other, 9)
"""


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this kernel does not tell")
def test_time_in_the_queue_for_a_core_does_not_count() -> None:
    command = [sys.executable, "-c", SHARED_CORE, clock.__file__]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout) < 0.8


def test_sleep_counts_and_so_does_a_thread_that_is_gone() -> None:
    began, own = time.monotonic(), own_seconds(threading.get_native_id())
    time.sleep(0.2)
    spent = own_seconds(threading.get_native_id()) - own
    assert 0.15 < spent <= time.monotonic() - began + 1e-3
    assert abs(own_seconds(2**30) - time.monotonic()) < 1
