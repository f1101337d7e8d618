"""python -m app.content check [--draft] | list [--root DIR]"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from app.config import ROOT
from app.content.check import Demos, check
from app.content.completeness import completeness
from app.content.listing import overview, totals
from app.content.loader import load
from app.content.models import ContentError, ContentErrors


def demo_params() -> Demos:
    """Each demo's Params as a validator.

    Imported by name: an entry point stands above all rooms, while its own room stands below the demos.
    """
    catalogue = importlib.import_module("app.demos").catalogue()
    return {slug: demo.params.model_validate for slug, demo in catalogue.items()}


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 1 where a fault was found."""
    parser = argparse.ArgumentParser(
        prog="python -m app.content", description="Check or count the questions."
    )
    parser.add_argument("command", choices=("check", "list"), nargs="?", default="check")
    parser.add_argument("--root", type=Path, default=ROOT / "questions", help="the folder of questions")
    parser.add_argument("--draft", action="store_true", help="do not ask whether every part is written yet")
    options = parser.parse_args(arguments)
    try:
        library = load(options.root)
    except ContentErrors as several:
        return _report(several.faults)
    except ContentError as one:
        return _report([one])
    if options.command == "list":
        print("\n".join([*overview(library), totals(library)]))
        return 0
    faults = check(library, demo_params()) + ([] if options.draft else completeness(library))
    if faults:
        return _report(sorted(faults, key=lambda fault: (fault.file, fault.line)))
    items = sum(len(question.items) for question in library.questions)
    beyond = len(library.questions) - len(library.of_source)
    more = f" and {beyond} beyond the source" if beyond else ""
    print(f"{len(library.of_source)} questions{more}, {items} items in each language: no fault found")
    return 0


def _report(faults: list[ContentError]) -> int:
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
