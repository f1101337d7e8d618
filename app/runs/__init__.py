"""How demos run: submit, watch, cancel, replay; on Dask."""

from __future__ import annotations

from app.runs.engine import Engine, QueueFull, Submitted, UnknownDemo, UnknownRun

__all__ = ["Engine", "QueueFull", "Submitted", "UnknownDemo", "UnknownRun"]
