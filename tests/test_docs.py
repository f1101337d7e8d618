"""The documents, followed literally: a question added appears, a demo added is listed and runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.config import ROOT, Settings
from app.content import load
from app.content.check import check
from app.main import build
from tests.conftest import QuietEngine

DOCS = ROOT / "docs"


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of one language in a document."""
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / name).read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture
def added(tmp_path: Path) -> Path:
    """The project's tree as far as the web reads it, with few questions, and with the documents' one in it."""
    root = tmp_path / "project"
    for name in ("templates", "static"):
        shutil.copytree(ROOT / name, root / name)
    others = shutil.ignore_patterns("0[4-9]-*", "[1-4]?-*", "glossary.toml")
    shutil.copytree(ROOT / "questions", root / "questions", ignore=others)
    folder = root / "questions" / "31-added-by-the-book"
    folder.mkdir()
    (table,) = blocks("adding-a-question.md", "toml")
    (item,) = blocks("adding-a-question.md", "markdown")
    table = re.sub(r"^verdict.*\n", "", table, flags=re.M)  # as the table says: left out beyond the source
    (folder / "question.toml").write_text(table, encoding="utf-8")
    second = item.replace("31-a", "31-b").replace("Which gate erases?", "Which gate wipes the old state?")
    text = f"# Which gate erases?\n\n## Answer\n\nThe forget gate [@S1].\n\n## Items\n\n{item}\n{second}"
    (folder / "en.md").write_text(text, encoding="utf-8")
    for en, zh in (("## Answer", "## 解答"), ("## Items", "## 自测")):
        text = text.replace(en, zh)
    (folder / "zh.md").write_text(text, encoding="utf-8")
    return root


def test_a_question_added_by_the_book_is_clean_and_appears(added: Path, tmp_path: Path) -> None:
    library = load(added / "questions")
    assert [str(fault) for fault in check(library) if "31-added" in fault.file] == []
    settings = Settings.load(tmp_path / "data", environ={"MENDAO_SECRET_KEY": "k" * 40})
    moved = Settings(settings.data, settings.database_url, settings.secret_key, root=added)
    with TestClient(build(moved, engine=QuietEngine()), base_url="http://testserver") as client:  # type: ignore[arg-type]
        assert "31-added-by-the-book" not in client.get("/en/questions/").text
        assert "31-added-by-the-book" in client.get("/en/questions/?beyond=true").text
        assert "The forget gate" in client.get("/en/questions/31-added-by-the-book").text
        marked = client.post("/api/items/31-a/attempts", json={"response": [1]})
        assert marked.json()["correct"]


@pytest.mark.torch
def test_a_demo_added_by_the_book_is_listed_and_runs(tmp_path: Path) -> None:
    (code,) = blocks("adding-a-demo.md", "python")
    (tmp_path / "coin_flips.py").write_text(code, encoding="utf-8")
    script = (
        f"import sys, app.demos; app.demos.__path__.append({str(tmp_path)!r})\n"
        "from app.__main__ import main\n"
        "main(['demos']); sys.exit(main(['demo', 'coin-flips', '--flips', '50', '--seed', '3']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "coin-flips" in done.stdout
    assert re.search(r"distance\s+0\.\d+.*The mean tends to one half", done.stdout)


def test_every_document_named_is_there() -> None:
    for path in [ROOT / "README.md", *DOCS.glob("*.md"), *(DOCS / "decisions").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_readme_counts_what_there_is() -> None:
    from app.demos import catalogue

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"\): (\d+) experiments on real small networks", text)
    assert found is not None
    assert int(found[1]) == len(catalogue())
