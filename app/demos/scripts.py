"""The take-away scripts: one self-contained PyTorch file a demo, with the learner's own params at its top."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NETWORK = Path(__file__).resolve().parent.parent / "network"
_SCRIPTS, _DATA = _NETWORK / "scripts", _NETWORK / "datasets"
_FILE = re.compile(r"\b[a-z_]+\.(?:npz|json\.gz|json|safetensors)\b")


def has(slug: str) -> bool:
    """Whether the demo has a script."""
    return _text(slug) is not None


def script(slug: str, params: Mapping[str, Any]) -> str:
    """The script with `params` in place of its defaults, as far as it honours them. Raises KeyError."""
    text = _text(slug)
    if text is None:
        raise KeyError(slug)
    node = _params(text)
    own = ast.literal_eval(node)
    own |= {name: value for name, value in params.items() if name in own}
    lines = text.splitlines(keepends=True)
    assert node.end_lineno is not None  # the parser gives both to every expression
    assert node.end_col_offset is not None
    before = "".join(lines[: node.lineno - 1]) + lines[node.lineno - 1].encode()[: node.col_offset].decode()
    after = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode() + "".join(
        lines[node.end_lineno :]
    )
    return f"{before}{own!r}{after}"


def data(slug: str) -> Path | None:
    """The data file that the script says, at its top, that it reads; None where it reads none."""
    text = _text(slug)
    said = ast.get_docstring(ast.parse(text)) if text else None
    files = [_DATA / name for name in _FILE.findall(said or "")]
    return next((path for path in files if path.is_file()), None)


def _params(text: str) -> ast.expr:
    for node in ast.parse(text).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "PARAMS"
        ):
            return node.value
    raise KeyError("PARAMS")


@functools.cache
def _text(slug: str) -> str | None:
    path = _SCRIPTS / f"{slug.replace('-', '_')}.py"
    return path.read_text(encoding="utf-8") if path.is_file() else None
