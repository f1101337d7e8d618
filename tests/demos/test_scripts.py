"""The take-away scripts: downloaded, run alone without the app, they print the demo's own metrics."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

from app.demos import catalogue, scripts
from tests.demos.alone import printed
from tests.demos.playing import AWAY, measured, played

pytestmark = [pytest.mark.torch]

DEMOS = catalogue()
WITH_SCRIPT = [slug for slug in DEMOS if scripts.has(slug)]

every_script = pytest.mark.parametrize("slug", WITH_SCRIPT)

OWN = {"char-lm": "own", "forecast": "values"}  # the learner's own text, which a script reads from a file
EDGE = {"sentiment": 1.1 / 400}  # one review that lies on the line may tip


def assert_equal(slug: str, script: dict[str, float | None], **params: Any) -> None:
    demo = measured(played(slug, **params))
    assert script
    assert set(script) <= set(demo)
    for name, value in script.items():
        wanted = demo[name]
        if value is None or wanted is None:
            assert value is wanted, name
        else:
            assert value == pytest.approx(wanted, rel=1e-3, abs=EDGE.get(slug, 1e-6)), name


@every_script
def test_run_alone_it_prints_the_demos_metrics_and_honours_every_param(slug: str, tmp_path: Path) -> None:
    """Every one of its PARAMS stands away from its default, and the metrics still are the demo's."""
    params = AWAY[slug]
    text = scripts.script(slug, params)
    defaults = own_params(scripts.script(slug, {}))
    assert set(defaults) - {OWN.get(slug)} == set(params)
    assert [name for name in params if params[name] == defaults[name] and name != "seeds"] == []
    assert_equal(slug, printed(text, tmp_path))


@pytest.mark.parametrize("slug", ["gate-stepper", "gradient-flow"])
def test_so_it_does_on_its_command_line(slug: str, tmp_path: Path) -> None:
    arguments = [f"{name}={value}" for name, value in AWAY[slug].items()]
    assert_equal(slug, printed(scripts.script(slug, {}), tmp_path, *arguments))


def test_own_numbers_stand_in_a_file(tmp_path: Path) -> None:
    values = "year,value\n" + "\n".join(f"{k};{(k * 37) % 11 - 5.5}" for k in range(80))
    (tmp_path / "mine.csv").write_text(values, encoding="utf-8")
    params = {**AWAY["forecast"], "series": "own"}
    given = [f"{name}={value}" for name, value in params.items()]
    script = printed(scripts.script("forecast", {}), tmp_path, "mine.csv", *given)
    assert_equal("forecast", script, **params, values=values)


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
