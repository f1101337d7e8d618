"""Running take-away scripts alone: no app on their path, no user site, no environment, warnings as errors.

torch takes seconds to import, so one isolated process imports it once and forks for each script.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import app.network

DATASETS = Path(app.network.__file__).parent / "datasets"

# What the process runs: requests come as lines of JSON, {folder, arguments}; exit codes go back.
NURSERY = """
import json, os, runpy, sys, traceback, warnings
import numpy, torch, torch._dynamo  # the last is what an optimiser imports, in two seconds
warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # of threads: none of them is at work
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(asked["folder"])
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        code = 0
        try:
            sys.argv = ["taken_away.py", *asked["arguments"]]
            runpy.run_path("taken_away.py", run_name="__main__")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@functools.cache
def nursery() -> subprocess.Popen[str]:
    environment = {
        "PATH": os.environ.get("PATH", ""), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),  # as `prepare_process`
    }  # fmt: skip
    started = subprocess.Popen(
        [sys.executable, "-I", "-W", "error", "-c", NURSERY],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(started.communicate)  # its input ends, and so does it
    return started


def printed(text: str, folder: Path, *arguments: str) -> dict[str, float | None]:
    """The metrics that the script `text` prints when it runs in `folder`, the data sets beside it."""
    (folder / "taken_away.py").write_text(text, encoding="utf-8")
    for data in DATASETS.iterdir():
        if data.name in text:
            shutil.copy(data, folder)
    process = nursery()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"folder": str(folder), "arguments": list(arguments)}) + "\n")
    process.stdin.flush()
    code = process.stdout.readline().strip()
    errors = (folder / "stderr").read_text(encoding="utf-8")
    assert code == "0", errors
    assert errors == ""
    lines: list[dict[str, Any]] = [json.loads(line) for line in (folder / "stdout").read_text().splitlines()]
    assert all(set(line) == {"metric", "value"} for line in lines)
    assert len({line["metric"] for line in lines}) == len(lines)
    return {line["metric"]: line["value"] for line in lines}
