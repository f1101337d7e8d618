"""What no single room can promise: a web process without torch, answers that survive a kill, a clean end."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from app.config import ROOT
from tests.serving import Server

pytestmark = pytest.mark.engine


def post(
    server: Server, path: str, body: dict[str, Any], cookie: str = ""
) -> tuple[int, dict[str, Any], str]:
    request = urllib.request.Request(
        server.address + path,
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Cookie": cookie},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.status, json.load(answer), (answer.headers.get("set-cookie") or "").split(";")[0]


def test_the_web_process_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.config import Settings; from app.main import build\n"
        f"build(Settings.load(Path({str(tmp_path)!r})))\n"
        "heavy = ('torch', 'optuna', 'app.network')\n"
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_acknowledged_answer_is_there_after_a_kill(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with Server(tmp_path, cold=True) as server:
        server.wait()
        _, _, cookie = post(server, "/api/items/07-a/attempts", {"response": [1], "idempotency_key": "first"})
        acknowledged.append("first")
        going = True

        def answer(thread: int) -> None:
            n = 0
            while going:
                key = f"{thread}-{n}"
                try:
                    post(
                        server, "/api/items/07-a/attempts", {"response": [1], "idempotency_key": key}, cookie
                    )
                except OSError:
                    return
                acknowledged.append(key)
                n += 1

        threads = [threading.Thread(target=answer, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        while len(acknowledged) < 60:
            time.sleep(0.01)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        going = False
        for thread in threads:
            thread.join()
    with sqlite3.connect(tmp_path / "mendao.db") as database:
        stored = {key for (key,) in database.execute("select idempotency_key from attempt")}
    database.close()
    assert set(acknowledged) <= stored
    with Server(tmp_path, cold=True) as again:
        again.wait()
        request = urllib.request.Request(again.address + "/api/export", headers={"Cookie": cookie})
        with urllib.request.urlopen(request, timeout=20) as answer_:
            kept = {attempt["idempotency_key"] for attempt in json.load(answer_)["attempts"]}
        assert set(acknowledged) <= kept
        status, _, _ = post(
            again, "/api/items/07-a/attempts", {"response": [1], "idempotency_key": "first"}, cookie
        )
        assert status == 200
        with urllib.request.urlopen(request, timeout=20) as answer_:
            assert len(json.load(answer_)["attempts"]) == len(kept), "a repeated key was stored twice"


def test_it_serves_a_run_without_torch_and_ends_cleanly_under_an_open_stream(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.wait("/readyz")
        _, run, _ = post(server, "/api/demos/gradient-flow/runs", {"params": {"T": 5, "seeds": 1}})
        with urllib.request.urlopen(server.address + run["events_url"], timeout=60) as stream:
            assert "event: finished" in stream.read().decode()
        maps = Path(f"/proc/{server.process.pid}/maps")
        if maps.exists():
            assert "libtorch" not in maps.read_text()
        params = {"T": 100, "seeds": 5, "steps": 1500, "hidden": 64}
        _, run, _ = post(server, "/api/demos/temporal-order/runs", {"params": params})
        with urllib.request.urlopen(server.address + run["events_url"], timeout=60) as stream:
            assert stream.readline()
            server.process.send_signal(signal.SIGTERM)
            rest = stream.read().decode()
        assert "event: failed" in rest
        assert "The server is closing." in rest
        assert server.process.wait(30) == 0, server.log()
        assert "Traceback" not in server.log()
        assert "ERROR" not in server.log()
        assert "leaked" not in server.log()


def test_settings_that_cannot_be_used_are_one_line(tmp_path: Path) -> None:
    for name, value, said in (("MENDAO_SECRET_KEY", "short", "32"), ("MENDAO_WORKERS", "0", "1 to 64")):
        done = subprocess.run(
            [sys.executable, "-m", "app.main", "--data", str(tmp_path)],
            cwd=ROOT, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", name: value},
        )  # fmt: skip
        assert done.returncode == 1
        assert name in done.stderr
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
