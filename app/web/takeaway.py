"""What a learner takes home from a run: the script that repeats it, and every gate that was shown."""

import asyncio
import base64
import csv
import io
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from app.demos import scripts
from app.protocol import Gates, Tensor
from app.runs import UnknownRun
from app.web.errors import Problem, from_pydantic
from app.web.house import house
from app.web.runs import RunId, titles

router = APIRouter(prefix="/api", tags=["demos"])
SIGNALS = ("i", "f", "g", "o", "c", "h")


@router.get("/demos/{slug}/script", response_class=Response)
async def script(request: Request, slug: str) -> Response:
    """A self-contained PyTorch script with the query's params in place; 404 where the demo has none."""
    demo = house(request).demos.get(slug)
    if demo is None or not scripts.has(slug):
        raise Problem(404, "no-demo")
    try:
        params = demo.params.model_validate_strings(dict(request.query_params))
    except ValidationError as error:
        raise from_pydantic(error, titles(demo)) from None
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
    body = await asyncio.to_thread(_npz, _gates(request, run_id))
    return _file(body, "application/x-npz", f"mendao-{run_id}.npz")


@router.get("/runs/{run_id}/trace.csv", response_class=Response)
async def trace_csv(request: Request, run_id: RunId) -> Response:
    """The same as one table: a row for each frame, time step and unit."""
    body = await asyncio.to_thread(_csv, _gates(request, run_id))
    return _file(body, "text/csv; charset=utf-8", f"mendao-{run_id}.csv")


def _gates(request: Request, run_id: str) -> list[Gates]:
    try:
        return [event for event in house(request).engine.events(run_id) if isinstance(event, Gates)]
    except UnknownRun:
        raise Problem(404, "no-run") from None


def values(tensor: Tensor) -> Any:
    """A tensor of the stream as float32."""
    raw = np.frombuffer(base64.b64decode(tensor.data), dtype=np.uint8).reshape(tensor.shape)
    return (tensor.lo + raw.astype(np.float32) / 255 * (tensor.hi - tensor.lo)).astype(np.float32)


def _npz(frames: list[Gates]) -> bytes:
    groups: dict[str, list[Gates]] = {}
    for frame in frames:
        name = "_".join(part for part in (frame.panel, frame.lane, "x".join(map(str, frame.c.shape))) if part)
        groups.setdefault(name.replace("/", "-"), []).append(frame)
    arrays: dict[str, Any] = {}
    for name, group in groups.items():
        arrays[f"{name}_step"] = np.array([frame.step for frame in group])
        for signal in SIGNALS:
            arrays[f"{name}_{signal}"] = np.stack([values(getattr(frame, signal)) for frame in group])
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def _csv(frames: list[Gates]) -> bytes:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["panel", "lane", "training_step", "t", "token", "unit", *SIGNALS])
    for frame in frames:
        signals = np.stack([values(getattr(frame, signal)) for signal in SIGNALS], -1)
        for t, token in enumerate(frame.tokens):
            for unit, row in enumerate(signals[t].tolist()):
                table.writerow(
                    [frame.panel, frame.lane, frame.step, t + 1, token, unit, *(f"{v:.5g}" for v in row)]
                )
    return out.getvalue().encode()


def _file(body: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, media_type=kind, headers=headers)
