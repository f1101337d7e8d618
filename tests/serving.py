"""A server in its own process, as people start it: for tests that kill, signal or look into it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from filelock import FileLock

from app.config import ROOT

_KEPT: list[Server] = []  # a Popen that is dropped while its process runs warns


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """`python -m app.main` on a free port; a context manager that ends it.

    Each worker takes seconds of CPU to warm, where it is not `cold`: without torch, for those who run no demo.
    `eager` ones run at normal priority, since other tests fill the cores; people's are niced.
    """

    def __init__(
        self, data: Path, *, port: int | None = None, workers: int = 1, cold: bool = False, eager: bool = True
    ) -> None:
        self.data, self.port = data, port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        data.mkdir(parents=True, exist_ok=True)
        self._log = (data / "server.log").open("a")
        settings = {
            "MENDAO_WORKERS": str(workers),
            "MENDAO_EAGER_WORKERS": str(int(eager)),
            "MENDAO_COLD_WORKERS": str(int(cold)),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.main", "--port", str(self.port), "--data", str(data)],
            cwd=ROOT, stdout=self._log, stderr=subprocess.STDOUT,
            env={**os.environ, **settings},
        )  # fmt: skip

    def wait(self, path: str = "/healthz") -> None:
        """Until `path` answers 200; AssertionError with the server's log where it does not."""
        for _ in range(6000):
            assert self.process.poll() is None, self.log()
            try:
                with urllib.request.urlopen(self.address + path, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"{path} did not answer\n{self.log()}")

    def log(self) -> str:
        return (self.data / "server.log").read_text()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.close()


def shared_server(folder: Path) -> str:
    """The address of a warm server that all test processes of a session share; `end_shared_server` ends it."""
    note = folder / "server.json"
    with FileLock(f"{note}.lock"):
        if not note.exists():
            server = Server(folder / "server", workers=2)
            _KEPT.append(server)
            note.write_text(json.dumps({"address": server.address, "pid": server.process.pid}))
            server.wait("/readyz")
    return str(json.loads(note.read_text())["address"])


def end_shared_server(folder: Path) -> None:
    """Ends the session's server, if there is one, whichever process started it."""
    note = folder / "server.json"
    if not note.exists():
        return
    kept = json.loads(note.read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(kept["pid"], signal.SIGTERM)
    with contextlib.suppress(OSError):
        for _ in range(500):  # until nobody listens
            urllib.request.urlopen(kept["address"] + "/healthz", timeout=2).close()
            time.sleep(0.02)
