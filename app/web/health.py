"""Is it alive, is it ready: for orchestrators and for dev.py."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from app.web.house import house

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def alive(request: Request) -> JSONResponse:
    """The web process answers and its database can be read."""
    await run_in_threadpool(house(request).store.alive)
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@router.get("/readyz")
async def ready(request: Request) -> JSONResponse:
    """The engine of runs is warm; 503 until then."""
    warm = house(request).engine.ready
    body = {"status": "ready" if warm else "warming"}
    return JSONResponse(body, status_code=200 if warm else 503, headers={"Cache-Control": "no-store"})
