"""Templates with the words, the addresses and the look that every page shares."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from app.web.assets import Assets


@dataclass(frozen=True)
class PageInfo:
    """What the layout says of a page. `path` is its address without the language."""

    title: str
    path: str
    description: str = ""


class Templates:
    """Jinja2 with StrictUndefined: a name that a context forgot is an error, not a blank."""

    def __init__(self, folder: Path, assets: Assets) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals["asset"] = assets.url
        self._environment.globals["has_asset"] = assets.__contains__
        self._environment.filters["percent"] = _percent
        self._environment.filters["number"] = _number

    def render(self, name: str, lang: str, context: Any = None, **more: Any) -> str:
        """The text of template `name`; `context` is a dataclass whose fields become names."""
        names = (
            {field.name: getattr(context, field.name) for field in dataclasses.fields(context)}
            if context
            else {}
        )
        names |= more
        names |= {"lang": lang, "other": "en" if lang == "zh" else "zh", "say": _say(lang)}
        names.setdefault("nav", "")
        return self._environment.get_template(name).render(names)

    def page(
        self,
        name: str,
        lang: str,
        page: PageInfo,
        context: Any = None,
        *,
        nav: str = "",
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> HTMLResponse:
        """A whole page."""
        text = self.render(f"pages/{name}.html", lang, context, page=page, nav=nav)
        return HTMLResponse(text, status_code=status, headers=headers)

    def fragment(
        self, name: str, lang: str, context: Any = None, status: int = 200, **more: Any
    ) -> HTMLResponse:
        """A piece that htmx swaps; never cached."""
        text = self.render(f"fragments/{name}.html", lang, context, **more)
        return HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})


def _say(lang: str) -> Callable[[str, str], str]:
    return (lambda zh, _: zh) if lang == "zh" else (lambda _, en: en)


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _number(value: float) -> str:
    """At most three decimals, and none where there are none."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
