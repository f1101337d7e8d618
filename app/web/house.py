"""What the routes share; made once by the composition root, read by `house(request)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from starlette.requests import Request

from app.content import Library
from app.protocol import Demo
from app.runs import Engine
from app.store import Store
from app.web.templating import Templates


@dataclass(frozen=True)
class House:
    """The rooms, furnished. `now` gives the time in UTC."""

    library: Library
    demos: Mapping[str, Demo]
    store: Store
    engine: Engine
    templates: Templates
    now: Callable[[], datetime]


def house(request: Request) -> House:
    return cast(House, request.app.state.house)
