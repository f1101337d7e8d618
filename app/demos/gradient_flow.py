"""How much of the gradient reaches the first step: ‖∂L/∂x_1‖ / ‖∂L/∂x_T‖ at initialisation.

L is a random linear read-out of h_T. The RNN's Jacobian is a product of diag(φ′) W_hh over time
(Bengio et al. 1994; Pascanu et al. 2013); the LSTM's direct path is ∏ diag(f_t) (Hochreiter &
Schmidhuber 1997), so the forget bias decides (Jozefowicz et al. 2015), and large recurrent weights
still explode (Sutskever et al. 2014). Gradients are taken in float64: float32 underflows by T = 100.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from app.demos.frames import gates_event
from app.demos.surgery import TrainedParams, Training, surgical
from app.protocol import (
    AnyEvent,
    Bilingual,
    Cell,
    Claim,
    Demo,
    Finished,
    Metric,
    Panel,
    Preset,
    Progress,
    Scalar,
    Series,
    Started,
    Table,
    param,
)

if TYPE_CHECKING:
    from app.network.surgery import Subject

CELLS = ("rnn", "gru", "lstm")


class GradientFlowParams(TrainedParams):
    """Controls of the measurement."""

    cell: Literal["rnn", "gru", "lstm"] = param(
        "lstm",
        "单元",
        "Cell",
        choices={
            "rnn": Bilingual("RNN (tanh)", "RNN (tanh)"),
            "gru": Bilingual("GRU", "GRU"),
            "lstm": Bilingual("LSTM", "LSTM"),
        },
    )
    T: int = param(50, "序列长度 T", "Sequence length T", ge=2, le=100)
    forget_bias: float = param(
        0.0, "遗忘门偏置", "Forget bias", ge=0, le=6,
        help=Bilingual("0 表示 PyTorch 默认初始化（f ≈ 0.5）", "0 leaves PyTorch’s default (f ≈ 0.5)"),
    )  # fmt: skip
    scale: float = param(1.0, "循环权重放大的倍数", "Recurrent weights, scaled by", ge=0.1, le=20)
    clip: float = param(
        0.0, "范数裁剪 τ", "Norm clipping τ", ge=0, le=10,
        help=Bilingual("0 表示不裁剪", "0 means none"),
    )  # fmt: skip
    hidden: int = param(32, "隐藏单元数", "Hidden units", ge=2, le=64)
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)


def train(params: GradientFlowParams) -> Training:
    """For each cell and seed one forward and backward pass; then the norm at every step."""
    from app.network.ruler import memory_ruler
    from app.network.studies.gradient_flow import measure

    yield Started(demo=demo.slug, params=params.model_dump())
    total, done = len(CELLS) * params.seeds, 0
    ratios: dict[str, list[float]] = {}
    subject: Subject | None = None
    for cell in CELLS:
        profiles: list[list[float]] = []
        for seed in range(params.seed, params.seed + params.seeds):
            flow = measure(
                cell, steps=params.T, hidden=params.hidden, forget_bias=params.forget_bias,
                scale=params.scale, clip=params.clip, seed=seed,
            )  # fmt: skip
            profiles.append(flow.norms)
            ratios.setdefault(cell, []).append(flow.norms[0] - flow.norms[-1])
            done += 1
            yield Progress(done=done, total=total)
            if flow.trace is not None and flow.subject is not None and seed == params.seed:
                subject = flow.subject
                ruler = memory_ruler(subject.layer, subject.x)
                yield gates_event("gates", flow.trace, 0, subject.tokens, ruler=ruler)
                yield from _ruler(flow.retention, flow.norms)
        for back in range(params.T):
            values = [profile[params.T - 1 - back] - profile[-1] for profile in profiles]
            yield Scalar(panel="flow", series=cell, x=float(back), y=_finite(sum(values) / len(values)))
    for back in (0, params.T - 1):
        yield Scalar(panel="flow", series="one", x=float(back), y=0.0)
    yield from _verdicts(params, ratios)
    yield Finished()
    assert subject is not None  # the last cell is the LSTM
    return subject


def _ruler(retention: list[float], norms: list[float]) -> Iterator[AnyEvent]:
    """∏f from each step to the end, beside the measured gradient, over the whole batch."""
    steps = len(norms)
    for back in range(steps):
        yield Scalar(panel="ruler", series="product", x=float(back), y=_finite(retention[steps - 1 - back]))
        yield Scalar(
            panel="ruler", series="measured", x=float(back), y=_finite(norms[steps - 1 - back] - norms[-1])
        )


def _verdicts(params: GradientFlowParams, ratios: dict[str, list[float]]) -> Iterator[AnyEvent]:
    means = {cell: sum(values) / len(values) for cell, values in ratios.items()}
    rows: list[list[Cell]] = [
        [
            cell.upper(),
            _finite(means[cell]),
            _finite(min(values)),
            _finite(max(values)),
            _finite(means[cell] / (params.T - 1)),
        ]
        for cell, values in ratios.items()
    ]
    yield Table(
        panel="table",
        columns=[
            Bilingual("单元", "cell"),
            Bilingual("log₁₀ 比值，均值", "log₁₀ ratio, mean"),
            Bilingual("最小", "min"),
            Bilingual("最大", "max"),
            Bilingual("每步的 log₁₀", "log₁₀ a step"),
        ],
        rows=rows,
        caption=Bilingual("空缺表示上溢或下溢，不是数。", "A gap means overflow or underflow, not a number."),
    )
    yield Metric(name="log10_ratio", value=_finite(means[params.cell]))
    for cell, mean in means.items():
        yield Metric(name=f"log10_ratio_{cell}", value=_finite(mean))
    lstm, n = ratios["lstm"], params.seeds
    vanished = sum(value < -3 for value in lstm)
    exploded = sum(value > 3 for value in lstm)
    yield Metric(
        name="log10_ratio_lstm", value=_finite(means["lstm"]), claim="vanishing", solved=n - vanished, seeds=n,
        verdict="fails" if vanished == n else "depends" if vanished else "holds",
    )  # fmt: skip
    yield Metric(
        name="log10_ratio_lstm", value=_finite(means["lstm"]), claim="exploding", solved=n - exploded, seeds=n,
        verdict="fails" if exploded == n else "depends",
    )  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


_LINES = (
    Series("rnn", Bilingual("RNN (tanh)", "RNN (tanh)")),
    Series("gru", Bilingual("GRU", "GRU")),
    Series("lstm", Bilingual("LSTM", "LSTM")),
    Series("one", Bilingual("不增不减", "neither grows nor fades"), baseline=True),
)

demo = Demo(
    slug="gradient-flow",
    title=Bilingual("梯度流", "Gradient flow"),
    summary=Bilingual(
        "把误差从最后一步往回传，看它走到第一步还剩多少。RNN、GRU、LSTM 用同样的尺寸，遗忘门偏置和循环权重由你调。",
        "Send the error back from the last step and see how much of it arrives at the first. RNN, GRU and LSTM of the same size; forget bias and recurrent scale are yours to set.",
    ),
    params=GradientFlowParams,
    run=surgical(train),
    panels=(
        Panel(
            "flow",
            "curves",
            Bilingual("往回走，梯度还剩多少", "What is left of the gradient on the way back"),
            note=Bilingual(
                "纵轴是 10 的幂。直线表示每步乘同一个倍数：斜率就是这个倍数的对数。",
                "The axis counts powers of ten. A straight line means the same factor at every step; the slope is its logarithm.",
            ),
            x=Bilingual("往回走的步数 T − t", "steps back, T − t"),
            log=True,
            series=_LINES,
        ),
        Panel(
            "ruler",
            "curves",
            Bilingual("记忆标尺：∏f 与实测梯度", "Memory ruler: ∏f beside the measured gradient"),
            note=Bilingual(
                "虚线是遗忘门连乘的均值，只算细胞状态这一条直接路径；实线是自动求导得到的总梯度。两线之差来自经过 h 的路径。",
                "Dashed: the mean product of forget gates, the direct path through c alone. Solid: the whole gradient by autograd. What lies between came through h.",
            ),
            x=Bilingual("往回走的步数 T − t", "steps back, T − t"),
            log=True,
            series=(
                Series("measured", Bilingual("实测 ‖∂L/∂x_t‖", "measured ‖∂L/∂x_t‖")),
                Series("product", Bilingual("∏f", "∏f"), baseline=True),
            ),
        ),
        Panel(
            "gates",
            "gates",
            Bilingual("这一个 LSTM 的门", "The gates of this LSTM"),
            note=Bilingual(
                "看遗忘门 f：默认初始化时整片在 0.5 附近，每走一步就丢掉一半。",
                "Look at the forget gate f: by default it stands near 0.5 everywhere, so half is lost at every step.",
            ),
        ),
        Panel("table", "table", Bilingual("数字", "The numbers")),
    ),
    claims=(
        Claim(
            "vanishing",
            Bilingual("LSTM 避免了梯度消失", "The LSTM avoids vanishing gradients"),
            Bilingual(
                "门控的线性自环让误差不衰减，前提是遗忘门接近 1",
                "The gated linear loop keeps the error from decaying, provided that the forget gate is near 1",
            ),
            "S7",
            measured=Bilingual("首步与末步梯度之比的 log₁₀", "log₁₀ of gradient, first step over last"),
            tally=Bilingual(
                "{seeds} 个种子中 {solved} 个没有消失", "no vanishing in {solved} of {seeds} seeds"
            ),
        ),
        Claim(
            "exploding",
            Bilingual("LSTM 避免了梯度爆炸", "The LSTM avoids exploding gradients"),
            Bilingual(
                "“不易消失，但仍可能爆炸”，因此对梯度范数设上限",
                "They tend not to vanish but can explode, hence a cap on the gradient’s norm",
            ),
            "S17",
            measured=Bilingual("首步与末步梯度之比的 log₁₀", "log₁₀ of gradient, first step over last"),
            tally=Bilingual(
                "{seeds} 个种子中 {solved} 个没有爆炸", "no explosion in {solved} of {seeds} seeds"
            ),
        ),
    ),
    questions=(1, 4, 7, 17, 21),
    proves=Bilingual(
        "初始化时误差能不能传回去，由遗忘门的起点和循环权重的大小决定，与“叫不叫 LSTM”无关：默认的 LSTM 消失得几乎和 RNN 一样快，偏置设为 3 就几乎不衰减，权重放大则爆炸。",
        "Whether the error gets back at initialisation is decided by where the forget gate starts and how large the recurrent weights are, not by the name LSTM: the default one fades almost as fast as an RNN, a bias of 3 all but stops that, and large weights make it explode.",
    ),
    not_proves=Bilingual(
        "这是训练之前的一张快照，输入是噪声。训练会移动遗忘门，所以它不能说明训练之后学不学得会；那要看“时间顺序赛跑”。",
        "It is a snapshot before training, on noise. Training moves the forget gate, so this does not tell what can be learnt; see ‘Temporal order race’ for that.",
    ),
    presets=(
        Preset("default", Bilingual("默认 LSTM", "Default LSTM"), {"cell": "lstm", "T": 50}),
        Preset(
            "bias3", Bilingual("遗忘门偏置 3", "Forget bias 3"), {"cell": "lstm", "T": 50, "forget_bias": 3}
        ),
        Preset(
            "break",
            Bilingual("弄坏它：权重 ×20", "Break it: weights ×20"),
            {"cell": "lstm", "T": 50, "scale": 20},
        ),
        Preset(
            "clip",
            Bilingual("裁剪救得了消失吗？", "Does clipping cure it?"),
            {"cell": "lstm", "T": 50, "clip": 1},
        ),
    ),
    quick={"T": 10, "seeds": 1},
    seconds=30.0,
)
