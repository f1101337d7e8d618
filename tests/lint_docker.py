"""Read Dockerfile and compose.yaml as a reviewer would, where no Docker engine is at hand.

python -m tests.lint_docker; exits 1 with one line for each fault.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
KNOWN = frozenset(
    "FROM RUN CMD COPY ENV ARG WORKDIR USER VOLUME EXPOSE HEALTHCHECK STOPSIGNAL ENTRYPOINT LABEL".split()  # noqa: SIM905
)


def instructions(text: str) -> list[tuple[int, str, str]]:
    """(line, instruction, arguments), continuations joined, comments dropped."""
    found: list[tuple[int, str, str]] = []
    held, began = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if not held and (not line.strip() or line.lstrip().startswith("#")):
            continue
        began = began or number
        held += line.rstrip("\\") + " "
        if line.endswith("\\"):
            continue
        word, _, rest = held.strip().partition(" ")
        found.append((began, word.upper(), rest.strip()))
        held, began = "", 0
    return found


def dockerfile_faults(text: str, root: Path) -> list[str]:
    """Unknown instructions, missing files, root at the end, no health check, shell-form CMD, unpinned images."""
    steps = instructions(text)
    faults = [
        f"Dockerfile:{line}: unknown instruction {word}" for line, word, _ in steps if word not in KNOWN
    ]
    stages = [rest.split() for _, word, rest in steps if word == "FROM"]
    names = {parts[2] for parts in stages if len(parts) == 3 and parts[1].upper() == "AS"}
    loose = [parts[0] for parts in stages if ":" not in parts[0] or parts[0].endswith(":latest")]
    faults += [f"Dockerfile: image {image} has no fixed tag" for image in loose]
    if len(stages) < 2:
        faults.append("Dockerfile: one stage only")
    for line, word, rest in steps:
        if word == "COPY":
            origin = re.match(r"--from=(\S+)\s+", rest)
            if origin:
                if origin[1] not in names:
                    faults.append(f"Dockerfile:{line}: no stage named {origin[1]}")
                continue
            *sources, _target = rest.split()
            faults += [f"Dockerfile:{line}: {s} is not there" for s in sources if not (root / s).exists()]
        if word == "CMD":
            try:
                json.loads(rest)
            except ValueError:
                faults.append(f"Dockerfile:{line}: CMD in shell form does not receive signals")
    users = [rest for _, word, rest in steps if word == "USER"]
    if not users or users[-1] in ("root", "0"):
        faults.append("Dockerfile: the last stage runs as root")
    if not any(word == "HEALTHCHECK" for _, word, _ in steps):
        faults.append("Dockerfile: no health check")
    return faults


def compose_faults(text: str, root: Path) -> list[str]:
    """Services that are not built here, publish on every interface, or mount volumes nobody declared."""
    whole: dict[str, Any] = yaml.safe_load(text)
    faults = []
    for name, service in whole["services"].items():
        if not (root / service.get("build", "?") / "Dockerfile").exists():
            faults.append(f"compose.yaml: {name} builds from a folder without Dockerfile")
        faults += [
            f"compose.yaml: {name} publishes {p} on every interface"
            for p in service.get("ports", [])
            if p.count(":") < 2
        ]
        for mount in service.get("volumes", []):
            if mount.split(":")[0] not in whole.get("volumes", {}):
                faults.append(f"compose.yaml: {name} mounts {mount}, which is not declared")
    return faults


def main() -> int:
    faults = dockerfile_faults((ROOT / "Dockerfile").read_text(encoding="utf-8"), ROOT)
    faults += compose_faults((ROOT / "compose.yaml").read_text(encoding="utf-8"), ROOT)
    print("\n".join(faults) or "Dockerfile and compose.yaml: no fault found")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
