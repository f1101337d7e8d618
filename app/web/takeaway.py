"""What a learner takes home from a run: the script that repeats it, and every gate that was shown."""

import asyncio

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from app.demos import scripts
from app.protocol import Gates
from app.runs import UnknownRun
from app.web.errors import Problem, from_pydantic
from app.web.house import house
from app.web.runs import RunId, field_words

router = APIRouter(prefix="/api", tags=["demos"])


@router.get("/demos/{slug}/script", response_class=Response)
async def script(request: Request, slug: str) -> Response:
    """A self-contained PyTorch script with the query's params in place; 404 where the demo has none."""
    demo = house(request).demos.get(slug)
    if demo is None or not scripts.has(slug):
        raise Problem(404, "no-demo")
    try:
        params = demo.params.model_validate_strings(dict(request.query_params))
    except ValidationError as error:
        raise from_pydantic(error, field_words(demo)) from None
    return _file(
        scripts.script(slug, params.model_dump()).encode(), "text/x-python; charset=utf-8", f"{slug}.py"
    )


@router.get("/demos/{slug}/data", response_class=Response)
async def data(slug: str) -> Response:
    """The data file that the demo's script reads; 404 where it reads none."""
    path = scripts.data(slug)
    if path is None:
        raise Problem(404, "no-demo")
    return _file(await asyncio.to_thread(path.read_bytes), "application/octet-stream", path.name)


@router.get("/runs/{run_id}/trace.npz", response_class=Response)
async def trace_npz(request: Request, run_id: RunId) -> Response:
    """All gates that were shown: arrays NAME_i … NAME_h, each (frames, T, H), float32, with NAME_step.

    NAME is the panel, with the lane where there are several. Values have the 8-bit precision of the stream.
    """
    from app.web import traces

    body = await asyncio.to_thread(traces.npz, _gates(request, run_id))
    return _file(body, "application/x-npz", f"mendao-{run_id}.npz")


@router.get("/runs/{run_id}/trace.csv", response_class=Response)
async def trace_csv(request: Request, run_id: RunId) -> Response:
    """The same as one table: a row for each frame, time step and unit."""
    from app.web import traces

    body = await asyncio.to_thread(traces.table, _gates(request, run_id))
    return _file(body, "text/csv; charset=utf-8", f"mendao-{run_id}.csv")


def _gates(request: Request, run_id: str) -> list[Gates]:
    try:
        return [event for event in house(request).engine.events(run_id) if isinstance(event, Gates)]
    except UnknownRun:
        raise Problem(404, "no-run") from None


def _file(body: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, media_type=kind, headers=headers)
