"""Words and numbers that several demos say in the same way."""

from __future__ import annotations

import math

from app.protocol import Bilingual

# What a claim's metric counts where it counts the seeds that a network solved.
SOLVED = Bilingual("{seeds} 个种子中解出 {solved} 个", "solved in {solved} of {seeds} seeds")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figures(value: float, digits: int = 3) -> str:
    """A number to so many significant digits, as people write it: −2.2, 380, 3.8 × 10⁶."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if value and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{signed(f'{float(mantissa):g}')} × 10{str(int(exponent)).translate(_RAISED)}"
    return signed(f"{float(f'{value:.{digits}g}'):g}")


def signed(text: str) -> str:
    """A number's text with the proper minus sign."""
    return text.replace("-", "−")
