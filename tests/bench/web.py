"""The web process: a page's price, its weight, readiness, and what training beside it costs."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Scope

from app.config import Settings
from app.main import build
from tests.bench.table import Row, percentile, ratios
from tests.conftest import QuietEngine
from tests.serving import Server

PAGE = "/en/questions/07-gradient-clipping"
PAGES = ("/en/", "/en/questions/", PAGE, "/en/demos/temporal-order")


def rows(quick: bool) -> Iterator[Row]:
    yield from _pages(300 if quick else 2000)
    yield from _served(60 if quick else 400)


def _pages(times: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(Path(folder), environ={"MENDAO_SECRET_KEY": "k" * 40})
        app = build(settings, engine=QuietEngine())  # type: ignore[arg-type]
        with TestClient(app, base_url="http://testserver") as client:
            body = client.get(PAGE, headers={"accept-encoding": "br"})
            bare = Response(body.content, media_type="text/html", headers={"content-encoding": "br"})
            size = int(body.headers["content-length"])
            assert size > 1000
            for path in PAGES:
                page = client.get(path, headers={"accept-encoding": "br"})
                total = int(page.headers["content-length"]) + sum(
                    int(client.get(url, headers={"accept-encoding": "br"}).headers["content-length"])
                    for url in _parts(client, page.text)
                )
                yield Row(
                    f"weight of {path}, compressed, without fonts and recordings", total / 1000, "kB", 100
                )
        ours, theirs = _calls(app, times), _calls(_bare(bare), times)
        yield Row("question page, server CPU / bare Starlette Response", ratios(9, ours, theirs), "×", 1.0)


def _parts(client: TestClient, text: str) -> set[str]:
    """Every script and stylesheet that a page fetches, modules of modules included."""
    found = set(re.findall(r'(?:src|href)="(/static/[^"]+\.(?:js|css|svg))"', text))
    todo = [url for url in found if url.endswith(".js")]
    while todo:
        url = todo.pop()
        for name in re.findall(r'from "(\.[^"]+)"', client.get(url).text):
            other = str(Path(url).parent.joinpath(name))
            parts: list[str] = []
            for part in other.split("/"):
                parts = parts[:-1] if part == ".." else [*parts, part] if part != "." else parts
            other = "/".join(parts)
            if other not in found:
                found.add(other)
                todo.append(other)
    return found


def _bare(response: Response) -> ASGIApp:
    async def app(scope: Scope, receive: object, send: object) -> None:
        await Response(bytes(response.body), media_type="text/html")(scope, receive, send)  # type: ignore[arg-type]

    return app


def _calls(app: ASGIApp, times: int) -> object:
    headers = [
        (b"host", b"testserver"),
        (b"accept-encoding", b"gzip, deflate, br"),
        (b"user-agent", b"bench"),
    ]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": PAGE, "raw_path": PAGE.encode(), "query_string": b"", "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("testserver", 80),
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        return None

    async def go() -> float:
        began = time.process_time()
        for _ in range(times):
            await app(dict(scope), receive, send)
        return time.process_time() - began

    return lambda: asyncio.run(go())


def _served(requests: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with Server(Path(folder), workers=2, eager=False) as server:
            server.wait()
            yield Row("web process ready to serve, without torch", time.perf_counter() - began, "s", 1.5)
            server.wait("/readyz")
            yield Row("lab warm", time.perf_counter() - began, "s")
            idle = _latencies(server, requests)
            runs = []
            for seed in (1, 2):
                body = json.dumps(
                    {"params": {"T": 100, "seeds": 5, "steps": 1500, "hidden": 64, "seed": seed}}
                ).encode()
                asked = urllib.request.Request(
                    f"{server.address}/api/demos/temporal-order/runs",
                    body,
                    {"Content-Type": "application/json"},
                )
                with urllib.request.urlopen(asked) as answer:
                    runs.append(urllib.request.urlopen(server.address + json.load(answer)["events_url"]))
            time.sleep(1)
            busy = _latencies(server, requests)
            for run in runs:
                run.close()
            yield Row("page p95 idle", percentile(idle, 0.95) * 1000, "ms")
            yield Row(
                "page p95 while every worker trains / idle",
                percentile(busy, 0.95) / percentile(idle, 0.95),
                "×",
                2,
            )


def _latencies(server: Server, requests: int) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    found = []
    for _ in range(requests):
        began = time.perf_counter()
        connection.request("GET", PAGE, headers={"Accept-Encoding": "br"})
        connection.getresponse().read()
        found.append(time.perf_counter() - began)
        time.sleep(0.005)
    connection.close()
    return found
