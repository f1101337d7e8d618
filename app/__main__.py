"""The command line of the lab: python -m app demos | demo SLUG --param value … [--json] [--record FILE]"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from tqdm import tqdm

from app.demos import catalogue
from app.protocol import (
    AnyEvent,
    Demo,
    Failed,
    Gates,
    Metric,
    Params,
    Progress,
    Scalar,
    Seed,
    encode,
    params_schema,
)

RECORDED_FRAMES, RECORDED_BYTES = 16, 80_000  # of gates, at most
VERDICTS = {"": "", "holds": "holds", "fails": "does not hold", "depends": "depends"}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demos", help="list the demos")
    one = commands.add_parser("demo", help="run a demo here, without a server")
    slugs = one.add_subparsers(dest="slug", required=True, metavar="SLUG")
    for demo in catalogue().values():
        _add(slugs, demo)
    options = parser.parse_args(arguments)
    if options.command == "demos":
        for demo in catalogue().values():
            print(f"{demo.slug:20} {demo.title.zh} / {demo.title.en}")
        return 0
    demo = catalogue()[options.slug]
    given = {
        name: value for name in demo.params.model_fields if (value := getattr(options, name)) is not None
    }
    try:
        params = demo.params.model_validate_strings(given)
    except ValidationError as error:
        for fault in error.errors():
            where = ".".join(str(part) for part in fault["loc"]) or "params"
            print(f"--{where}: {fault['msg']}", file=sys.stderr)
        return 2
    return _run(demo, params, as_json=options.json, record=options.record)


def _add(slugs: Any, demo: Demo) -> None:
    command = slugs.add_parser(demo.slug, help=demo.title.en, description=demo.summary.en)
    for name, field in params_schema(demo.params, "en")["properties"].items():
        bounds = ", ".join(
            f"{word} {field[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in field
        )
        choices = field.get("enum")
        text = " ".join(
            part
            for part in (field["title"], f"({bounds})" if bounds else "", f"[{field['default']}]")
            if part
        )
        command.add_argument(
            f"--{name}", choices=choices, help=text.replace("%", "%%"), metavar=None if choices else "VALUE"
        )
    command.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    command.add_argument(
        "--record", type=Path, metavar="FILE", help="write a thinned recording for the pages"
    )


def _run(demo: Demo, params: Params, *, as_json: bool, record: Path | None) -> int:
    from app.network import prepare_process

    prepare_process()
    events: list[AnyEvent] = []
    with tqdm(
        total=1,
        desc=demo.slug,
        file=sys.stderr,
        disable=as_json,
        bar_format="{desc} {bar} {percentage:3.0f} % {elapsed}",
    ) as bar:
        for event in demo.run(params):
            if as_json:
                print(encode(event).decode())
            if isinstance(event, Progress):
                bar.total = event.total
                bar.update(event.done - bar.n)
            events.append(event)
    if not as_json:
        _report(demo, events)
    if record is not None:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(recording(demo, params, events), encoding="utf-8")
    return 1 if isinstance(events[-1], Failed) else 0


def _report(demo: Demo, events: Iterable[AnyEvent]) -> None:
    claims = {claim.id: claim.text.en for claim in demo.claims}
    print(f"\n{demo.title.en}")
    for event in events:
        if isinstance(event, Metric):
            value = "not finite" if event.value is None else f"{event.value:.6g}"
            seeds = f"  {event.solved} of {event.seeds} seeds" if event.seeds else ""
            claim = f"  | {claims[event.claim]}: {VERDICTS[event.verdict]}" if event.claim else ""
            print(f"  {event.name:20} {value:>12} {event.unit}{seeds}{claim}")
        elif isinstance(event, Seed):
            plain = (
                f"solved at step {event.step}" if event.solved else f"not solved within {event.step} steps"
            )
            said = event.said.en if event.said else plain
            print(f"  {event.lane:20} seed {event.seed}: {said} ({event.value:.3f})")
        elif isinstance(event, Failed):
            print(f"  failed: {event.message.en}")


def recording(demo: Demo, params: Params, events: list[AnyEvent]) -> str:
    """A run thinned to what a first picture needs: a few gate frames, 60 points a curve, all else."""
    gates = [event for event in events if isinstance(event, Gates)]
    room = RECORDED_BYTES // len(encode(gates[0])) if gates else 1
    stride = max(1, -(-len(gates) // max(2, min(RECORDED_FRAMES, room))))
    kept = {id(event) for event in [*gates[::stride], *gates[-1:]]}
    series: dict[tuple[str, str], int] = {}
    for event in events:
        if isinstance(event, Scalar):
            series[event.panel, event.series] = series.get((event.panel, event.series), 0) + 1
    seen: dict[tuple[str, str], int] = {}
    chosen = []
    for event in events:
        if isinstance(event, Gates) and id(event) not in kept:
            continue
        if isinstance(event, Scalar):
            key = (event.panel, event.series)
            seen[key] = seen.get(key, 0) + 1
            if seen[key] % max(1, series[key] // 60) and seen[key] != series[key]:
                continue
        if isinstance(event, get_args(AnyEvent)) and not isinstance(event, Progress):
            chosen.append(json.loads(encode(event)))
    whole = {"demo": demo.slug, "params": params.model_dump(mode="json"), "events": chosen}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    sys.exit(main())
