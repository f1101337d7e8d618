"""The sample folder broken on purpose, and what is then said of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.content import ContentError, ContentErrors, load
from app.content.check import check
from tests.content.samples import QUESTION, ZH, english, write


def stepper(params: Mapping[str, Any]) -> None:
    if params.get("T", 1) > 100:
        raise ValueError("T must be at most 100")


DEMOS = {"stepper": stepper}


def found(root: Path) -> list[ContentError]:
    try:
        return check(load(root), DEMOS)
    except ContentErrors as several:
        return several.faults


def broken(tmp_path: Path, name: str, old: str, new: str) -> list[ContentError]:
    """The faults after `old` became `new` in one file of the sample ('both': in both languages)."""
    files = {"zh.md": ZH, "en.md": english(ZH), "question.toml": QUESTION}
    if name == "both":
        assert ZH.count(old) == 1, old
        zh = ZH.replace(old, new)
        write(tmp_path, zh=zh, en=english(zh))
    else:
        assert old in files[name], old
        files[name] = files[name].replace(old, new, 1)
        write(tmp_path, zh=files["zh.md"], en=files["en.md"], question=files["question.toml"])
    return found(tmp_path)


Case = tuple[str, str, str, str | None, str]  # file, what is written, what is put there, line, fault


def assert_named(tmp_path: Path, case: Case) -> None:
    """`fault` is found, in that file, at the line that reads `line`; and every fault is whole."""
    name, old, new, line, fault = case
    faults = broken(tmp_path, name, old, new)
    for each in faults:
        lines = Path(each.file).read_text(encoding="utf-8").split("\n")
        assert Path(each.file).parent == tmp_path / "07-sample"
        assert 1 <= each.line <= len(lines)
        assert each.remedy
        assert str(each) == f"{each.file}:{each.line}: {each.fault}; {each.remedy}"
    hits = [each for each in faults if fault in str(each)]
    assert hits, "\n".join(map(str, faults)) or "no fault found"
    path = Path(hits[0].file)
    assert name in ("both", path.name)
    if line is not None:
        expected = english(line) if path.name == "en.md" else line
        assert path.read_text(encoding="utf-8").split("\n")[hits[0].line - 1] == expected
