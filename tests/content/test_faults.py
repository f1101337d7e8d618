"""What cannot be read: every structural rule is broken once, and file, line and remedy are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.content import ContentError, ContentErrors, load
from app.content.__main__ import main
from tests.content import samples
from tests.content.breaking import Case, assert_named, found
from tests.content.samples import QUESTION, ZH, write

# file, what is written, what is put there, the line's text that must be named, the fault
STRUCTURE: list[Case] = [
    ("zh.md", "# 什么是LSTM？\n", "", "", "0 '# ' titles"),
    ("zh.md", "## 原文", "写在前面\n\n## 原文", "写在前面", "text before the first '## ' heading"),
    (
        "zh.md",
        "## 原文\n",
        "",
        "**答案：** LSTM(长短期记忆)是RNN,有门。",
        "text before the first '## ' heading",
    ),
    ("zh.md", "## 点评", "## 评论", "## 评论", "unknown heading '## 评论'"),
    ("zh.md", "## 追问", "## 要点", "## 要点", "'## 要点' stands twice"),
    ("zh.md", "## 点评", "## 追问", "## 要点", "'## 要点' is out of order"),
    ("zh.md", "## 自测", "### 自测", None, "'## 自测' is missing"),
    ("zh.md", "## 自测\n", "## 自测\n\n多余\n", "多余", "text before the first item"),
    ("zh.md", "## 追问\n", "## 追问\n\n多余\n", "多余", "text before the first follow-up"),
    (
        "zh.md",
        "- [ ] (1) 三个门 :: 三个门 | 门控\n- [ ] (1.5)",
        "- 三个门\n- [ ] (1.5)",
        "- 三个门",
        "key point",
    ),
    ("zh.md", "- [ ] (1.5)", "多余\n\n- [ ] (1.5)", None, "cannot read this key point"),
    ("zh.md", "<!-- item: 07-a -->", "", "### 单选题？", "has no id"),
    ("zh.md", "<!-- item: 07-a -->", "<!-- item: 7a -->", "<!-- item: 7a -->", "item id '7a' cannot stand"),
    ("zh.md", "<!-- item: 07-b -->", "<!-- item: 07-a -->", "### 多选题？", "item id 07-a is used twice"),
    ("zh.md", "<!-- item: 07-b -->", "<!-- item: 17-b -->", "### 多选题？", "must begin with 07-"),
    ("zh.md", "<!-- item: 07-b -->", "<!-- itm: 07-b -->", "<!-- itm: 07-b -->", "cannot read '<!-- itm"),
    ("zh.md", "<!-- item: 07-b -->", "<!-- item: 07-b --> 文字", "<!-- item: 07-b --> 文字", "cannot read"),
    ("zh.md", "- [ ] 错一\n  > 因为甲。", "- 错一\n  > 因为甲。", "- 错一", "an option without a box"),
    ("zh.md", "  > 因为甲。", "  > 因为甲。\n\n  又一段", "  又一段", "more than text and feedback"),
    ("zh.md", "  > 因为丁。\n\n", "  > 因为丁。\n", "讲解一。", "a line without '>'"),
    ("zh.md", "> 提示在此。\n\n", "> 提示在此。\n多一行\n\n", "多一行", "a line without '>'"),
    ("zh.md", "讲解一。", "讲解。\n\n- [x] 又一个", "- [x] 又一个", "a second key"),
    ("zh.md", "2. 再\n", "2. 再\n\n   > 多余\n\n", "2. 再", "one paragraph"),
    (
        "zh.md",
        "{{c2::输出门}}",
        "{{c3::输出门}}",
        "LSTM 有 {{c1::遗忘门|遗忘}}和{{c3::输出门}}。",
        "not numbered",
    ),
    (
        "zh.md",
        "{{c1::遗忘门|遗忘}}",
        "{{c1::遗忘门|}}",
        "LSTM 有 {{c1::遗忘门|}}和{{c2::输出门}}。",
        "empty alternative",
    ),
    ("zh.md", "ANSWER: 2560 ± 0 个", "ANSWER: 多少", "ANSWER: 多少", "cannot read 'ANSWER: 多少'"),
    ("zh.md", "ANSWER: 2560 ± 0 个", "ANSWER: 2560", "ANSWER: 2560", "cannot read 'ANSWER: 2560'"),
    ("zh.md", "ANSWER: 2560 ± 0 个", "ANSWER: 2560 ± -1", "ANSWER: 2560 ± -1", "cannot read"),
    (
        "zh.md",
        "MISTAKE: -1 = ",
        "MISTAKE: 负一 = ",
        "MISTAKE: 负一 = 不会是负数。",
        "cannot read 'MISTAKE: 负一",
    ),
    (
        "zh.md",
        "MISTAKE: 2480",
        "\nMISTAKE: 2480",
        "MISTAKE: 2480 = 少了一组偏置。",
        "MISTAKE: away from ANSWER:",
    ),
    (
        "zh.md",
        "ANSWER: 0.5 ± 10%\n\n讲解。",
        "ANSWER: 0.5 ± 10%\n\nANSWER: 1 ± 0",
        "ANSWER: 1 ± 0",
        "a second key",
    ),
    ("zh.md", "ANSWER: 0.5 ± 10%\n", "", "### 预测一个数", "the item has no key"),
    ("zh.md", "ANSWER: 0.5 ± 10%", "1. 甲\n2. 乙\n3. 丙", "### 预测一个数", "a predict item without a guess"),
    ("zh.md", " metric=kept", "", "<!-- predict: stepper -->", "cannot read the predict line"),
    (
        "zh.md",
        "metric=kept",
        "metric=kept T",
        "<!-- predict: stepper metric=kept T -->",
        "cannot read the predict",
    ),
    (
        "zh.md",
        "range: -1..1",
        "range: a..1",
        "- [ ] 约为 1 <!-- range: a..1 -->",
        "range bound 'a' is no number",
    ),
    ("zh.md", "range: -1..1", "range: 1..-1", "- [ ] 约为 1 <!-- range: 1..-1 -->", "runs backwards"),
    ("zh.md", "#### 要点", "#### 别的", "#### 别的", "a heading inside an item"),
    ("zh.md", "#### 要点\n", "#### 要点\n\n文字\n", "#### 要点", "no key points"),
    ("question.toml", "number = 7", "number = ", "number = ", "not valid TOML"),
    ("question.toml", "number = 7", "number = 8", "number = 8", "number = 8 does not fit; number must be 7"),
    ("question.toml", '"gates"', '"none"', 'topic = "none"', "topic must be one of gates, gradients"),
    ("question.toml", "level = 2", "level = 9", "level = 9", "level must be 1, 2 or 3"),
    ("question.toml", "level = 2", "", None, "level is missing"),
    ("question.toml", "level = 2", "level = 2\nextra = 1", "extra = 1", "unknown field 'extra'"),
    ("question.toml", '["S1"]', '"S1"', 'sources = "S1"', "sources must be a list of keys"),
    (
        "question.toml",
        "level = 2",
        'level = 2\nnear = ["4"]',
        'near = ["4"]',
        "near must be a list of question numbers",
    ),
    ("question.toml", '"wrong"', '"right"', 'verdict = "right"', "verdict must be one of holds"),
    ("question.toml", 'look_zh = "看 $c$ 怎样变化。"\n', "", "[demo]", "demo.look_zh is missing"),
    ("question.toml", "{ T = 50 }", '"T=50"', 'params = "T=50"', "demo.params has the wrong type"),
    ("question.toml", "look_en", "look_fr", 'look_fr = "Watch $c$."', "unknown field demo.look_fr"),
]


@pytest.mark.parametrize("case", STRUCTURE)
def test_a_fault_names_file_line_and_remedy(tmp_path: Path, case: Case) -> None:
    assert_named(tmp_path, case)


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    """Of every file, item and field, not only the first."""
    zh = ZH.replace("<!-- item: 07-a -->", "").replace("ANSWER: 2560", "ANSWER: x").replace("(1.5) ", "")
    write(tmp_path, zh=zh, question=QUESTION.replace("level = 2", "level = 9"))
    with pytest.raises(ContentErrors) as error:
        load(tmp_path)
    faults = error.value.faults
    assert {Path(each.file).name for each in faults} == {"zh.md", "en.md", "question.toml"}
    assert sum(each.file.endswith("zh.md") for each in faults) == 3
    assert all(str(each) in str(error.value) for each in faults)


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "en.md").unlink()
    (folder / "zh.md").write_bytes(b"# x\n\n\xff\n")
    text = "\n".join(map(str, found(tmp_path)))
    assert f"{folder / 'en.md'}:1: the file is missing" in text
    assert f"{folder / 'zh.md'}:3: the file is not UTF-8" in text
    (folder / "zh.md").write_bytes("# 标题\n\n## 原文\r\n".encode())
    assert f"{folder / 'zh.md'}:3: a line ends with CR" in "\n".join(map(str, found(tmp_path)))


def test_folders_that_are_no_questions(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "Notes").mkdir()
    (tmp_path / ".cache").mkdir()
    assert [each.fault for each in found(tmp_path)] == ["not a question's folder"]


def test_two_questions_of_one_number(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, slug="07-other")
    assert any("number 7 is taken by 07-other" in each.fault for each in found(tmp_path))


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("topics.toml", 'en = "Gates"\n', "", "topic 1 has no en"),
        ("topics.toml", samples.TOPICS, "", "no topics"),
        ("sources.toml", "[S2]", "[Gers]", "'Gers' is no source key"),
        ("sources.toml", "year = 2000", 'year = "2000"', "S2.year has the wrong type"),
        ("sources.toml", "year = 2000\n", "", "S2 has no year"),
        ("sources.toml", '"from memory"', '"perhaps"', "S2.checked is 'perhaps'"),
        ("sources.toml", "also", "more", "S2 has an unknown field more"),
    ],
)
def test_the_shared_tables(tmp_path: Path, name: str, old: str, new: str, fault: str) -> None:
    write(tmp_path)
    path = tmp_path / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ContentError) as error:
        load(tmp_path)
    assert fault in error.value.fault
    assert error.value.remedy
    assert error.value.file == str(path)


def test_the_command_fails_and_prints_the_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zh = ZH.replace("- [x] 对\n", "- [ ] 对\n")
    write(tmp_path, zh=zh)
    assert main(["check", "--root", str(tmp_path)]) == 1
    assert "07-a: 0 options are marked [x]; mark exactly one" in capsys.readouterr().out
    assert main(["list", "--root", str(tmp_path)]) == 0
    assert "07-sample" in capsys.readouterr().out
    (tmp_path / "topics.toml").unlink()
    assert main(["check", "--root", str(tmp_path)]) == 1
    assert "topics.toml:1: the file is missing" in capsys.readouterr().out
