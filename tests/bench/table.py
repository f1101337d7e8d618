"""Rows of a measurement: what, how much, against which bar."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure. `bar` None: no bar is set, the figure is for reading."""

    what: str
    value: float
    unit: str = ""
    bar: float | None = None
    at_least: bool = False

    @property
    def holds(self) -> bool:
        if self.bar is None:
            return True
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        bar = "" if self.bar is None else f"{sign} {self.bar:g}"
        mark = "" if self.bar is None else ("ok" if self.holds else "MISSED")
        return f"| {self.what} | {self.value:.3g} {self.unit} | {bar} | {mark} |"


def machine() -> str:
    """The machine and the versions that the figures belong to."""
    import torch

    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"


def ratios(rounds: int, ours: Callable[[], float], theirs: Callable[[], float]) -> float:
    """The median over interleaved rounds of ours / theirs: noise that lasts longer than a round drops out."""
    return statistics.median(ours() / theirs() for _ in range(rounds))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
