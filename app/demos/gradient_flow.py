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
from app.protocol import (
    AnyEvent,
    Bilingual,
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
    param,
)

if TYPE_CHECKING:
    import torch

INPUTS, BATCH = 8, 16
CELLS = ("rnn", "gru", "lstm")
TINY = 1e-4  # decades: what counts as equal where clipping is compared


class GradientFlowParams(Params):
    """Controls of the measurement."""

    cell: Literal["rnn", "gru", "lstm"] = param("lstm", "单元", "Cell")
    T: int = param(50, "序列长度 T", "Sequence length T", ge=2, le=100)
    forget_bias: float = param(
        0.0, "遗忘门偏置", "Forget bias", ge=0, le=6,
        help=Bilingual("0 表示 PyTorch 默认初始化（f ≈ 0.5）", "0 leaves PyTorch’s default (f ≈ 0.5)"),
    )  # fmt: skip
    scale: float = param(1.0, "循环权重 ×", "Recurrent weights ×", ge=0.1, le=20)
    clip: float = param(
        0.0, "范数裁剪 τ", "Norm clipping τ", ge=0, le=10,
        help=Bilingual("0 表示不裁剪", "0 means none"),
    )  # fmt: skip
    hidden: int = param(32, "隐藏单元数", "Hidden units", ge=2, le=64)
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)


def run(params: GradientFlowParams) -> Iterator[AnyEvent]:
    """For each cell and seed one forward and backward pass; then the norm at every step."""
    yield Started(demo=demo.slug, params=params.model_dump())
    total, done = len(CELLS) * params.seeds, 0
    ratios: dict[str, list[float]] = {}
    for cell in CELLS:
        profiles: list[list[float]] = []
        for seed in range(params.seed, params.seed + params.seeds):
            norms, trace = _norms(params, cell, seed)
            profiles.append(norms)
            ratios.setdefault(cell, []).append(norms[0] - norms[-1])
            done += 1
            yield Progress(done=done, total=total)
            if cell == "lstm" and seed == params.seed:
                tokens = [f"x{t}" for t in range(1, params.T + 1)]
                yield gates_event("gates", trace, 0, tokens)
                yield from _ruler(trace, norms)
        for back in range(params.T):
            values = [profile[params.T - 1 - back] - profile[-1] for profile in profiles]
            mean = sum(values) / len(values)
            yield Scalar(panel="flow", series=cell, x=float(back), y=mean if math.isfinite(mean) else None)
    for back in (0, params.T - 1):
        yield Scalar(panel="flow", series="one", x=float(back), y=0.0)
    yield from _verdicts(params, ratios)
    yield Finished()


def _norms(params: GradientFlowParams, cell: str, seed: int) -> tuple[list[float], object]:
    """log₁₀ ‖∂L/∂x_t‖ for t = 1 … T, over the batch; −inf where it is exactly zero."""
    import torch

    from app.network.train import generator, linear

    source = generator(seed, CELLS.index(cell))
    layer, recurrent = _layer(params, cell, source)
    head = linear(params.hidden, 1, source).double()
    x = torch.randn(BATCH, params.T, INPUTS, generator=source, dtype=torch.float64).requires_grad_()
    with torch.no_grad():
        recurrent *= params.scale
    out = layer(x)
    head(out[0][:, -1]).sum().backward()
    gradient = x.grad
    assert gradient is not None
    if params.clip > 0:  # one factor for the whole gradient, as clip_grad_norm_ has it
        gradient = gradient * min(1.0, params.clip / (float(gradient.norm()) + 1e-6))
    norms = gradient.norm(dim=(0, 2)).tolist()
    return [math.log10(n) if 0 < n < math.inf else (-math.inf if n == 0 else math.inf) for n in norms], out[-1]


def _layer(params: GradientFlowParams, cell: str, source: torch.Generator) -> tuple[torch.nn.Module, torch.Tensor]:
    """The layer in float64 and its recurrent matrix."""
    from app.network import TracedGRU, TracedLSTM, TracedRNN

    if cell == "lstm":
        init: Literal["forget-bias", "default"] = "forget-bias" if params.forget_bias > 0 else "default"
        made = TracedLSTM(INPUTS, params.hidden, init=init, forget_bias=params.forget_bias, generator=source).double()
        return made, made.lstm.weight_hh_l0
    other = (TracedGRU if cell == "gru" else TracedRNN)(INPUTS, params.hidden, generator=source).double()
    return other, other.inner.weight_hh_l0  # type: ignore[return-value]


def _ruler(trace: object, norms: list[float]) -> Iterator[AnyEvent]:
    """The memory ruler: ∏f from each step to the end, beside the measured gradient."""
    kept = trace.retention()[0].log10().mean(-1).tolist()  # type: ignore[attr-defined]
    steps = len(norms)
    for back in range(steps):
        measured = norms[steps - 1 - back] - norms[-1]
        yield Scalar(panel="ruler", series="product", x=float(back), y=kept[steps - 1 - back])
        yield Scalar(panel="ruler", series="measured", x=float(back), y=measured if math.isfinite(measured) else None)


def _verdicts(params: GradientFlowParams, ratios: dict[str, list[float]]) -> Iterator[AnyEvent]:
    means = {cell: sum(values) / len(values) for cell, values in ratios.items()}
    rows: list[list[str | float | None]] = [
        [cell.upper(), _finite(means[cell]), _finite(min(values)), _finite(max(values)), _finite(means[cell] / (params.T - 1))]
        for cell, values in ratios.items()
    ]
    yield Table(
        panel="table",
        columns=[
            Bilingual("单元", "cell"),
            Bilingual("log₁₀ 比值，均值", "log₁₀ ratio, mean"),
            Bilingual("最小", "min"),
            Bilingual("最大", "max"),
            Bilingual("每步（十倍程）", "decades a step"),
        ],
        rows=rows,
        caption=Bilingual("空缺表示上溢或下溢，不是数。", "A gap means overflow or underflow, not a number."),
    )
    yield Metric(name="log10_ratio", value=_finite(means[params.cell]))
    for cell, mean in means.items():
        yield Metric(name=f"log10_ratio_{cell}", value=_finite(mean))
    lstm = ratios["lstm"]
    vanished = sum(value < -3 for value in lstm)
    exploded = sum(value > 3 for value in lstm)
    yield Metric(
        name="log10_ratio_lstm", value=_finite(means["lstm"]), claim="vanishing", solved=vanished, seeds=len(lstm),
        verdict="fails" if vanished == len(lstm) else "depends" if vanished else "holds",
    )  # fmt: skip
    yield Metric(
        name="log10_ratio_lstm", value=_finite(means["lstm"]), claim="exploding", solved=exploded, seeds=len(lstm),
        verdict="fails" if exploded == len(lstm) else "depends",
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
    run=run,
    panels=(
        Panel("flow", "curves", Bilingual("往回走，梯度还剩多少", "What is left of the gradient on the way back"),
              note=Bilingual("纵轴是 10 的幂。直线表示每步乘同一个倍数：斜率就是这个倍数的对数。", "The axis counts powers of ten. A straight line means the same factor at every step; the slope is its logarithm."),
              x=Bilingual("往回走的步数 T − t", "steps back, T − t"), log=True, series=_LINES),
        Panel("ruler", "curves", Bilingual("记忆标尺：∏f 与实测梯度", "Memory ruler: ∏f beside the measured gradient"),
              note=Bilingual("虚线是遗忘门连乘的均值，只算细胞状态这一条直接路径；实线是自动求导得到的总梯度。两线之差来自经过 h 的路径。", "Dashed: the mean product of forget gates, the direct path through c alone. Solid: the whole gradient by autograd. What lies between came through h."),
              x=Bilingual("往回走的步数 T − t", "steps back, T − t"), log=True,
              series=(Series("measured", Bilingual("实测 ‖∂L/∂x_t‖", "measured ‖∂L/∂x_t‖")), Series("product", Bilingual("∏f", "∏f"), baseline=True))),
        Panel("gates", "gates", Bilingual("这一个 LSTM 的门", "The gates of this LSTM"),
              note=Bilingual("看遗忘门 f：默认初始化时整片在 0.5 附近，每走一步就丢掉一半。", "Look at the forget gate f: by default it stands near 0.5 everywhere, so half is lost at every step.")),
        Panel("table", "table", Bilingual("数字", "The numbers")),
    ),  # fmt: skip
    claims=(
        Claim("vanishing", Bilingual("LSTM 避免了梯度消失", "The LSTM avoids vanishing gradients"),
              Bilingual("门控的线性自环让误差不衰减，前提是遗忘门接近 1", "The gated linear loop keeps the error from decaying, provided that the forget gate is near 1"), "S7"),
        Claim("exploding", Bilingual("LSTM 避免了梯度爆炸", "The LSTM avoids exploding gradients"),
              Bilingual("“不易消失，但仍可能爆炸”，因此对梯度范数设上限", "They tend not to vanish but can explode, hence a cap on the gradient’s norm"), "S17"),
    ),  # fmt: skip
    questions=(1, 4, 7, 17, 21),
    proves=Bilingual(
        "初始化时误差能不能传回去，由遗忘门的起点和循环权重的大小决定，不由“叫不叫 LSTM”决定：默认的 LSTM 消失得几乎和 RNN 一样快，偏置设为 3 就几乎不衰减，权重放大则爆炸。",
        "Whether the error gets back at initialisation is decided by where the forget gate starts and how large the recurrent weights are, not by the name LSTM: the default one fades almost as fast as an RNN, a bias of 3 all but stops that, and large weights make it explode.",
    ),
    not_proves=Bilingual(
        "这是训练之前的一张快照，输入是噪声。训练会移动遗忘门，所以它不能说明训练之后学不学得会；那要看“时间顺序”。",
        "It is a snapshot before training, on noise. Training moves the forget gate, so this does not tell what can be learnt; see ‘Temporal order’ for that.",
    ),
    presets=(
        Preset("default", Bilingual("默认 LSTM", "Default LSTM"), {"cell": "lstm", "T": 50}),
        Preset("bias3", Bilingual("遗忘门偏置 3", "Forget bias 3"), {"cell": "lstm", "T": 50, "forget_bias": 3}),
        Preset("break", Bilingual("弄坏它：权重 ×20", "Break it: weights ×20"), {"cell": "lstm", "T": 50, "scale": 20}),
        Preset("clip", Bilingual("裁剪救得了消失吗？", "Does clipping cure it?"), {"cell": "lstm", "T": 50, "clip": 1}),
    ),
    seconds=30.0,
)
