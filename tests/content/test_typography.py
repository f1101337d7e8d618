"""The lint of Chinese text: what it refuses and what it must leave alone."""

from __future__ import annotations

import pytest

from app.content.typography import faults


@pytest.mark.parametrize(
    "text",
    [
        "LSTM 的 3 个门，都在这里。",
        "见 `a,b`（代码）。",
        "$f_t$ 乘在 $c_{t-1}$ 上，`x`也行",
        "用 95% 的数据，95%的也行；然后停。",
        "**结论：**对（[@S5]）。",
        "**前提是 $f_t$ 接近 1。** PyTorch 默认不设。",
        "- [ ] (2!) 限制梯度大小 :: 防止爆炸 | 限制梯度",
        "Sutskever, I. 等人（2014）说：“不易消失”。",
        "[文档](https://a.org/文a,b) 在此",
        "LSTM 有 {{c1::遗忘门|forget gate}}。",
        "ANSWER: 2560 ± 0 个",
        "MISTAKE: 0.9 = 这是一步的衰减。",
        "```\n中文a,中文\n```",
        "$$\n\\text{若a,则}\n$$",
        "English, plain: (nothing) to see!",
    ],
)
def test_good_typography_passes(text: str) -> None:
    assert list(faults(text)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("这是批大小, 不是步数。", "half-width ','"),
        ("这是批大小;不是步数。", "half-width ';'"),
        ("是吗?", "half-width '?'"),
        ("门(gate) 有三个", "half-width '('"),
        ("三个（gate)门", "half-width ')'"),
        ("用 LSTM, 然后停", "half-width ','"),
        ("用 $f_t$:它是门", "half-width ':'"),
        ('他说"不对"', "half-width '\"'"),
        ("结束了.", "half-width '.'"),
        ("**注意:**中文", "half-width ':'"),
        ("这是batch大小", "no space"),
        ("有3个门", "no space"),
        ("**LSTM**有门", "no space"),
        ("对， 不对", "a space beside"),
        ("对 ，不对", "a space beside"),
    ],
)
def test_bad_typography_is_named(text: str, fault: str) -> None:
    found = list(faults(f"好。\n\n{text}"))
    assert [line for line, _, _ in found] == [3]
    assert fault in found[0][1]
    assert found[0][2]


def test_lines_may_be_left_out() -> None:
    assert list(faults("原文,照旧\n别的", range(1, 2))) == []
    assert len(list(faults("原文,照旧\n别的,也错", range(1, 2)))) == 1
