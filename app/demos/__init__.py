"""What we show: one file each. A module here that has `demo` is in the catalogue by itself."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from app.protocol import Demo


@functools.cache
def catalogue() -> dict[str, Demo]:
    """Slug → demo, by slug. Raises ImportError naming the module that cannot be read."""
    found: dict[str, Demo] = {}
    for module in pkgutil.iter_modules(__path__):
        try:
            demo = getattr(importlib.import_module(f"{__name__}.{module.name}"), "demo", None)
        except Exception as error:
            raise ImportError(f"app/demos/{module.name}.py: {error}") from error
        if isinstance(demo, Demo):
            if demo.slug in found:
                raise ImportError(f"app/demos/{module.name}.py: slug {demo.slug} is taken")
            found[demo.slug] = demo
    return dict(sorted(found.items()))
