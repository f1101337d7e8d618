"""Gates of a run as files: NumPy arrays and a table. Imported when first asked for: numpy takes a tenth of a second."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import numpy as np

from app.protocol import Gates, Tensor

SIGNALS = ("i", "f", "g", "o", "c", "h")


def values(tensor: Tensor) -> Any:
    """A tensor of the stream as float32."""
    raw = np.frombuffer(base64.b64decode(tensor.data), dtype=np.uint8).reshape(tensor.shape)
    return (tensor.lo + raw.astype(np.float32) / 255 * (tensor.hi - tensor.lo)).astype(np.float32)


def npz(frames: list[Gates]) -> bytes:
    """Arrays NAME_i … NAME_h, each (frames, T, H), float32, with NAME_step; NAME is the panel, with its lane."""
    groups: dict[str, list[Gates]] = {}
    for frame in frames:
        name = "_".join(part for part in (frame.panel, frame.lane, "x".join(map(str, frame.c.shape))) if part)
        groups.setdefault(name.replace("/", "-"), []).append(frame)
    arrays: dict[str, Any] = {}
    for name, group in groups.items():
        arrays[f"{name}_step"] = np.array([frame.step for frame in group])
        for signal in SIGNALS:
            arrays[f"{name}_{signal}"] = np.stack([values(getattr(frame, signal)) for frame in group])
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def table(frames: list[Gates]) -> bytes:
    """A row for each frame, time step and unit."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["panel", "lane", "training_step", "t", "token", "unit", *SIGNALS])
    for frame in frames:
        signals = np.stack([values(getattr(frame, signal)) for signal in SIGNALS], -1)
        for t, token in enumerate(frame.tokens):
            for unit, row in enumerate(signals[t].tolist()):
                rows.writerow(
                    [frame.panel, frame.lane, frame.step, t + 1, token, unit, *(f"{v:.5g}" for v in row)]
                )
    return out.getvalue().encode()
