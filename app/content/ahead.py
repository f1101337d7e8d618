"""The library, read by a second process while this one is still importing: either takes a third of a start."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

from app.content.loader import load
from app.content.models import Library


class Ahead:
    """Begins to read the questions under `root`; `result` waits for them.

    To be made before any thread is started: it forks. Where a system cannot fork, `result` does the reading.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._child = 0
        if not hasattr(os, "fork"):
            return
        reading, writing = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            code = 1
            try:
                os.close(reading)
                with open(writing, "wb") as out:
                    pickle.dump(load(root), out, pickle.HIGHEST_PROTOCOL)
                code = 0
            finally:
                os._exit(code)  # whatever went wrong: `result` meets it again and tells it
        os.close(writing)
        self._pipe = open(reading, "rb")  # noqa: SIM115 (closed in `result`)

    def result(self) -> Library:
        """To be asked once. Raises ContentErrors with every fault found, as `load` does."""
        if self._child:
            with self._pipe as pipe:
                made = pipe.read()
            _, status = os.waitpid(self._child, 0)
            if status == 0:
                library = pickle.loads(made)  # noqa: S301 (our own child wrote it)
                assert isinstance(library, Library)
                return library
        return load(self._root)
