"""python3 dev.py bench [network|characters|runs|web …] [--quick]: every row of the design's bars, as measured now.

Figures are ratios inside one run wherever they can be. Exit code 1 where a bar was missed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

PARTS = ("network", "characters", "runs", "web")


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py bench")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all of them by default"
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds: to see that it runs, not to believe"
    )
    options = parser.parse_args()
    if odd := [part for part in options.parts if part not in PARTS]:
        parser.error(f"no part {odd[0]}: choose from {', '.join(PARTS)}")
    table = importlib.import_module("tests.bench.table")
    print(f"{table.machine()}\n\n| What | Measured | Bar | |\n|---|---|---|---|", flush=True)
    missed = 0
    for part in options.parts or PARTS:
        for row in importlib.import_module(f"tests.bench.{part}").rows(options.quick):
            print(row, flush=True)
            missed += not row.holds
    print(f"\n{missed} bars missed" if missed else "\nevery bar holds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
