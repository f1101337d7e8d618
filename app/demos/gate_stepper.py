"""Your own text or numbers, step by step through a small LSTM, every gate with its actual numbers.

Equations: Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 1999, in PyTorch's order
i, f, g, o. Any gate can be held; the untouched run stands beside it, and both are held against
`torch.nn.LSTMCell`. With f = 1 and i = 0 the cell is the constant error carousel: c does not change.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from app.demos.frames import gates_event
from app.protocol import (
    AnyEvent,
    Bilingual,
    Cell,
    Claim,
    Demo,
    Finished,
    Metric,
    Panel,
    Params,
    Preset,
    Progress,
    Scalar,
    Series,
    Started,
    Table,
    Text,
    param,
)

if TYPE_CHECKING:
    from app.network import Clamp
    from app.network.arithmetic import Gate, UnitStep
    from app.network.studies.stepper import Stepping

_NUMBERS = re.compile(r"^\s*[-+]?\d*\.?\d+(?:[\s,，、]+[-+]?\d*\.?\d+)*\s*$")
MAX_TOKENS = 60
HELD: dict[str, dict[str, float]] = {
    "none": {},
    "keep": {"f": 1.0, "i": 0.0},
    "forget": {"f": 0.0},
    "open": {"i": 1.0, "f": 1.0, "o": 1.0},
}


class GateStepperParams(Params):
    """What is read, by which cell, and what is held."""

    text: str = param(
        "hello", "文字或数字", "Text or numbers", min_length=1, max_length=240,
        help=Bilingual("数字用逗号或空格隔开，例如 1, 0, -1", "numbers are separated by commas or spaces, such as 1, 0, -1"),
    )  # fmt: skip
    steps: int = param(
        0, "步数", "Steps", ge=0, le=100,
        help=Bilingual("0 表示读完为止；更长则从头循环", "0 reads it once; longer goes round again"),
    )  # fmt: skip
    hidden: int = param(4, "隐藏单元数", "Hidden units", ge=1, le=8)
    unit: int = param(0, "看哪个单元", "Unit to watch", ge=0, le=7)
    forget_bias: float = param(0.0, "遗忘门偏置", "Forget bias", ge=0, le=6)
    c0: float = param(1.0, "初始细胞状态 c₀", "Initial cell state c₀", ge=-5, le=5)
    clamp: Literal["none", "keep", "forget", "open"] = param(
        "none", "钳住门", "Hold gates", choices={"none": Bilingual("不钳", "nothing"), "keep": Bilingual("守住：f = 1，i = 0", "keep: f = 1, i = 0"), "forget": Bilingual("清空：f = 0", "forget: f = 0"), "open": Bilingual("全开：i = f = o = 1", "all open: i = f = o = 1")},
    )  # fmt: skip
    clamp_gate: Literal["none", "i", "f", "g", "o"] = param(
        "none",
        "再钳一个门",
        "Hold one more gate",
        choices={
            "none": Bilingual("不钳", "nothing"),
            "i": Bilingual("输入门 i", "input gate i"),
            "f": Bilingual("遗忘门 f", "forget gate f"),
            "g": Bilingual("候选 g", "candidate g"),
            "o": Bilingual("输出门 o", "output gate o"),
        },
    )
    clamp_value: float = param(1.0, "钳到的值", "At value", ge=-1, le=1)
    clamp_from: int = param(1, "从第几步", "From step", ge=1, le=100)
    clamp_to: int = param(100, "到第几步", "To step", ge=1, le=100)

    @model_validator(mode="after")
    def _fits(self) -> GateStepperParams:
        if self.unit >= self.hidden:
            raise ValueError(
                f"unit 不能大于 {self.hidden - 1}（单元从 0 数起） | unit must be at most {self.hidden - 1}: units count from 0"
            )
        if self.clamp_to < self.clamp_from:
            raise ValueError(
                "“到第几步”（clamp_to）不能小于“从第几步”（clamp_from） | ‘To step’ (clamp_to) must be at least ‘From step’ (clamp_from)"
            )
        if not is_numbers(self.text) and len(self.text) > MAX_TOKENS:
            raise ValueError(
                f"text 最多 {MAX_TOKENS} 个字符 | text must have at most {MAX_TOKENS} characters"
            )
        return self


def is_numbers(text: str) -> bool:
    """Whether the text is read as numbers."""
    return _NUMBERS.match(text) is not None


def run(params: GateStepperParams) -> Iterator[AnyEvent]:
    """One pass with the clamps and one without; then each step's arithmetic for one unit."""
    from app.network.studies import stepper

    yield Started(demo=demo.slug, params=params.model_dump())
    tokens, x = _read(params)
    clamps = _clamps(params)
    done = stepper.step_through(
        x, hidden=params.hidden, forget_bias=params.forget_bias, c0=params.c0, clamps=clamps,
        unit=params.unit, seed=params.seed,
    )  # fmt: skip
    yield gates_event("gates", done.held, 0, tokens, clamped=sorted({clamp.gate for clamp in clamps}))
    yield Text(
        panel="text",
        tokens=tokens,
        values=[math.tanh(step.c) for step in done.units],
        caption=Bilingual(f"底色：单元 {params.unit} 的 tanh(c)", f"colour: tanh(c) of unit {params.unit}"),
    )
    for t, step in enumerate(done.units):
        yield Scalar(panel="state", series="c", x=t + 1.0, y=step.c)
        yield Scalar(panel="state", series="h", x=t + 1.0, y=step.h)
        yield Scalar(panel="state", series="free", x=t + 1.0, y=float(done.free.c[0, 0, t, params.unit]))
        yield _arithmetic(params, step, tokens, t)
        yield Progress(done=t + 1, total=len(tokens))
    yield from _verdicts(params, done)
    yield Finished()


def _read(params: GateStepperParams) -> tuple[list[str], Any]:
    """(tokens, x of shape (1, T, I)): numbers as they are, characters one-hot over the distinct ones."""
    from app.network.studies import stepper

    if is_numbers(params.text):
        values = [float(part) for part in re.split(r"[\s,，、]+", params.text.strip())][:MAX_TOKENS]
        tokens = [f"{value:g}" for value in values]
        steps = params.steps or len(tokens)
        x = stepper.numbers(values, steps)
    else:
        tokens = list(params.text)
        steps = params.steps or len(tokens)
        x = stepper.letters(params.text, steps)
    return (tokens * -(-steps // len(tokens)))[:steps], x


def _clamps(params: GateStepperParams) -> list[Clamp]:
    from app.network import Clamp

    clamps = [Clamp(gate, value) for gate, value in HELD[params.clamp].items()]
    if params.clamp_gate != "none":
        steps = range(params.clamp_from - 1, params.clamp_to)
        clamps.append(Clamp(params.clamp_gate, params.clamp_value, steps=steps))
    return clamps


def _arithmetic(params: GateStepperParams, step: UnitStep, tokens: list[str], t: int) -> Table:
    """The six equations of one step with their numbers, to four decimals."""

    def gate(each: Gate, function: str) -> list[Cell]:
        if each.held:
            return [each.name, Bilingual("钳住", "held"), _plain(each.value)]
        terms = f"{_plain(each.from_x)} {_signed(each.from_h)} {_signed(each.bias)}"
        return [each.name, f"{function}({terms}) = {function}({_plain(each.z)})", _plain(each.value)]

    i, f, g, o = step.i, step.f, step.g, step.o
    return Table(
        panel="steps",
        step=t + 1,
        columns=[Bilingual("量", "signal"), Bilingual("算式", "arithmetic"), Bilingual("值", "value")],
        rows=[
            gate(i, "σ"),
            gate(f, "σ"),
            gate(g, "tanh"),
            gate(o, "σ"),
            [
                "c",
                f"{_factor(f.value)} × {_factor(step.c_before)} + {_factor(i.value)} × {_factor(g.value)}",
                _plain(step.c),
            ],
            ["h", f"{_factor(o.value)} × tanh({_plain(step.c)})", _plain(step.h)],
        ],
        caption=Bilingual(
            f"第 {t + 1} 步，读入 “{tokens[t]}”，单元 {params.unit}。门的三项依次是 w·x_t、w·h_(t−1)、偏置。",
            f"Step {t + 1}, reading “{tokens[t]}”, unit {params.unit}. A gate’s three terms: w·x_t, w·h_(t−1), bias.",
        ),
    )


def _plain(value: float) -> str:
    return f"{value:.4f}".replace("-", "−")


def _factor(value: float) -> str:
    return f"({_plain(value)})" if value < 0 else _plain(value)


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else '−'} {abs(value):.4f}"


def _verdicts(params: GateStepperParams, done: Stepping) -> Iterator[AnyEvent]:
    """Three sentences put to the test in every run, whatever the learner holds."""
    yield Metric(
        name="max_abs_diff", value=done.worst, claim="cell", verdict="holds" if done.worst < 1e-6 else "fails"
    )
    cells = done.held.c[0, 0]
    drift, left = float((cells - params.c0).abs().max()), float(cells[-1].abs().mean())
    yield Metric(name="c_drift", value=drift / abs(params.c0) if params.c0 else drift)
    yield Metric(name="c_kept", value=left / abs(params.c0) if params.c0 else None)
    yield Metric(
        name="max|c_t − c_0|", value=done.moved, claim="keep", verdict="holds" if done.moved == 0 else "fails"
    )
    yield Metric(
        name="|c_1 − i·g|", value=done.left, claim="forget", verdict="holds" if done.left < 1e-6 else "fails"
    )


demo = Demo(
    slug="gate-stepper",
    title=Bilingual("逐步看门", "Gate stepper"),
    summary=Bilingual(
        "输入你自己的字或数，看一个小 LSTM 一步一步地算：每个门的公式都代入真实的数。任何一个门都可以钳住，看记忆怎样变。",
        "Type your own text or numbers and watch a small LSTM compute, step by step, every gate’s equation with its actual numbers. Hold any gate and see what becomes of the memory.",
    ),
    params=GateStepperParams,
    run=run,
    panels=(
        Panel(
            "steps",
            "table",
            Bilingual("这一步的算式", "The arithmetic of this step"),
            note=Bilingual("拖动序列时间，算式跟着走。", "Scrub sequence time and the arithmetic follows."),
            timed=True,
        ),
        Panel(
            "gates",
            "gates",
            Bilingual("所有单元的门", "The gates of all units"),
            note=Bilingual("横轴是你的输入，纵轴是单元。", "Your input runs across, the units down."),
        ),
        Panel(
            "state",
            "curves",
            Bilingual("一个单元的 c 与 h", "c and h of one unit"),
            x=Bilingual("时间步 t", "time step t"),
            series=(
                Series("c", Bilingual("c", "c")),
                Series("h", Bilingual("h", "h")),
                Series("free", Bilingual("c，不钳住任何门", "c, nothing held"), baseline=True),
            ),
        ),
        Panel("text", "text", Bilingual("按细胞状态上色的输入", "The input, coloured by the cell state")),
    ),
    claims=(
        Claim(
            "keep",
            Bilingual(
                "f = 1、i = 0 时，c 在 100 步里一动不动", "With f = 1 and i = 0, c does not move in 100 steps"
            ),
            Bilingual("恒定误差环流（CEC）", "The constant error carousel"),
            "S1",
            measured=Bilingual("c 在 100 步里的最大变化", "largest change of c in 100 steps"),
        ),
        Claim(
            "forget",
            Bilingual("f = 0 时，旧记忆一步就清空", "With f = 0 the old memory is gone in one step"),
            Bilingual("遗忘门让状态可以归零", "The forget gate lets the state be reset"),
            "S2",
            measured=Bilingual("走一步之后 c 与 i·g 之差", "difference of c from i·g after one step"),
        ),
        Claim(
            "cell",
            Bilingual("手写的公式与 nn.LSTMCell 相同", "The equations as written equal nn.LSTMCell"),
            Bilingual("PyTorch 文档给出的公式", "The equations in PyTorch’s documentation"),
            "S22",
            measured=Bilingual("与 nn.LSTMCell 的最大差", "largest difference from nn.LSTMCell"),
        ),
    ),
    questions=(1, 2, 3, 17, 18),
    proves=Bilingual(
        "门是逐元素相乘的系数：f 乘旧记忆，i 乘候选值 g，o 乘 tanh(c)。算式里的每个数都由真实的权重算出，与 nn.LSTMCell 一致。",
        "Gates are elementwise factors: f times the old memory, i times the candidate g, o times tanh(c). Every number comes from the real weights and agrees with nn.LSTMCell.",
    ),
    not_proves=Bilingual(
        "这里的权重是随机的，没有训练过。钳住门说明机制能做到什么，不说明训练会学到什么。",
        "The weights are random and untrained. Holding gates shows what the mechanism can do, not what training will find.",
    ),
    presets=(
        Preset("text", Bilingual("一个词", "A word"), {"text": "hello"}),
        Preset("numbers", Bilingual("一串数", "Numbers"), {"text": "1, 0, -1, 0, 2"}),
        Preset(
            "keep",
            Bilingual("记住 100 步", "Keep for 100 steps"),
            {"text": "1, -1, 0.5", "steps": 100, "clamp": "keep"},
        ),
        Preset(
            "break",
            Bilingual("弄坏它：全开", "Break it: all open"),
            {"text": "1, 1, 1", "steps": 60, "clamp": "open"},
        ),
    ),
    quick={"text": "ab"},
    seconds=20.0,
)
