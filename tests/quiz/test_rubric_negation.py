"""What an answer affirms and what it denies, rule by rule, in both languages."""

from __future__ import annotations

import time

import pytest

from app.content.models import KeyPoint
from app.quiz.rubric import suggest


def said(text: str, phrasing: str) -> bool:
    """Whether `text` is taken to say `phrasing`; where it is not, it must have been found and refused."""
    found = suggest(text, [KeyPoint("unheard of", 1, True, (phrasing, "unheard"))])[0]
    assert found.said or found.negated, "not found at all"
    return found.said


@pytest.mark.parametrize(
    ("text", "phrasing"),
    [
        # every occurrence is tried, later starts and overlapping ones as well
        ("我不预测价格本身，预测涨跌幅", "预测…涨跌"),
        ("有没有，没有就不行", "没有就不行"),
        ("梯度不动，所以它治不了梯度消失", "不…梯度消失"),
        ("We clip nothing by value, we clip by norm", "clip…norm"),
        # A-not-A asks
        ("有没有做裁剪要看日志", "裁剪"),
        ("是不是要裁剪，先看范数", "裁剪"),
        ("会不会爆炸取决于特征值", "爆炸"),
        ("可不可以用双向看任务", "双向"),
        # not yet is a time
        ("没裁之前的范数要记下来", "范数"),
        ("未裁剪前先看范数", "范数"),
        ("You can't start before you've seen the entire source", "entire source"),
        # not only; must not be forgotten
        ("It not only clips, it logs the norm", "clip"),
        ("Not just the norm, also the direction", "norm"),
        ("不仅裁剪，还记录范数", "裁剪"),
        ("Don't forget to clip", "clip"),
        ("不能忽略裁剪", "裁剪"),
        # clauses: a comma, a contrast, a reason, a consequence
        ("Never seen, split by time", "split by time"),
        ("I don't shuffle, I split by time", "split by time"),
        ("Use the norm instead of each value", "norm"),
        ("用范数而不是按值裁剪", "范数"),
        ("It isn't used because the future is unknown", "future is unknown"),
        ("It's not because of vanishing but because of the learning rate", "learning rate"),
        ("不能用双向因为要等整段读完", "等整段"),
        ("不是因为梯度消失，而是因为学习率太大", "学习率"),
        ("不裁剪就会爆炸", "爆炸"),
        ("Without clipping the gradient explodes", "explode"),
        ("A single vector can't hold a long paragraph", "single vector"),
        ("没见过的数据上测", "数据"),
        # two negators in one clause
        ("You can't train it without clipping", "clip"),
        ("训练不能不裁剪", "裁剪"),
        ("不裁剪不行", "裁剪"),
        ("非用 CTC 不可", "CTC"),
        ("说裁剪有用不是错的", "裁剪"),
        # words that only look like negators
        ("序列长度不同的时候要填充", "填充"),
        ("最大的区别是不单独维护细胞状态", "不单独"),
    ],
)
def test_affirmed(text: str, phrasing: str) -> None:
    assert said(text, phrasing)


@pytest.mark.parametrize(
    ("text", "phrasing"),
    [
        # Latin words count as one; a negated verb phrase reaches to the end of its clause
        ("不需要用 NDCG 这类排序指标", "排序指标"),
        ("不需要把所有参数放在一起算总的范数", "范数"),
        ("没有必要在每个时间步都重新算一遍总的范数", "范数"),
        ("You don't need to put all the parameters together and compute their norm", "norm"),
        ("它不是真的能保持原来的方向", "方向"),
        ("There is no such thing as exposure bias", "exposure bias"),
        ("不用 LSTM、GRU 和 CNN 的特征", "特征"),
        ("但是不是所有方法都会爆炸", "爆炸"),
        # lists go on over their commas
        ("We don't clip, mask or pack", "pack"),
        ("We don't clip, mask, or pack", "pack"),
        # each part its own negator
        ("It doesn't clip, nor does it mask", "mask"),
        ("There is no softmax and no weighted sum", "weighted sum"),
        ("没有做测试集，也没有基线", "基线"),
        # negators of two clauses do not cancel
        ("梯度不会再爆炸，所以不需要配合梯度裁剪", "爆炸…裁剪"),
        ("Gradients can't explode any more, so you don't need to clip", "explode…clip"),
        # denials that follow
        ("Clipping gradients is useless", "clip"),
        ("An exploding gradient cannot happen", "exploding gradient"),
        ("The vanishing gradient is a myth", "vanishing gradient"),
        ("LSTMs have four times the weights, but that is wrong", "four times"),
        ("按长度分桶是多此一举", "分桶"),
        ("分桶没有用", "分桶"),
        ("裁剪和消失没什么关系", "消失"),
        ("防止爆炸，这是误解", "防止爆炸"),
        ("静态图像应该用 CNN 或 ViT，这个说法不对", "CNN"),
        ("时间间隔不用管", "时间间隔"),
        # negators of one phrase
        ("Nobody subtracts the costs", "costs"),
        ("No one clips the norm", "norm"),
        ("Nothing is clipped", "clip"),
        ("Without clipping the gradient explodes", "clip"),
        ("Use the norm instead of each value", "value"),
        ("Use the norm rather than clipping", "clip"),
        ("用范数而不是按值裁剪", "按值裁剪"),
        ("It's not because of vanishing but because of the learning rate", "vanishing"),
        ("不是因为梯度消失，而是因为学习率太大", "梯度消失"),
    ],
)
def test_denied(text: str, phrasing: str) -> None:
    assert not said(text, phrasing)


def test_keyword_soup_earns_little() -> None:
    """Words without their relation are no phrasing, and a bare negator denies what follows it."""
    points = [
        KeyPoint("对消失没有作用", 2, True, ("对…消失没", "不放大")),
        KeyPoint("方向不变", 2, True, ("保持…方向", "顺着…方向")),
    ]
    assert not any(each.said for each in suggest("梯度裁剪 不 方向 没有 范数 消失 保持", points))


@pytest.mark.parametrize(
    "text", ["not clip norm ", "a, ", "不a不b", "x, y or z, ", "clip norm ", ", that ", "没过"]
)
def test_hostile_answers_cost_little(text: str) -> None:
    """A rule that looks ahead without bound would make long answers costly."""
    point = KeyPoint("unheard of", 1, True, ("clip…norm…dir", "不…a…b", "{clip, cap}…norm"))
    started = time.process_time()
    suggest((text * 5000)[:10_000], [point])
    assert time.process_time() - started < 1
