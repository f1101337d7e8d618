"""Pages of the lab: the list of demos, one demo with its form, panels and claims."""

import json
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from app.content import Library
from app.demos import scripts
from app.protocol import Demo, Lang, Params, params_schema
from app.web.errors import Problem, from_pydantic
from app.web.house import House, house
from app.web.page_cache import keep
from app.web.runs import field_words
from app.web.templating import PageInfo

router = APIRouter(include_in_schema=False)
Language = Annotated[Lang, Path()]


@dataclass(frozen=True)
class DemosContext:
    demos: list[dict[str, Any]]


@dataclass(frozen=True)
class DemoContext:
    """See templates/pages/demo.html; `spec` is what the custom element reads."""

    demo: dict[str, Any]
    error: dict[str, str] | None
    spec: str
    recorded: str


@router.get("/{lang}/demos/")
async def demo_list(request: Request, lang: Language) -> HTMLResponse:
    keep(request)
    rooms = house(request)
    context = DemosContext([describe(rooms, demo, lang, demo.params()) for demo in rooms.demos.values()])
    title = "实验室 · 看门道" if lang == "zh" else "The lab · Mendao"
    return rooms.templates.page("demos", lang, PageInfo(title, "demos/"), context, nav="demos")


@router.get("/{lang}/demos")
async def demo_list_bare(lang: Language) -> RedirectResponse:
    return RedirectResponse(f"/{lang}/demos/", status_code=307)


@router.get("/{lang}/demos/{slug}")
async def demo_page(request: Request, lang: Language, slug: str) -> HTMLResponse:
    """A permalink: ?params… fill the form; params that are off are named and the defaults stand."""
    rooms = house(request)
    demo = rooms.demos.get(slug)
    if demo is None:
        raise Problem(404, "no-demo")
    if not request.url.query:
        keep(request)
    given = {
        name: value for name, value in request.query_params.items() if name not in ("run", "compare", "hold")
    }
    error = None
    try:
        params = demo.params.model_validate_strings(given)
    except ValidationError as invalid:
        problem = from_pydantic(invalid, field_words(demo))
        error = {"field": problem.field or "", "message": problem.message.get(lang)}
        params = demo.params()
    shown = describe(rooms, demo, lang, params)
    spec = {
        "demo": slug,
        "seconds": demo.seconds,
        "panels": shown["panels"],
        "claims": shown["claims"],
        "params": params.model_dump(mode="json"),
        "run": f"/api/demos/{slug}/runs",
        "script": f"/api/demos/{slug}/script" if scripts.has(slug) else "",
        "data": f"/api/demos/{slug}/data" if scripts.data(slug) else "",
    }
    assets = request.app.state.assets
    recording = f"recorded/{slug}.json"
    context = DemoContext(
        demo=shown,
        error=error,
        spec=json.dumps(spec, ensure_ascii=False),
        recorded=assets.url(recording) if recording in assets else "",
    )
    info = PageInfo(f"{demo.title.get(lang)} · {'看门道' if lang == 'zh' else 'Mendao'}", f"demos/{slug}")
    return rooms.templates.page("demo", lang, info, context, nav="demos", status=422 if error else 200)


def describe(rooms: House, demo: Demo, lang: str, params: Params) -> dict[str, Any]:
    """A demo in one language, as templates and panels read it."""
    here = f"/{lang}/demos/{demo.slug}"
    return {
        "slug": demo.slug,
        "href": here,
        "title": demo.title.get(lang),
        "summary": demo.summary.get(lang),
        "proves": demo.proves.get(lang),
        "not_proves": demo.not_proves.get(lang),
        "seconds": demo.seconds,
        "panels": [
            {
                "id": panel.id,
                "kind": panel.kind,
                "title": panel.title.get(lang),
                "note": panel.note.get(lang),
                "x": panel.x.get(lang),
                "y": panel.y.get(lang),
                "log": panel.log,
                "points": panel.points,
                "timed": panel.timed,
                "series": [
                    {"key": line.key, "title": line.title.get(lang), "baseline": line.baseline}
                    for line in panel.series
                ],
            }
            for panel in demo.panels
        ],
        "claims": [
            {
                "id": claim.id,
                "text": claim.text.get(lang),
                "published": claim.published.get(lang),
                "measured": claim.measured.get(lang),
                "tally": claim.tally.get(lang),
                "source": _source(rooms.library, claim.source),
            }
            for claim in demo.claims
        ],
        "presets": [
            {
                "id": preset.id,
                "title": preset.title.get(lang),
                "href": f"{here}?{urlencode(dict(preset.params))}",
            }
            for preset in demo.presets
        ],
        "questions": [
            {
                "number": number,
                "title": question.text[lang].title,
                "href": f"/{lang}/questions/{question.slug}",
            }
            for number in demo.questions
            if (question := rooms.library.by_number.get(number))
        ],
        "fields": _fields(demo, lang, params),
    }


def _source(library: Library, key: str) -> str:
    source = library.sources.get(key)
    return source.short if source else key


def _fields(demo: Demo, lang: str, params: Params) -> list[dict[str, Any]]:
    schema = params_schema(demo.params, lang)
    values = params.model_dump(mode="json")
    fields = []
    for name, words in schema["properties"].items():
        if name == "hold":
            continue  # surgery has its own table, on a network that is trained
        choices = words.get("enum")
        integer = words.get("type") == "integer"
        fields.append(
            {
                "name": name,
                "title": words.get("title", name),
                "help": words.get("description", ""),
                "type": "choice" if choices else words.get("type", "string"),
                "minimum": words.get("minimum"),
                "maximum": words.get("maximum"),
                "max_length": words.get("maxLength"),
                "choices": [(value, words.get("choices", {}).get(value, value)) for value in choices or []],
                "widget": words.get("widget", ""),
                "value": values[name],
                "step": 1 if integer else "any",
            }
        )
    return fields
