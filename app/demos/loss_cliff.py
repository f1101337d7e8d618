"""The cliff in the loss of a one-unit recurrent network, and paths with and without clipping.

After Pascanu, Mikolov & Bengio 2013, figure 6: the loss of a network with one unit and two weights has a wall. Plain
gradient descent that lands beside it is thrown across the page; with the gradient's norm clipped it stays. A
one-unit LSTM's landscape is there too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from app.demos.frames import gates_event, shown_steps
from app.demos.surgery import TrainedParams, Training, surgical
from app.demos.wording import figures
from app.protocol import (
    AnyEvent,
    Bilingual,
    Claim,
    Demo,
    Finished,
    Heatmap,
    Metric,
    Panel,
    Preset,
    Progress,
    Scalar,
    Seed,
    Series,
    Started,
    Table,
    Tensor,
    Trail,
    param,
)

if TYPE_CHECKING:
    from app.network.studies.cliff import Landscape, Walk

FRAMES, POINTS = 20, 100
WALL_AT = 5.0  # the wall is measured on this line of constant w
LENGTHS = (5, 10, 20, 40, 80)
STEEP = 100.0  # times the typical slope: from here on it counts as an explosion
Verdict = Literal["holds", "fails", "depends"]
LANES = {
    "none": Bilingual("不裁剪", "no clipping"),
    "norm": Bilingual("按范数裁剪", "clipped by norm"),
    "value": Bilingual("按值裁剪", "clipped by value"),
}
STAYED = Bilingual("留在页面上", "on the page")
_SERIES = tuple(Series(key, title) for key, title in LANES.items())


class LossCliffParams(TrainedParams):
    """Which landscape, from where, and how fast."""

    cell: Literal["rnn", "lstm"] = param(
        "rnn",
        "网络（一个单元）",
        "Network (one unit)",
        choices={"rnn": Bilingual("RNN (tanh)", "RNN (tanh)"), "lstm": Bilingual("LSTM", "LSTM")},
    )
    start_w: float = param(5.5, "起点的循环权重 w", "Start: recurrent weight w", ge=2, le=8)
    start_b: float = param(-2.2, "起点的偏置 b", "Start: bias b", ge=-4, le=0)
    lr: float = param(0.3, "学习率（SGD）", "Learning rate (SGD)", ge=0.01, le=5)
    threshold: float = param(0.1, "裁剪阈值 τ", "Clipping threshold τ", ge=0.001, le=100)
    T: int = param(50, "时间步数 T", "Time steps T", ge=5, le=80)
    updates: int = param(120, "更新次数", "Updates", ge=10, le=300)
    starts: int = param(
        8, "起点个数", "Starts", ge=1, le=12,
        help=Bilingual("第一个是你放的，其余随机落在它附近", "the first is yours, the others fall at random near it"),
    )  # fmt: skip


def train(params: LossCliffParams) -> Training:
    """The landscape, then all walkers of all lanes step by step, then the wall at several lengths."""
    from app.network.studies import cliff

    yield Started(demo=demo.slug, params=params.model_dump())
    land = cliff.landscape(params.cell, params.T)
    yield Heatmap(
        panel="surface", values=Tensor.of(land.loss, 0.0, float(land.loss.max())),
        rows=[f"{b:.3g}" for b in land.b], columns=[f"{w:.3g}" for w in land.w],
    )  # fmt: skip
    first = cliff.starts(params.start_w, params.start_b, params.starts, params.seed)
    frames, every = shown_steps(params.updates, FRAMES) | {0}, -(-params.updates // POINTS)
    tokens, walks = cliff.tokens(params.T), []
    peaks = dict.fromkeys(LANES, 0.0)
    for walk in cliff.descend(
        params.cell, first, steps=params.T, lr=params.lr, threshold=params.threshold, updates=params.updates
    ):
        walks.append(walk)
        yield from _paths(walk)
        for k, lane in enumerate(LANES):
            peaks[lane] = max(peaks[lane], float(walk.norm[k, 0]))
            if walk.step % every == 0 and _walking(walk, k):
                yield Scalar(panel="loss", series=lane, x=float(walk.step), y=_finite(walk.loss[k, 0]))
                yield Scalar(panel="norms", series=lane, x=float(walk.step), y=_log(peaks[lane]))
                peaks[lane] = 0.0
        if walk.step in frames:
            w, b = float(walk.w[1, 0]), float(walk.b[1, 0])
            trace, ruler = cliff.gates(w, b, params.T)
            yield gates_event("gates", trace, walk.step, tokens, lane="norm", ruler=ruler)
        if walk.step % 5 == 0:
            yield Progress(done=walk.step, total=params.updates)
    for x in (0.0, float(params.updates)):
        yield Scalar(panel="loss", series="start", x=x, y=float(walks[0].loss[0, 0]))
        yield Scalar(panel="norms", series="tau", x=x, y=_log(params.threshold))
    yield from _strip(params, walks[-1])
    yield from _outcome(params, land, walks)
    yield Finished()
    last = walks[-1]
    return cliff.subject(float(last.w[1, 0]), float(last.b[1, 0]), params.T)


def _walking(walk: Walk, lane: int) -> bool:
    """Whether the learner's own walker of a lane is on the page, or has just been thrown off it."""
    return int(walk.left[lane, 0]) in {0, walk.step}


def _paths(walk: Walk) -> Iterator[AnyEvent]:
    for k, lane in enumerate(LANES):
        if _walking(walk, k):
            yield Trail(
                panel="surface", lane=lane, step=walk.step,
                x=float(walk.w[k, 0]), y=float(walk.b[k, 0]), z=_finite(walk.loss[k, 0]),
            )  # fmt: skip


def _strip(params: LossCliffParams, last: Walk) -> Iterator[AnyEvent]:
    for k, lane in enumerate(LANES):
        for n in range(params.starts):
            left = int(last.left[k, n])
            yield Seed(
                panel="strip", lane=lane, seed=n, solved=left == 0, step=left or last.step,
                value=_finite(last.loss[k, n]) or 0.0, said=_left_at(left) if left else STAYED,
            )  # fmt: skip


def _left_at(step: int) -> Bilingual:
    return Bilingual(f"第 {step} 步离开", f"left at {step}")


def _outcome(params: LossCliffParams, land: Landscape, walks: list[Walk]) -> Iterator[AnyEvent]:
    """The table of walls, the metrics and the verdicts."""
    from app.network.studies.cliff import landscape, wall

    last, n = walks[-1], params.starts
    lengths = sorted({*LENGTHS, params.T})
    walls = {cell: {T: wall(cell, WALL_AT, T)[0] for T in lengths} for cell in ("rnn", "lstm")}
    yield Table(
        panel="walls",
        columns=[
            Bilingual("时间步数 T", "time steps T"),
            Bilingual("RNN：最陡处 ‖∇L‖", "RNN: steepest ‖∇L‖"),
            Bilingual("LSTM：最陡处 ‖∇L‖", "LSTM: steepest ‖∇L‖"),
        ],
        rows=[[float(T), figures(walls["rnn"][T], 2), figures(walls["lstm"][T], 2)] for T in lengths],
        caption=Bilingual(
            f"在 w = {WALL_AT:g} 这条线上一层层逼近墙，量到的最大梯度范数；10¹⁰ 以上已到双精度的极限，只是下界。这一页上梯度范数的中位数是 {figures(land.median, 2)}。",
            f"The largest gradient norm met while closing in on the wall along w = {WALL_AT:g}; above 10¹⁰ double precision ends and it is a lower bound. The median over this page is {figures(land.median, 2)}.",
        ),
    )
    kept = {lane: int((last.left[k] == 0).sum()) for k, lane in enumerate(LANES)}
    for lane, count in kept.items():
        yield Metric(name=f"kept_{lane}", value=count / n, solved=count, seeds=n)
        worst = max(float(walk.norm[list(LANES).index(lane), 0]) for walk in walks)
        yield Metric(name=f"max_norm_{lane}", value=_finite(worst))
    yield Metric(name="own_left_at", value=float(last.left[0, 0]))
    yield Metric(
        name="kept_norm − kept_none", value=(kept["norm"] - kept["none"]) / n, claim="clip",
        solved=kept["norm"], seeds=n, verdict=stays(kept["norm"], kept["none"], n),
    )  # fmt: skip
    for cell, claim in (("rnn", "layers"), ("lstm", "gates")):
        typical = land.median if cell == params.cell else landscape(cell, params.T).median  # type: ignore[arg-type]
        ratio = walls[cell][params.T] / typical
        yield Metric(
            name=f"wall_{cell}", value=ratio, unit="×", claim=claim,
            verdict="fails" if ratio > STEEP else "depends" if ratio > STEEP / 10 else "holds",
        )  # fmt: skip


def stays(clipped: int, plain: int, of: int) -> Verdict:
    """Clipping keeps every walker on the page, and without it some are thrown off."""
    if clipped < of:
        return "fails"
    return "holds" if plain < of else "depends"


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _log(value: float) -> float | None:
    return math.log10(value) if 0 < value < math.inf else None


demo = Demo(
    slug="loss-cliff",
    title=Bilingual("损失的悬崖", "The loss cliff"),
    summary=Bilingual(
        "一个单元、两个权重的循环网络，损失面上就立着一道墙。放下你的起点：不裁剪的路径撞墙后被甩出页面，裁剪过的留在页面上。图可以转着看。",
        "One unit and two weights are enough for a wall in the loss of a recurrent network. Drop your start: the unclipped path hits the wall and is thrown off the page, the clipped one stays. Turn the picture to look around.",
    ),
    params=LossCliffParams,
    run=surgical(train),
    panels=(
        Panel(
            "surface",
            "surface",
            Bilingual("损失面与三条路径（从你的起点）", "The loss surface and three paths (from your start)"),
            note=Bilingual(
                "拖动来转。高原与谷地之间那道陡坡就是墙：它沿对角线走，w 越大越陡。路径一旦离开页面就不再往下画。",
                "Drag to turn. The drop between plateau and valley is the wall; it runs along the diagonal and steepens with w. A path that leaves the page is drawn no further.",
            ),
            x=Bilingual("循环权重 w", "recurrent weight w"),
            y=Bilingual("偏置 b", "bias b"),
            series=_SERIES,
        ),
        Panel(
            "norms",
            "curves",
            Bilingual("裁剪之前的梯度范数（从你的起点）", "Gradient norm before clipping (from your start)"),
            note=Bilingual(
                "平地上不到 0.1，落到墙边的那一步猛地窜上去。虚线是裁剪阈值 τ：线在它下面时裁剪什么也不做，再小的梯度也不会被放大。",
                "Below 0.1 on flat ground, and a leap at the step that lands beside the wall. Dashed is the threshold τ: below it clipping does nothing, and no small gradient is enlarged.",
            ),
            x=Bilingual("更新次数", "update"),
            log=True,
            series=(*_SERIES, Series("tau", Bilingual("阈值 τ", "threshold τ"), baseline=True)),
        ),
        Panel(
            "loss",
            "curves",
            Bilingual("损失（从你的起点）", "Loss (from your start)"),
            x=Bilingual("更新次数", "update"),
            series=(*_SERIES, Series("start", Bilingual("原地不动", "never moving"), baseline=True)),
        ),
        Panel(
            "strip",
            "seeds",
            Bilingual("每个起点：一直留在页面上吗", "Every start: on the page to the end?"),
            note=Bilingual(
                "第一格是你的起点，其余随机落在它附近。数字是离开页面的那一次更新。",
                "The first cell is your start, the others fall at random near it. The number is the update that left the page.",
            ),
            series=_SERIES,
        ),
        Panel(
            "walls",
            "table",
            Bilingual("墙有多陡，取决于时间步数", "How steep the wall is depends on the time steps"),
        ),
        Panel(
            "gates",
            "gates",
            Bilingual("同一对 (w, b) 下一个单元的 LSTM：门", "A one-unit LSTM at the same (w, b): its gates"),
            note=Bilingual(
                "跟着“按范数裁剪”的路径走。除第一步外没有输入：h 要么停在高处，要么跌到低处，墙就是两种结局的分界。",
                "It follows the norm-clipped path. There is no input after the first step: h settles high or falls low, and the wall is the border between the two.",
            ),
            series=(Series("norm", LANES["norm"]),),
        ),
    ),
    claims=(
        Claim(
            "layers",
            Bilingual(
                "梯度爆炸是因为层数过多或连接过于复杂",
                "Gradients explode because of too many layers or overly complex connections",
            ),
            Bilingual(
                "单个隐藏单元的循环网络，误差面上就有高曲率的墙",
                "The error surface of a recurrent network with a single hidden unit has walls of high curvature",
            ),
            "S5",
            measured=Bilingual("RNN 的墙，坡度是平常处的", "RNN: slope at the wall over typical slope"),
        ),
        Claim(
            "clip",
            Bilingual("裁剪让训练更稳定", "Clipping makes training more stable"),
            Bilingual(
                "按范数裁剪的路径撞上墙也不会被甩远",
                "With the norm clipped, a path that meets the wall is not thrown far",
            ),
            "S5",
            measured=Bilingual("裁剪多留住的起点比例", "extra share of starts that clipping keeps"),
            tally=Bilingual(
                "{seeds} 个起点中裁剪后留住 {solved} 个", "clipped, {solved} of {seeds} starts stay"
            ),
        ),
        Claim(
            "gates",
            Bilingual("LSTM 的门能缓解爆炸", "The LSTM’s gates alleviate explosion"),
            Bilingual("LSTM 也会梯度爆炸，所以要裁剪", "LSTMs can have exploding gradients, hence clipping"),
            "S17",
            measured=Bilingual("LSTM 的墙，坡度是平常处的", "LSTM: slope at the wall over typical slope"),
        ),
    ),
    questions=(21, 22),
    proves=Bilingual(
        "爆炸来自同一个权重沿时间反复相乘：只有一层、一个单元，T 越长墙越陡。按范数裁剪限住每一步的长度，路径就留在页面上。一个单元的 LSTM 也有墙，而且更陡。",
        "Explosion comes from the same weight multiplied over and over in time: there is one layer and one unit, and the wall steepens with T. Norm clipping bounds the length of each step, so the path stays on the page. A one-unit LSTM has a wall too, and a steeper one.",
    ),
    not_proves=Bilingual(
        "留在页面上不等于走到了最低处。两个权重的图说不清几百万个权重的地形。LSTM 的墙薄得一步就能跨过去：路径从崖上掉下来，却没碰到大梯度，这时裁剪帮不上忙。",
        "Staying on the page is not reaching the lowest point. Two weights say little about the terrain of millions. The LSTM’s wall is so thin that a step goes right across: the path falls off the cliff without meeting a large gradient, and there clipping is of no help.",
    ),
    presets=(
        Preset("default", Bilingual("论文里的一个单元", "The paper’s single unit"), {}),
        Preset("short", Bilingual("短序列：T = 10", "Short sequence: T = 10"), {"T": 10}),
        Preset(
            "plateau",
            Bilingual("从高原出发，τ 很小", "From the plateau, small τ"),
            {"start_w": 6.0, "start_b": -3.6, "threshold": 0.02},
        ),
        Preset(
            "lstm",
            Bilingual("一个单元的 LSTM", "A one-unit LSTM"),
            {"cell": "lstm", "start_w": 3.0, "start_b": -1.0},
        ),
        Preset("break", Bilingual("弄坏它：阈值 10", "Break it: threshold 10"), {"threshold": 10.0}),
    ),
    quick={"T": 20, "updates": 30, "starts": 2},
    seconds=40.0,
)
