"""Which demos there are: the catalogue, and in tests those that MENDAO_EXTRA_DEMOS names as module:attribute."""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
from pathlib import Path

from app.demos import catalogue
from app.protocol import Demo


@functools.cache
def demos() -> dict[str, Demo]:
    """Slug → demo."""
    found = dict(catalogue())
    extra = os.environ.get("MENDAO_EXTRA_DEMOS", "")
    if extra:
        module, _, attribute = extra.partition(":")
        found |= {demo.slug: demo for demo in getattr(importlib.import_module(module), attribute)}
    return found


@functools.cache
def code_version() -> str:
    """A digest of everything that decides what a run says."""
    app = Path(__file__).resolve().parent.parent
    seen = hashlib.blake2b(digest_size=8)
    for path in [
        app / "protocol.py",
        *sorted((app / "demos").glob("*.py")),
        *sorted((app / "network").rglob("*.py")),
    ]:
        seen.update(path.read_bytes())
    return seen.hexdigest()
