"""A small question folder with an item of every kind, to be loaded whole or broken on purpose."""

from __future__ import annotations

from pathlib import Path

TOPICS = """planned_demos = ["adding-race"]

[[topics]]
id = "gates"
zh = "门控"
en = "Gates"

[[topics]]
id = "gradients"
zh = "梯度"
en = "Gradients"
"""

SOURCES = """[S1]
authors = "Hochreiter, S. and Schmidhuber, J."
year = 1997
title = "Long Short-Term Memory"
venue = "Neural Computation"
checked = "verified"
doi = "10.1162/neco.1997.9.8.1735"

[S2]
authors = "Gers, F. A."
year = 2000
title = "Learning to Forget"
venue = "Neural Computation"
checked = "from memory"
arxiv = "0000.00000"
also = "Gers, F. A. (1999). ICANN."
"""

QUESTION = """number = 7
topic = "gates"
level = 2
verdict = "wrong"
sources = ["S1"]

[demo]
slug = "stepper"
params = { T = 50 }
look_zh = "看 $c$ 怎样变化。"
look_en = "Watch $c$."
"""

ZH = """# 什么是LSTM？

## 原文

**答案：** LSTM(长短期记忆)是RNN,有门。

1. 第一步
2. 第二步

**解析：** 见上。

## 点评

**注意：**原文少了公式 [@S1]：

$$c_t = f_t \\odot c_{t-1} + i_t \\odot g_t$$

## 要点

- [ ] (2!) 加法更新 :: 加法 | 相加
- [ ] (1) 三个门 :: 三个门 | 门控
- [ ] (1.5) 遗忘门接近 1 :: 接近 1 | 约等于 1

## 追问

### 为什么用 tanh？

因为它有界。

## 自测

### 单选题？
<!-- item: 07-a -->

再说明一句 $x$。

> 提示在此。

- [ ] 错一
  > 因为甲。
- [x] 对
  > 因为乙，
  > 还有丙。
- [ ] 错二
  > 因为丁。

讲解一。

讲解二。

### 多选题？
<!-- item: 07-b -->

- [x] 对一
  > 反馈。
- [x] 对二
  > 反馈。
- [ ] 错一
  > 反馈。
- [ ] 错二
  > 反馈。

讲解。

### 排序题
<!-- item: 07-c -->

1. 先
2. 再
3. 后

讲解，步骤是：

1. 这里的列表属于讲解
2. 不是步骤

### 填空题
<!-- item: 07-d -->

LSTM 有 {{c1::遗忘门|遗忘}}和{{c2::输出门}}。

讲解。

### 计算题
<!-- item: 07-e -->
<!-- check: 4*20*(10+20)+8*20 -->

ANSWER: 2560 ± 0 个
MISTAKE: 2480 = 少了一组偏置。
MISTAKE: -1 = 不会是负数。

讲解。

### 找错题
<!-- item: 07-f -->

```python
loss.backward()
optimizer.step()
clip_grad_norm_(model.parameters(), 1.0)
```

- [ ] 第 1 行
  > 没有问题。
- [x] 第 3 行
  > 裁剪要在更新之前。

讲解。

### 口述题？
<!-- item: 07-g -->

#### 要点

- [ ] (3!) 加法更新 :: 加法 | 相加
- [ ] (1) 三个门 :: 三个门 | 门控

讲解。

### 预测题？
<!-- item: 07-h -->
<!-- predict: stepper cell=lstm T=50 scale=0.5 metric=ratio -->

- [ ] 约为 1 <!-- range: -1..1 -->
  > 反馈。
- [x] 很小 <!-- range: ..-6 -->
  > 反馈。
- [ ] 很大 <!-- range: 6.. -->
  > 反馈。

讲解。

### 预测一个数
<!-- item: 07-i -->
<!-- predict: stepper metric=kept -->

ANSWER: 0.5 ± 10%

讲解。
"""

_WORDS = {
    "# 什么是LSTM？": "# What is an LSTM?",
    "## 原文": "## Source",
    "## 点评": "## Review",
    "## 要点": "## Key points",
    "## 追问": "## Follow-ups",
    "## 自测": "## Items",
    "#### 要点": "#### Key points",
    "第 1 行": "Line 1",
    "第 3 行": "Line 3",
    "反馈": "feedback",
    "讲解": "explanation",
}


def english(text: str) -> str:
    """The sample in 'English': headings and what must differ; the rest may stay, nothing reads it."""
    for zh, en in sorted(_WORDS.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(zh, en)
    return text


def write(
    root: Path, *, slug: str = "07-sample", zh: str = ZH, en: str = "", question: str = QUESTION
) -> Path:
    """A questions folder with one question; returns the question's folder."""
    (root / "topics.toml").write_text(TOPICS, encoding="utf-8")
    (root / "sources.toml").write_text(SOURCES, encoding="utf-8")
    folder = root / slug
    folder.mkdir()
    (folder / "question.toml").write_text(question, encoding="utf-8")
    (folder / "zh.md").write_text(zh, encoding="utf-8", newline="")
    (folder / "en.md").write_text(en or english(zh), encoding="utf-8", newline="")
    return folder
