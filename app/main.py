"""The composition root: settings, library, store, engine, routes.

python -m app.main [--host H] [--port N] [--data DIR]
"""

import gc

if __name__ == "__main__":
    gc.disable()  # start-up makes much and drops little; `_Server.startup` enables it again
    from app.config import ROOT
    from app.content.ahead import Ahead

    AHEAD = Ahead(ROOT / "questions")  # read while the imports below go on

import argparse
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sse_starlette.sse import AppStatus
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Scope

from app.config import Settings, SettingsError
from app.content import ContentError, load
from app.content.ahead import Ahead
from app.demos import catalogue
from app.runs import Engine
from app.store import Store, connect, upgrade
from app.web import api, book, exam, health, items, lab, pages, progress, reference, runs, takeaway
from app.web.assets import Assets
from app.web.errors import Problem, from_validation, language
from app.web.house import House
from app.web.learners import Learners
from app.web.page_cache import PageCache
from app.web.security import Guard
from app.web.templating import PageInfo, Templates

log = logging.getLogger("mendao")
GRACE_SECONDS = 3  # for open streams at the end; an open stream would hold uvicorn for ever


def build(settings: Settings, engine: Engine | None = None, ahead: Ahead | None = None) -> ASGIApp:
    """The whole application; its questions are those read `ahead`. Raises ContentError where they cannot be read."""
    assets = Assets(settings.root / "static")
    templates = Templates(settings.root / "templates", assets)
    database = connect(settings.database_url)
    upgrade(database)
    house = House(
        library=ahead.result() if ahead else load(settings.root / "questions"),
        demos=catalogue(),
        store=Store(database),
        engine=engine or Engine(scheduler=settings.scheduler, workers=settings.workers),
        templates=templates,
        now=lambda: datetime.now(UTC),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await house.engine.start()
        yield
        await house.engine.close()
        database.dispose()

    app = FastAPI(
        title="Mendao",
        summary="LSTM interview questions with live experiments",
        version="1",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.house = house
    app.state.assets = assets
    app.state.allowance = runs.Allowance()
    for router in (
        health.router,
        api.router,
        runs.router,
        takeaway.router,
        exam.router,
        items.router,
        progress.router,
        lab.router,
        reference.router,
        book.router,
        pages.router,
    ):
        app.include_router(router)
    app.mount("/static", assets)
    _answer_problems(app, templates)

    def refuse(scope: Scope, problem: Problem) -> ASGIApp:
        return _say(templates, scope, problem)

    return PageCache(Guard(Learners(app, settings.secret_key), refuse))


def _answer_problems(app: FastAPI, templates: Templates) -> None:
    """Every error as a page in the reader's language, or as JSON under /api."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> Response:
        return _say(templates, request.scope, error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        wrong_path = any(
            part["loc"][:2] in (("path", "lang"), ("path", "run_id"), ("path", "item_id"))
            for part in error.errors()
        )
        return _say(
            templates,
            request.scope,
            Problem(404, "not-found") if wrong_path else from_validation(list(error.errors())),
        )

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        code = {404: "not-found", 405: "method", 413: "too-large"}.get(error.status_code, "invalid")
        return _say(templates, request.scope, Problem(error.status_code, code, limit=64))

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return _say(templates, request.scope, Problem(500, "internal"))


def _say(templates: Templates, scope: Scope, problem: Problem) -> Response:
    lang = language(scope)
    headers = problem.headers() | {"Cache-Control": "no-store"}
    if scope["path"].startswith("/api"):
        return JSONResponse(problem.as_json(lang), status_code=problem.status, headers=headers)
    path = scope["path"].removeprefix(f"/{lang}").lstrip("/")
    if problem.status == 404:
        path = ""  # the other language has no such page either
    title = {404: ("没有找到", "Not found"), 500: ("出错了", "Something broke")}.get(
        problem.status, ("请求有误", "That did not work")
    )
    words: dict[str, Any] = {"status": problem.status, "title": title[0 if lang == "zh" else 1]}
    text = templates.render(
        "pages/error.html",
        lang,
        page=PageInfo(words["title"], path),
        message=problem.message.get(lang),
        **words,
    )
    return HTMLResponse(text, status_code=problem.status, headers=headers)


class _Server(uvicorn.Server):
    """Says the address once it can be opened, and says goodbye to open streams before it shuts down."""

    def __init__(self, config: uvicorn.Config, engine: Engine) -> None:
        super().__init__(config)
        self._engine = engine

    async def shutdown(self, sockets: Any = None) -> None:
        self._engine.farewell()  # streams end by themselves: sse-starlette need not cut them (see `main`)
        await super().shutdown(sockets)

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        gc.freeze()  # what start-up made stays: it need not be walked again
        gc.enable()
        if self.started and self.servers:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(
                f"Mendao is ready: http://{shown}:{port}  (Ctrl-C ends it; the lab warms up in the background)",
                flush=True,
            )


def main(arguments: list[str] | None = None, ahead: Ahead | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.main")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data", type=Path, default=None)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for quiet in ("distributed", "alembic", "uvicorn.access"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    try:
        settings = Settings.load(options.data)
        engine = Engine(scheduler=settings.scheduler, workers=settings.workers)
        app = build(settings, engine, ahead)
    except (SettingsError, ContentError) as error:
        print(f"Mendao cannot start: {error}", file=sys.stderr)
        return 1
    config = uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        forwarded_allow_ips="",
    )
    AppStatus.enable_automatic_graceful_drain = False
    for ending in (signal.SIGINT, signal.SIGTERM):
        # uvicorn takes these over, ends gracefully and then raises them again: an orderly end is no failure.
        signal.signal(ending, lambda *_: sys.exit(0))
    _Server(config, engine).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(ahead=AHEAD))
