"""The process from which workers are forked: it loads once, and spares them the program's main module."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import ROOT
from app.runs import nursery

pytestmark = [pytest.mark.engine]

PROGRAM = """
import multiprocessing, sys
from app.runs import nursery

print("main runs", flush=True)

if __name__ == "__main__":
    nursery.load()
    look = "import sys; print([each in sys.modules for each in ('distributed', 'app.runs.task', 'torch')], flush=True)"
    worker = multiprocessing.get_context(nursery.METHOD).Process(target=exec, args=(look, {}))
    worker.start()
    worker.join()
    print(nursery.THREADS, worker.exitcode)
"""


@pytest.mark.skipif(nursery.METHOD != "forkserver", reason="only Linux forks workers")
def test_a_worker_is_born_loaded_and_does_not_run_the_main_module_again(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "MENDAO_COLD_WORKERS": "1"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["main runs", "[True, True, False]", f"{nursery.THREADS} 0"], (
        done.stderr
    )
