"""One process that has loaded what workers need, and from which they are forked: torch takes seconds, a fork none.

It starts while the web process still imports Dask, and makes no worker wait again: one that was killed is replaced
in a fraction of a second. Only Linux forks so; elsewhere each worker loads for itself.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver
import os
import sys

METHOD = "forkserver" if sys.platform == "linux" else "spawn"
# Libraries count their threads when they are loaded: workers inherit these.
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def _hide_main() -> None:
    """Keep workers from running the program's main module again, as multiprocessing has each do: a second of web."""
    main = sys.modules["__main__"]
    main.__spec__ = None
    vars(main).pop("__file__", None)


def load() -> None:
    """Start that process, unless it runs; it only imports, since threads and started kernels do not survive a fork."""
    _hide_main()
    if METHOD != "forkserver":
        return
    os.environ.update(THREADS)
    cold = os.environ.get("MENDAO_COLD_WORKERS") == "1"  # tests of the engine alone need no torch
    modules = ["distributed", "app.runs.task", "app.runs.lookup", *([] if cold else ["app.network"])]
    multiprocessing.get_context("forkserver").set_forkserver_preload(modules)
    multiprocessing.forkserver.ensure_running()
