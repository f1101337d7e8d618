"""python -m app.content check | list [--root DIR]"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.config import ROOT
from app.content.check import check, cited_but_unknown
from app.content.loader import load
from app.content.models import ContentError, ContentErrors, Library


def demo_params() -> dict[str, Callable[[Mapping[str, Any]], None]]:
    """The catalogue's Params as validators. By name: an entry point stands above all rooms, this room does not."""
    catalogue = importlib.import_module("app.demos").catalogue()
    return {slug: lambda params, demo=demo: demo.params.model_validate(dict(params)) for slug, demo in catalogue.items()}


def overview(library: Library) -> list[str]:
    """One line a question: number, topic, level, items by kind, and what is still missing."""
    lines = []
    for question in library.questions:
        page = question.text["zh"]
        kinds = Counter(item.kind for item in page.items)
        absent = [n for n, there in (("review", page.review), ("key points", page.key_points), ("follow-ups", page.follow_ups)) if not there]
        items = " ".join(f"{kind}:{count}" for kind, count in sorted(kinds.items()))
        lines.append(f"{question.number:2} {question.slug:28} {question.topic:12} L{question.level} {items}" + (f"  without {', '.join(absent)}" if absent else ""))
    return lines


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.content")
    parser.add_argument("command", choices=("check", "list"), nargs="?", default="check")
    parser.add_argument("--root", type=Path, default=ROOT / "questions")
    options = parser.parse_args(arguments)
    faults: list[ContentError] = []
    try:
        library = load(options.root)
    except ContentErrors as several:
        faults = several.faults
    except ContentError as fault:
        faults = [fault]
    else:
        if options.command == "list":
            print("\n".join(overview(library)))
            return 0
        faults = check(library, demo_params()) + cited_but_unknown(library)
    for fault in faults:
        print(fault)
    if not faults:
        items = sum(len(question.text["zh"].items) for question in library.questions)
        print(f"{len(library.questions)} questions, {items} items in two languages: no fault found")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
