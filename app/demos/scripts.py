"""The take-away scripts: one self-contained PyTorch file a demo, with the learner's own params at its top."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parent.parent / "network" / "scripts"
_PARAMS = re.compile(r"^PARAMS = (\{.*\})$", re.M)


def has(slug: str) -> bool:
    """Whether the demo has a script."""
    return _text(slug) is not None


def script(slug: str, params: Mapping[str, Any]) -> str:
    """The script with `params` in place of its defaults, as far as it honours them. Raises KeyError."""
    text = _text(slug)
    found = _PARAMS.search(text) if text else None
    if text is None or found is None:
        raise KeyError(slug)
    own = ast.literal_eval(found[1])
    own |= {name: value for name, value in params.items() if name in own}
    return f"{text[: found.start()]}PARAMS = {own!r}{text[found.end() :]}"


@functools.cache
def _text(slug: str) -> str | None:
    path = _FOLDER / f"{slug.replace('-', '_')}.py"
    return path.read_text(encoding="utf-8") if path.is_file() else None
