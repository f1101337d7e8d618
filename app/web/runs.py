"""The JSON API of demos and runs, and the stream of a run's events."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sse_starlette import EventSourceResponse

from app.protocol import LANGS, Bilingual, Demo, Lang, params_schema
from app.runs import QueueFull, UnknownRun
from app.web.errors import FieldWords, Problem, from_pydantic
from app.web.house import house
from app.web.learners import identity

router = APIRouter(prefix="/api", tags=["demos"])
RunId = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]
MAX_RUNS = 6
WINDOW_SECONDS = 20.0


class DemoOut(BaseModel):
    slug: str
    title: str
    summary: str
    params_schema: dict[str, Any]
    questions: list[int]


class RunIn(BaseModel):
    """Params left out take their defaults."""

    model_config = ConfigDict(extra="forbid")

    params: dict[str, Any] = Field(default_factory=dict, max_length=50)


class RunOut(BaseModel):
    """`shared`: somebody's execution is joined; `position`: 0 runs now, n waits behind n − 1 others."""

    run_id: str
    events_url: str
    shared: bool
    position: int


@router.get("/demos")
async def demos(request: Request, lang: Annotated[Lang, Query()] = "zh") -> list[DemoOut]:
    return [
        DemoOut(
            slug=demo.slug,
            title=demo.title.get(lang),
            summary=demo.summary.get(lang),
            params_schema=params_schema(demo.params, lang),
            questions=list(demo.questions),
        )
        for demo in house(request).demos.values()
    ]


def field_words(demo: Demo) -> dict[str, FieldWords]:
    """Field name → its title and the names of its choices, for error messages."""
    zh, en = (params_schema(demo.params, lang)["properties"] for lang in LANGS)
    return {
        name: FieldWords(
            Bilingual(zh[name]["title"], en[name]["title"]),
            {
                value: Bilingual(title, en[name]["choices"][value])
                for value, title in zh[name].get("choices", {}).items()
            },
        )
        for name in zh
    }


class Allowance:
    """How many executions one learner (or, without a cookie, one address) may have begun lately."""

    def __init__(self) -> None:
        self._begun: OrderedDict[str, dict[str, float]] = OrderedDict()

    def take(self, who: str, run_id: str, running: list[str]) -> None:
        """Raise Problem 429 where `who` has MAX_RUNS other runs that still go on."""
        mine = self._begun.setdefault(who, {})
        self._begun.move_to_end(who)
        while len(self._begun) > 10_000:
            self._begun.popitem(last=False)
        for old in [known for known in mine if known not in running]:
            del mine[old]
        if run_id not in mine and len(mine) >= MAX_RUNS:
            raise Problem(429, "too-many-runs", retry_after=5, limit=MAX_RUNS)
        mine[run_id] = time.monotonic()


@router.post("/demos/{slug}/runs", status_code=201)
async def begin(request: Request, response: Response, slug: str, body: RunIn) -> RunOut:
    """Start a run, or join the one with the same params and seed."""
    rooms = house(request)
    demo = rooms.demos.get(slug)
    if demo is None:
        raise Problem(404, "no-demo")
    try:
        params = demo.params.model_validate(body.params)
    except ValidationError as error:
        raise from_pydantic(error, field_words(demo)) from None
    if rooms.engine.error:
        raise Problem(503, "engine", retry_after=30, why=rooms.engine.error)
    who = identity(request).need()
    allowance: Allowance = request.app.state.allowance
    run = rooms.engine.name(slug, params)
    allowance.take(who, run, rooms.engine.running())
    try:
        submitted = await rooms.engine.submit(slug, params)
    except QueueFull:
        raise Problem(503, "queue-full", retry_after=10) from None
    url = f"/api/runs/{submitted.run_id}/events"
    response.headers["Location"] = url
    return RunOut(
        run_id=submitted.run_id, events_url=url, shared=submitted.shared, position=submitted.position
    )


@router.get("/runs/{run_id}/events", response_class=EventSourceResponse)
async def events(
    request: Request, run_id: RunId, after: Annotated[int, Query(ge=0)] = 0
) -> EventSourceResponse:
    """The run's events from the first, or after Last-Event-ID (or ?after=)."""
    last = request.headers.get("last-event-id", "")
    seen = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else after
    try:
        frames: AsyncIterator[bytes] = house(request).engine.watch(run_id, seen)
    except UnknownRun:
        raise Problem(404, "no-run") from None
    return EventSourceResponse(frames, ping=15, send_timeout=10, headers={"Cache-Control": "no-store"})


@router.delete("/runs/{run_id}", status_code=204)
async def cancel(request: Request, run_id: RunId) -> Response:
    """Stop a run for everybody who watches it."""
    if not await house(request).engine.cancel(run_id):
        raise Problem(404, "no-run")
    return Response(status_code=204)
