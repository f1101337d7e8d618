"""Four ways to treat the same exploding run: nothing, the source's own code, value clipping, norm clipping.

The task is to remember x_0 with a tanh RNN-like LSTM whose recurrent weights are blown up, trained by
plain SGD (Adam would rescale the gradient and hide the effect). Norm clipping: Pascanu et al. 2013;
the source's code is executed as it is printed, once for each number of each gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from app.demos.frames import gates_event
from app.demos.surgery import TrainedParams, Training, surgical
from app.demos.wording import figures
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
    from app.network.studies.clipping import Lane

METHODS = ("none", "source", "value", "norm")
T, FRAMES = 60, 30  # T as app.network.studies.clipping has it
NAMES = {
    "none": Bilingual("不裁剪", "no clipping"),
    "source": Bilingual("原文的代码", "the source’s code"),
    "value": Bilingual("按值裁剪", "by value"),
    "norm": Bilingual("按范数裁剪", "by norm"),
}


class ClipLabParams(TrainedParams):
    """What is clipped and how badly it explodes."""

    method: Literal["none", "source", "value", "norm"] = param(
        "norm", "细看哪一种", "Method to look at", choices=NAMES
    )
    threshold: float = param(1.0, "阈值 τ", "Threshold τ", ge=0.01, le=100)
    scale: float = param(8.0, "循环权重放大的倍数", "Recurrent weights, scaled by", ge=1, le=20)
    lr: float = param(0.5, "学习率（SGD）", "Learning rate (SGD)", ge=0.001, le=2)
    steps: int = param(60, "训练步数", "Training steps", ge=5, le=200)


def train(params: ClipLabParams) -> Training:
    """All four lanes step by step; then the weights compared, and what clipping does to a tiny gradient."""
    from app.network.studies.clipping import Clipping

    yield Started(demo=demo.slug, params=params.model_dump())
    study = Clipping(threshold=params.threshold, scale=params.scale, lr=params.lr, seed=params.seed)
    shown = {max(1, round(k * params.steps / FRAMES)) for k in range(1, FRAMES + 1)}
    tokens = [f"x{t}" for t in range(1, T + 1)]
    for step in range(1, params.steps + 1):
        trace = study.step(step)[params.method]
        if step in shown and trace is not None:
            yield gates_event(
                "gates", trace, step, tokens, lane=params.method, ruler=study.ruler(params.method)
            )
        yield from _curves(study.lanes, step)
        yield Progress(done=step, total=params.steps)
    yield from _tables(params, study.lanes)
    yield from _verdicts(params, study.lanes)
    yield Finished()
    return study.subject()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _log(value: float) -> float | None:
    return math.log10(value) if 0 < value < math.inf else None


def _curves(lanes: list[Lane], step: int) -> Iterator[AnyEvent]:
    for lane in lanes:
        if len(lane.losses) == 1 or math.isfinite(lane.losses[-2]):
            yield Scalar(panel="loss", series=lane.method, x=float(step), y=_log(lane.losses[-1]))
            yield Scalar(panel="norms", series=lane.method, x=float(step), y=_log(lane.after[-1]))


def _tables(params: ClipLabParams, lanes: list[Lane]) -> Iterator[AnyEvent]:
    """The lanes' outcome, and a tiny and a plain gradient under each treatment."""
    from app.network.studies.clipping import on_tensors, treated

    finite = [n for lane in lanes for n in lane.before if math.isfinite(n)]
    yield Table(
        panel="lanes",
        columns=[
            Bilingual("做法", "method"),
            Bilingual("最后的损失", "last loss"),
            Bilingual("裁剪后的最大范数", "largest norm after clipping"),
            Bilingual("方向余弦的最小值", "smallest cosine"),
            Bilingual("与不裁剪的权重之差", "weights: difference from no clipping"),
            Bilingual("逐位相同", "bit for bit the same"),
        ],
        rows=[
            [
                NAMES[lane.method],
                lane.losses[-1] if lane.finite else "NaN",
                lane.largest_after,
                min(lane.cosines, default=None),
                lane.difference,
                "✓" if lane.identical else "✗",
            ]
            for lane in lanes
        ],
        caption=Bilingual(
            f"裁剪之前见过的最大梯度范数：{figures(max(finite, default=0.0), 4)}。原文的代码若用在多元素张量上，会报错：{on_tensors()}",
            f"Largest norm seen before clipping: {figures(max(finite, default=0.0), 4)}. Given a tensor of several elements, the source’s code raises {on_tensors()}",
        ),
    )
    rows: list[list[Cell]] = []
    for gradient in ((3.0, 0.4), (1e-9, 2e-9)):
        for method in METHODS:
            after = treated(method, gradient, params.threshold)
            rows.append([
                f"({figures(gradient[0])}, {figures(gradient[1])})",
                NAMES[method],
                f"({figures(after[0], 4)}, {figures(after[1], 4)})",
                math.hypot(*after),
            ])  # fmt: skip
    yield Table(
        panel="tiny",
        columns=[
            Bilingual("梯度", "gradient"),
            Bilingual("做法", "method"),
            Bilingual("裁剪后", "after clipping"),
            Bilingual("范数", "norm"),
        ],
        rows=rows,
        caption=Bilingual(
            "很小的梯度原样不动：裁剪从不放大。", "A tiny gradient stays as it is: clipping never enlarges."
        ),
    )


def _verdicts(params: ClipLabParams, lanes: list[Lane]) -> Iterator[AnyEvent]:
    from app.network.studies.clipping import treated

    by_name = {lane.method: lane for lane in lanes}
    chosen, source, norm = by_name[params.method], by_name["source"], by_name["norm"]
    yield Metric(name="finite", value=float(chosen.finite))
    yield Metric(name="max_weight_difference", value=chosen.difference)
    yield Metric(name="cosine", value=min(chosen.cosines, default=None))
    yield Metric(name="max_norm_after", value=chosen.largest_after)
    yield Metric(
        name="max|Δw|",
        value=source.difference,
        claim="source",
        verdict="fails" if source.identical else "holds",
    )
    tiny = (1e-9, 2e-9)
    growth = math.hypot(*treated("norm", tiny, params.threshold)) / math.hypot(*tiny)
    yield Metric(
        name="‖g_after‖ / ‖g_before‖", value=growth, claim="vanishing",
        verdict="holds" if growth > 1 + 1e-6 else "fails",
    )  # fmt: skip
    worst = min(norm.cosines, default=math.nan)
    kept = worst > 1 - 1e-6 and norm.finite
    yield Metric(
        name="min cos", value=_finite(worst), claim="direction", verdict="holds" if kept else "fails"
    )


_LINES = tuple(Series(method, NAMES[method], baseline=method == "none") for method in METHODS)

demo = Demo(
    slug="clip-lab",
    title=Bilingual("裁剪实验室", "Clip lab"),
    summary=Bilingual(
        "同一次会爆炸的训练跑四遍：不裁剪、照原文的代码裁剪、按值、按范数。原文的代码原样执行，权重逐位比较。",
        "The same exploding run four times: no clipping, the source’s code executed as printed, by value, by norm. Weights are compared bit by bit.",
    ),
    params=ClipLabParams,
    run=surgical(train),
    panels=(
        Panel(
            "loss",
            "curves",
            Bilingual("损失", "Loss"),
            note=Bilingual(
                "× 表示已经不是有限的数。不裁剪与原文代码的两条线完全重合。",
                "× marks a value that is no longer finite. The lines of no clipping and of the source’s code coincide.",
            ),
            x=Bilingual("训练步", "training step"),
            log=True,
            series=_LINES,
        ),
        Panel(
            "norms",
            "curves",
            Bilingual("裁剪之后的梯度范数", "Gradient norm after clipping"),
            x=Bilingual("训练步", "training step"),
            log=True,
            series=_LINES,
        ),
        Panel("lanes", "table", Bilingual("四种做法的结局", "How the four ended")),
        Panel(
            "tiny", "table", Bilingual("一个普通的梯度，一个极小的梯度", "A plain gradient and a tiny one")
        ),
        Panel(
            "gates",
            "gates",
            Bilingual("细看的那一种：训练中的门", "The chosen one: gates while it trains"),
            note=Bilingual(
                "循环权重放大之后，门在 0 和 1 之间猛跳。",
                "With blown-up recurrent weights the gates jump between 0 and 1.",
            ),
            series=_LINES,
        ),
    ),
    claims=(
        Claim(
            "source",
            Bilingual("原文的代码实现了梯度裁剪", "The source’s code clips the gradient"),
            Bilingual("裁剪必须原地改写梯度", "Clipping has to write the gradient in place"),
            "S22",
            measured=Bilingual("与不裁剪相比，权重的最大差", "largest weight difference from no clipping"),
        ),
        Claim(
            "vanishing",
            Bilingual("梯度裁剪能防止梯度消失", "Gradient clipping prevents vanishing gradients"),
            Bilingual(
                "裁剪用来对付爆炸；对付消失另有一个正则项",
                "Clipping is for explosion; vanishing gets a separate regulariser",
            ),
            "S5",
            measured=Bilingual(
                "极小梯度裁剪后与裁剪前的范数比", "norm of a tiny gradient, after over before"
            ),
        ),
        Claim(
            "direction",
            Bilingual(
                "按范数裁剪保持方向，训练不发散", "Norm clipping keeps the direction and the run finite"
            ),
            Bilingual("‖g‖ 超过阈值时乘以 τ/‖g‖", "When ‖g‖ exceeds the threshold, multiply by τ/‖g‖"),
            "S5",
            measured=Bilingual(
                "裁剪前后方向余弦的最小值", "smallest cosine between gradients before and after"
            ),
        ),
    ),
    questions=(7, 12, 20, 22, 26),
    proves=Bilingual(
        "循环里给变量重新赋值不会改动梯度，所以原文的代码与不裁剪逐位相同。按范数裁剪只改长度不改方向；按值裁剪会转向；两者都不会放大极小的梯度。",
        "Assigning to the loop variable leaves the gradient as it was, so the source’s code equals no clipping bit for bit. Norm clipping changes length and not direction, value clipping turns it, and neither enlarges a tiny gradient.",
    ),
    not_proves=Bilingual(
        "爆炸是故意造出来的：把循环权重放大，用普通 SGD 训练。它不说明你的训练需要裁剪，也不说明哪个阈值好。",
        "The explosion is made on purpose, by large recurrent weights and plain SGD. It does not say that your training needs clipping, nor which threshold is good.",
    ),
    presets=(
        Preset("norm", Bilingual("按范数", "By norm"), {"method": "norm"}),
        Preset("source", Bilingual("原文的代码", "The source’s code"), {"method": "source"}),
        Preset("value", Bilingual("按值", "By value"), {"method": "value"}),
        Preset(
            "break", Bilingual("弄坏它：权重 ×15", "Break it: weights ×15"), {"method": "none", "scale": 15}
        ),
    ),
    quick={"steps": 12},
    seconds=40.0,
)
