"""The take-away scripts: downloaded, run alone without the app, they print the demo's own metrics."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import app.network
from app.demos import catalogue, scripts
from app.protocol import Demo, Metric

pytestmark = [pytest.mark.torch]

DEMOS = catalogue()
WITH_SCRIPT = [slug for slug in DEMOS if scripts.has(slug)]
DATASETS = Path(app.network.__file__).parent / "datasets"

every_script = pytest.mark.parametrize("slug", WITH_SCRIPT)


def printed(text: str, folder: Path, *arguments: str) -> dict[str, float | None]:
    """The metrics that the script prints when it runs alone: no app on its path, no user site, no environment."""
    path = folder / "taken_away.py"
    path.write_text(text, encoding="utf-8")
    for data in DATASETS.glob("*.*") if DATASETS.is_dir() else ():
        if data.suffix in (
            ".json",
            ".npz",
            ".safetensors",
            ".gz",
        ):  # a script that needs data finds it beside itself
            shutil.copy(data, folder)
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", path.name, *arguments],
        cwd=folder, capture_output=True, text=True, timeout=110, check=False,
        env={"PATH": os.environ.get("PATH", ""), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(set(line) == {"metric", "value"} for line in lines)
    assert len({line["metric"] for line in lines}) == len(lines)
    return {line["metric"]: line["value"] for line in lines}


def measured(demo: Demo, **params: Any) -> dict[str, float | None]:
    events = demo.run(demo.params.model_validate({**demo.quick, **params}))
    return {event.name: event.value for event in events if isinstance(event, Metric)}


def assert_equal(script: dict[str, float | None], demo: dict[str, float | None]) -> None:
    assert script
    assert set(script) <= set(demo)
    for name, value in script.items():
        wanted = demo[name]
        if value is None or wanted is None:
            assert value is wanted, name
        else:
            assert value == pytest.approx(wanted, rel=1e-3, abs=1e-6), name


@every_script
def test_a_script_run_alone_prints_the_demos_metrics(slug: str, tmp_path: Path) -> None:
    demo = DEMOS[slug]
    assert_equal(printed(scripts.script(slug, {**demo.quick}), tmp_path), measured(demo))


OTHER: dict[str, dict[str, Any]] = {
    "gate-stepper": {
        "text": "1, -1 0.5", "steps": 7, "hidden": 3, "forget_bias": 2.0, "c0": -2.0, "clamp": "open",
        "clamp_gate": "g", "clamp_value": -0.5, "clamp_from": 2, "clamp_to": 4, "seed": 5,
    },
    "gradient-flow": {
        "cell": "gru", "T": 12, "forget_bias": 1.5, "scale": 4.0, "clip": 0.01, "hidden": 9, "seeds": 2, "seed": 3,
    },
    "temporal-order": {"T": 12, "steps": 60, "lr": 0.03, "hidden": 12, "seeds": 1, "seed": 4},
    "clip-lab": {"method": "value", "threshold": 0.5, "scale": 6.0, "lr": 0.3, "steps": 8, "seed": 2},
}  # fmt: skip


@pytest.mark.parametrize("slug", list(OTHER))
def test_it_honours_every_param_at_its_top(slug: str, tmp_path: Path) -> None:
    """Every one of its PARAMS stands away from its default, and the metrics still are the demo's."""
    text, params = scripts.script(slug, OTHER[slug]), OTHER[slug]
    defaults = own_params(scripts.script(slug, {}))
    assert set(defaults) == set(params)
    assert [name for name in params if params[name] == defaults[name] and name != "seeds"] == []
    assert_equal(printed(text, tmp_path), measured(DEMOS[slug], **params))


@pytest.mark.parametrize("slug", ["gate-stepper", "gradient-flow"])
def test_so_it_does_on_its_command_line(slug: str, tmp_path: Path) -> None:
    arguments = [f"{name}={value}" for name, value in OTHER[slug].items()]
    assert_equal(
        printed(scripts.script(slug, {}), tmp_path, *arguments), measured(DEMOS[slug], **OTHER[slug])
    )


def own_params(text: str) -> dict[str, Any]:
    (line,) = [line for line in text.splitlines() if line.startswith("PARAMS = ")]
    found: dict[str, Any] = ast.literal_eval(line.removeprefix("PARAMS = "))
    return found


@every_script
def test_its_params_are_the_demos_defaults(slug: str) -> None:
    demo = DEMOS[slug]
    defaults = demo.params().model_dump()
    own = own_params(scripts.script(slug, {}))
    assert own == {name: defaults[name] for name in own}
    assert [type(value) for value in own.values()] == [type(defaults[name]) for name in own]


@every_script
def test_only_what_it_honours_is_put_in(slug: str) -> None:
    own = own_params(scripts.script(slug, {}))
    text = scripts.script(slug, {"seed": 77, "hold": "f=1", "nonsense": 3})
    assert own_params(text) == {**own, "seed": 77}


@every_script
def test_it_needs_torch_numpy_and_the_standard_library_alone(slug: str) -> None:
    allowed = {"torch", "numpy", *sys.stdlib_module_names}
    tree = ast.parse(scripts.script(slug, {}))
    for node in ast.walk(tree):
        names: list[str | None] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module]
        assert all(name and name.split(".")[0] in allowed for name in names)
    assert "Run:" in (ast.get_docstring(tree) or "") or "python " in (ast.get_docstring(tree) or "")


@pytest.mark.parametrize("text", ["it's", 'a "quote"', "back\\slash", "换行\n", "{braces}", "'''"])
def test_a_learners_text_cannot_leave_its_quotes(text: str) -> None:
    """What is typed into the form comes back as a string literal and as nothing else."""
    made = scripts.script("gate-stepper", {"text": text})
    assert own_params(made)["text"] == text
    ast.parse(made)


def test_a_demo_without_script_says_so() -> None:
    assert not scripts.has("no-such-demo")
    with pytest.raises(KeyError):
        scripts.script("no-such-demo", {})
