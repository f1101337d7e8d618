"""Keys that are computed: the expression beside a numeric item, and the number it gives."""

from __future__ import annotations

import functools
import math

# All that an expression may use. The questions are our own text, so this guards against slips, not against malice.
_NAMES = {
    "__builtins__": {}, "math": math, "abs": abs, "min": min, "max": max, "sum": sum, "range": range,
}  # fmt: skip


class ExpressionError(ValueError):
    """An expression that gives no finite number; the message says why."""


@functools.cache
def value_of(expression: str) -> float:
    """The number that a `<!-- check: … -->` gives. Raises ExpressionError."""
    try:
        value = float(eval(expression, dict(_NAMES)))  # noqa: S307 - the text is ours
    except Exception as error:
        raise ExpressionError(f"{type(error).__name__}: {error}") from None
    if not math.isfinite(value):
        raise ExpressionError(f"it gives {value}")
    return value
