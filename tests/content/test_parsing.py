"""Every kind of item and every section, read from a sample folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.content import Library, load, plain_blanks
from app.content.models import Item, KeyPoint, Mistake, Predict
from tests.content.samples import ZH, write


@pytest.fixture
def sample(tmp_path: Path) -> Library:
    write(tmp_path)
    return load(tmp_path)


def item(library: Library, letter: str, lang: str = "zh") -> Item:
    return library.item(f"07-{letter}")[1][lang]


def test_the_kind_is_seen_from_the_shape(sample: Library) -> None:
    kinds = ["single", "multi", "order", "cloze", "numeric", "bug", "free", "predict", "predict"]
    for lang in ("zh", "en"):
        assert [i.kind for i in sample.questions[0].text[lang].items] == kinds


def test_single(sample: Library) -> None:
    found = item(sample, "a")
    assert found.prompt == "单选题？\n\n再说明一句 $x$。"
    assert found.hint == "提示在此。"
    assert [option.text for option in found.options] == ["错一", "对", "错二"]
    assert [option.right for option in found.options] == [False, True, False]
    assert found.options[1].feedback == "因为乙，\n还有丙。"
    assert found.explanation == "讲解一。\n\n讲解二。"


def test_lines_are_those_of_the_file(sample: Library) -> None:
    lines = ZH.split("\n")
    for found in sample.questions[0].text["zh"].items:
        assert lines[found.line - 1] == "### " + found.prompt.split("\n")[0]
        for option in found.options:
            assert option.text in lines[option.line - 1]
    page = sample.questions[0].text["zh"]
    assert lines[page.lines["review"] - 1] == "## 点评"
    assert all(point.text in lines[point.line - 1] for point in page.key_points)


def test_multi_and_order(sample: Library) -> None:
    assert [option.right for option in item(sample, "b").options] == [True, True, False, False]
    steps = item(sample, "c")
    assert [option.text for option in steps.options] == ["先", "再", "后"]
    assert "1. 这里的列表属于讲解" in steps.explanation


def test_cloze(sample: Library) -> None:
    found = item(sample, "d")
    assert [blank.alternatives for blank in found.blanks] == [("遗忘门", "遗忘"), ("输出门",)]
    assert plain_blanks(found.sentence) == "LSTM 有 ____和____。"
    assert "{{" not in found.prompt + found.explanation


def test_numeric(sample: Library) -> None:
    found = item(sample, "e")
    number = found.numeric
    assert number is not None
    assert (number.value, number.tolerance, number.relative, number.unit) == (2560, 0, False, "个")
    assert number.mistakes == (Mistake(2480, "少了一组偏置。"), Mistake(-1, "不会是负数。"))
    assert found.check == "4*20*(10+20)+8*20"
    assert number.accepts(2560)
    assert not number.accepts(2561)


def test_a_relative_tolerance_is_a_share_of_the_value(sample: Library) -> None:
    number = item(sample, "i").numeric
    assert number is not None
    assert (number.tolerance, number.relative) == (0.1, True)
    assert number.accepts(0.54)
    assert not number.accepts(0.56)
    assert number.around(2.0).accepts(2.19)


def test_bug(sample: Library) -> None:
    found = item(sample, "f")
    assert found.code.startswith("```python\nloss.backward()")
    assert [option.text for option in found.options] == ["第 1 行", "第 3 行"]
    assert [option.text for option in item(sample, "f", "en").options] == ["Line 1", "Line 3"]


def test_free(sample: Library) -> None:
    found = item(sample, "g")
    assert [(p.text, p.weight, p.essential, p.phrasings) for p in found.points] == [
        ("加法更新", 3, True, ("加法", "相加")),
        ("三个门", 1, False, ("三个门", "门控")),
    ]
    assert found.explanation == "讲解。"


def test_predict(sample: Library) -> None:
    found = item(sample, "h")
    assert found.predict == Predict("stepper", {"cell": "lstm", "T": 50, "scale": 0.5}, "ratio")
    assert [option.text for option in found.options] == ["约为 1", "很小", "很大"]
    assert [[option.holds(value) for option in found.options] for value in (0, -7, 6, 3)] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
        [False, False, False],
    ]


def test_sections(sample: Library) -> None:
    page = sample.questions[0].text["zh"]
    assert page.title == "什么是LSTM？"
    assert page.review.startswith("**注意：**原文少了公式 [@S1]：")
    assert page.review.endswith("$$")
    assert page.key_points[2] == KeyPoint(
        "遗忘门接近 1", 1.5, False, ("接近 1", "约等于 1"), page.key_points[2].line
    )
    assert [(f.question, f.answer) for f in page.follow_ups] == [("为什么用 tanh？", "因为它有界。")]


def test_the_question_table(sample: Library) -> None:
    question = sample.questions[0]
    assert (question.number, question.slug, question.topic, question.level) == (7, "07-sample", "gates", 2)
    assert question.demo is not None
    assert (question.demo.slug, question.demo.params, question.demo.look.en) == (
        "stepper",
        {"T": 50},
        "Watch $c$.",
    )


def test_the_source_is_kept_byte_for_byte(tmp_path: Path) -> None:
    code = "```python\n# 像标题的注释\n## 原文\n```"
    body = f"  **答案：** 行尾有空格  \n\n{code}\n\n\t缩进,half-width <b>\u3000末行 "
    write(tmp_path, zh=ZH.replace(ZH[ZH.index("**答案：**") : ZH.index("\n\n## 点评")], f"\n \n{body}\n\n"))
    assert load(tmp_path).questions[0].text["zh"].source == body


def test_sections_a_question_does_not_have_are_left_out(tmp_path: Path) -> None:
    text = ZH[: ZH.index("## 点评")] + ZH[ZH.index("## 自测") :]
    write(tmp_path, zh=text)
    page = load(tmp_path).questions[0].text["zh"]
    assert (page.review, page.key_points, page.follow_ups) == ("", (), ())
    assert len(page.items) == 9


def test_one_language_may_be_read_alone(tmp_path: Path) -> None:
    (write(tmp_path) / "en.md").unlink()
    library = load(tmp_path, languages=("zh",))
    assert list(library.questions[0].text) == ["zh"]
    assert library.find("07-a") is not None
