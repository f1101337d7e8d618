"""What may not be published: every rule of the check is broken once, and file, line and remedy are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.content import load
from app.content.check import check
from tests.content.breaking import Case, assert_named, found
from tests.content.samples import QUESTION, ZH, write

# file (both: both languages), what is written, what is put there, the line that must be named, the fault
RULES: list[Case] = [
    ("zh.md", "- [x] 对\n", "- [ ] 对\n", "### 单选题？", "07-a: 0 options are marked [x]"),
    ("both", "- [ ] 错二\n  > 反馈。\n", "", "### 多选题？", "07-b: 1 wrong options in a multi"),
    ("both", "  > 因为甲。\n", "", "- [ ] 错一", "07-a: the option has no feedback"),
    ("both", "讲解一。\n\n讲解二。\n", "", "### 单选题？", "07-a: no explanation"),
    (
        "both",
        "- [ ] 错二\n  > 因为丁。",
        "- [ ] 错一\n  > 因为丁。",
        "- [ ] 错一",
        "07-a: two options read the same",
    ),
    ("both", "3. 后\n", "", "### 排序题", "07-c: 2 steps"),
    ("both", "### 排序题", "### 1. 排序题", "### 1. 排序题", "07-c: the prompt begins with a list"),
    ("both", "MISTAKE: 2480", "MISTAKE: 2560", "### 计算题", "07-e: MISTAKE: 2560 is accepted as right"),
    ("both", "- [x] 第 3 行", "- [x] 第 4 行", "- [x] 第 4 行", "07-f: the code has no line 4"),
    ("both", "- [ ] 第 1 行", "- [ ] 第 3 行", "### 找错题", "07-f: the lines are not in order"),
    ("both", "(3!) 加法更新", "(3) 加法更新", "### 口述题？", "07-g: no key point is essential"),
    (
        "both",
        "(3!) 加法更新 :: 加法 | 相加",
        "(3!) 加法更新 :: 加法",
        "- [ ] (3!) 加法更新 :: 加法",
        "1 phrasings",
    ),
    ("both", "(3!) 加法更新 :: 加法 | 相加", "(3!) 加法更新 :: 加法 | 加法", None, "a phrasing stands twice"),
    (
        "both",
        "(3!) 加法更新 :: 加法 | 相加",
        "(3!) 加法更新 :: 加法 | 加法了",
        None,
        "phrasings '加法' and '加法了' read the same",
    ),
    (
        "both",
        "(3!) 加法更新 :: 加法 | 相加",
        "(3!) 加法更新 :: 加法 | 的",
        None,
        "phrasing '的' has a piece without an idea",
    ),
    (
        "both",
        "(3!) 加法更新 :: 加法 | 相加",
        "(3!) 加法更新 :: 加法 | 都…相加",
        None,
        "phrasing '都…相加' has a piece without an idea",
    ),
    (
        "both",
        "(3!) 加法更新 :: 加法 | 相加",
        "(3!) 加法更新 :: 加法 | {do, use} it",
        None,
        "has a piece without an idea",
    ),
    (
        "both",
        "(3!) 加法更新 :: 加法 | 相加",
        "(3!) 加法更新 :: 加法 | 不了",
        None,
        "phrasing '不了' is read as a mere negator",
    ),
    (
        "both",
        "(3!) 加法更新 :: 加法 | 相加",
        "(3!) 加法更新 :: 加法 | {adds, added}",
        None,
        "two alternatives in '{adds, added}' read the same",
    ),
    (
        "both",
        "(3!) 加法更新 :: 加法 | 相加",
        "(3!) 加法更新 :: 加法 | {a1, b1, c1, d1, e1, f1, g1, h1}{1, 2, 3, 4, 5, 6, 7, 8}",
        None,
        "has more than 60 wordings",
    ),
    ("both", "(3!) 加法更新", "(0!) 加法更新", None, "a key point without weight"),
    ("both", "- [ ] (1.5) 遗忘门接近 1 :: 接近 1 | 约等于 1\n", "", "## 要点", "2 key points"),
    ("both", " <!-- range: -1..1 -->", "", "- [ ] 约为 1", "07-h: an option of a predict without a range"),
    ("both", "range: -1..1", "range: -7..1", "### 预测题？", "07-h: the ranges of two options overlap"),
    ("both", "- [x] 很小 ", "- [ ] 很小 ", "### 预测题？", "07-h: 0 options are marked [x]"),
    (
        "both",
        "- [ ] 错一\n  > 因为甲。",
        "- [ ] 错一 <!-- range: 1..2 -->\n  > 因为甲。",
        None,
        "options carry ranges",
    ),
    (
        "both",
        "### 口述题？\n",
        "### 口述题？\n<!-- check: 1 -->\n",
        "### 口述题？",
        "07-g: a check without an ANSWER:",
    ),
    ("both", "<!-- check: 4*20*(10+20)+8*20 -->\n", "", "### 计算题", "07-e: a number that nothing computes"),
    ("both", "4*20*(10+20)+8*20", "4*20*(10+20)+4*20", "### 计算题", "07-e: the check gives 2480"),
    ("both", "4*20*(10+20)+8*20", "open('x')", "### 计算题", "07-e: the check cannot be computed: NameError"),
    (
        "both",
        "4*20*(10+20)+8*20",
        "math.inf",
        "### 计算题",
        "07-e: the check cannot be computed: it gives inf",
    ),
    ("en.md", "ANSWER: 2560", "ANSWER: 2561", "### 计算题", "07-e: answer differ from zh.md"),
    ("en.md", "± 10%", "± 11%", "### 预测一个数", "07-i: answer differ from zh.md"),
    ("en.md", "MISTAKE: 2480", "MISTAKE: 2481", "### 计算题", "07-e: named mistakes differ from zh.md"),
    ("en.md", "<!-- check: 4*", "<!-- check: 5*", "### 计算题", "07-e: check differ from zh.md"),
    (
        "en.md",
        "- [ ] 错二\n  > feedback",
        "- [x] 错二\n  > feedback",
        "### 多选题？",
        "07-b: right options differ",
    ),
    ("en.md", "item: 07-c", "item: 07-z", "### 排序题", "the items' ids or their order differ from zh.md"),
    ("en.md", "和{{c2::输出门}}", "", "### 填空题", "07-d: blanks differ from zh.md: 1, there 2"),
    ("en.md", "range: -1..1", "range: -2..1", "### 预测题？", "07-h: ranges differ"),
    ("en.md", "(3!)", "(2!)", "### 口述题？", "07-g: key points differ"),
    ("en.md", "(1.5)", "(1)", "## Key points", "key points differ from zh.md"),
    (
        "en.md",
        "### 为什么用 tanh？\n\n因为它有界。",
        "",
        "## Follow-ups",
        "follow ups differ from zh.md: 0, there 1",
    ),
    ("en.md", "T=50 scale", "T=51 scale", "### 预测题？", "07-h: predict differ"),
    ("en.md", "optimizer.step()\n", "", None, "07-f: lines of code differ from zh.md"),
    ("en.md", "> 提示在此。\n", "", "### 单选题？", "07-a: hint differ from zh.md"),
    ("en.md", "Line 1", "Line 2", "### 找错题", "07-f: lines to choose differ"),
    ("en.md", "3. 后\n", "3. 后\n4. 终\n", "### 排序题", "07-c: right options differ"),
    ("zh.md", "因为它有界。", "因为它<b>有界</b>。", "因为它<b>有界</b>。", "raw HTML '<b>'"),
    ("zh.md", "因为它有界。", "<div>\n有界\n</div>", "<div>", "raw HTML"),
    (
        "zh.md",
        "因为它有界。",
        "因为它<!-- 见上 -->有界。",
        "因为它<!-- 见上 -->有界。",
        "raw HTML '<!-- 见上 -->'",
    ),
    (
        "zh.md",
        "因为它有界。",
        "因为 $\\nothing$ 有界。",
        "因为 $\\nothing$ 有界。",
        "maths cannot be rendered",
    ),
    (
        "zh.md",
        "c_t = f_t",
        "\\nothing = f_t",
        "$$\\nothing = f_t \\odot c_{t-1} + i_t \\odot g_t$$",
        "maths cannot",
    ),
    ("zh.md", "因为它有界。", "因为\n它 $c_t 有界。", "它 $c_t 有界。", "'$' is shown as it stands"),
    ("zh.md", "因为它有界。", "因为**它 有界。", "因为**它 有界。", "'**' is shown as it stands"),
    ("zh.md", "[@S1]", "[@S9]", "**注意：**原文少了公式 [@S9]：", "[@S9] is cited but not in sources.toml"),
    ("zh.md", "[@S1]", "[@S2]", "**注意：**原文少了公式 [@S2]：", "[@S2] is cited but not listed"),
    ("zh.md", "[@S1]", "[@ S1]", "**注意：**原文少了公式 [@ S1]：", "'[@' is shown as it stands"),
    (
        "zh.md",
        "因为它有界。",
        "见[这里](../99-none/zh.md)。",
        "见[这里](../99-none/zh.md)。",
        "leads nowhere",
    ),
    ("zh.md", "因为它有界。", "见[这里](/zh/lab)。", "见[这里](/zh/lab)。", "leads nowhere"),
    ("zh.md", "因为它有界。", "![图](https://a.org/a.png)", "![图](https://a.org/a.png)", "an image"),
    ("both", "LSTM 有 {{c1", "LSTM 有 **{{c1", None, "'**' opens before a blank"),
    ("both", "LSTM 有 {{c1::遗忘门|遗忘}}", "LSTM 有 ${{c1::遗忘门|遗忘}}$ ", None, "a blank inside maths"),
    ("zh.md", "因为它有界。", "因为它有界,所以。", "因为它有界,所以。", "half-width ','"),
    ("zh.md", "因为它有界。", "因为tanh有界。", "因为tanh有界。", "no space between Chinese and Latin"),
    ("question.toml", "怎样变化。", "怎样变化.", 'look_zh = "看 $c$ 怎样变化."', "half-width '.'"),
    ("question.toml", '["S1"]', '["S1", "S9"]', 'sources = ["S1", "S9"]', "source S9 is not in sources.toml"),
    ("question.toml", 'verdict = "wrong"\n', "", None, "no verdict"),
    ("question.toml", "level = 2", "level = 2\nnear = [9]", "near = [9]", "there is no other question 9"),
    ("question.toml", "level = 2", "level = 2\nduplicate_of = 7", "duplicate_of = 7", "no other question 7"),
    ("question.toml", '"stepper"', '"no-such"', 'slug = "no-such"', "there is no demo 'no-such'"),
    (
        "question.toml",
        "T = 50",
        "T = 500",
        'slug = "stepper"',
        "demo stepper refuses {'T': 500}: T must be at most 100",
    ),
    ("both", "stepper metric=kept", "adding-race metric=kept", "### 预测一个数", "only planned"),
    ("both", "stepper metric=kept", "stepper T=500 metric=kept", "### 预测一个数", "demo stepper refuses"),
]


@pytest.mark.parametrize("case", RULES)
def test_a_fault_names_file_line_and_remedy(tmp_path: Path, case: Case) -> None:
    assert_named(tmp_path, case)


def test_the_sample_has_no_fault(tmp_path: Path) -> None:
    write(tmp_path)
    assert found(tmp_path) == []


def test_a_wrong_option_is_needed(tmp_path: Path) -> None:
    """Two edits at once: both wrong options of the single go."""
    zh = ZH.replace("- [ ] 错一\n  > 因为甲。\n", "").replace("- [ ] 错二\n  > 因为丁。\n", "")
    write(tmp_path, zh=zh)
    assert "there is no wrong option" in "\n".join(map(str, found(tmp_path)))


def test_two_machine_marked_items_are_needed(tmp_path: Path) -> None:
    zh = ZH[: ZH.index("### 单选题")] + ZH[ZH.index("### 口述题") :]
    write(tmp_path, zh=zh)
    assert "0 items that a machine marks" in "\n".join(map(str, found(tmp_path)))


def test_a_duplicate_has_the_title_and_answer_of_its_first(tmp_path: Path) -> None:
    write(tmp_path)
    table = QUESTION.replace("number = 7", "number = 8\nduplicate_of = 7")
    copy = ZH.replace("item: 07", "item: 08")
    folder = write(tmp_path, slug="08-again", zh=copy, question=table)
    assert found(tmp_path) == []
    (folder / "zh.md").write_text(copy.replace("**解析：** 见上。", "**解析：** 见下。"), encoding="utf-8")
    assert found(tmp_path) == []
    (folder / "zh.md").write_text(copy.replace("1. 第一步", "1. 第二步"), encoding="utf-8")
    assert [each.fault for each in found(tmp_path)] == ["the answers in zh.md differ from 07-sample"]


def test_without_demos_they_are_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path, question=QUESTION.replace("stepper", "no-such"))
    assert check(load(tmp_path)) == []
