"""Clips of a real digit that moves left or right: what a CNN, an LSTM and their combinations make of the frames' order.

CNN per frame, then LSTM: Donahue et al. 2015; mean pooling beside it: Ng et al. 2015; convolution inside the gates:
Shi et al. 2015. On a ring the two directions have the same frames, so only their order tells them apart. The
question may be changed to one where order is of no use: which digit is it?
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from app.demos.frames import gates_event, shown_steps
from app.demos.strip import at_the_end
from app.demos.surgery import TrainedParams, Training, surgical
from app.protocol import (
    AnyEvent,
    Bilingual,
    Cell,
    Claim,
    Demo,
    Finished,
    Heatmap,
    Metric,
    Panel,
    Preset,
    Progress,
    Scalar,
    Series,
    Started,
    Table,
    Tensor,
    param,
)

if TYPE_CHECKING:
    from app.network.studies.moving_digits import Lane, Layers, Video

FRAMES, EVERY_PROGRESS = 20, 2
SOLVED, CHANCE, NEAR, GAIN = 0.95, 0.5, 0.1, 0.05  # SOLVED as app.network.studies.moving_digits has it
LANES = (
    ("cnn_lstm", Bilingual("CNN + LSTM", "CNN + LSTM")),
    ("cnn_lstm_shuffled", Bilingual("CNN + LSTM，打乱帧训练", "CNN + LSTM, trained on shuffled frames")),
    ("cnn_mean", Bilingual("CNN + 平均池化", "CNN + mean pooling")),
    ("lstm", Bilingual("只有 LSTM，读原始像素", "LSTM alone, on raw pixels")),
    ("cnn_lstm2", Bilingual("CNN + 双层 LSTM", "CNN + two-layer LSTM")),
    ("conv_lstm", Bilingual("ConvLSTM", "ConvLSTM")),
)
ORDERED, SHUFFLED = Bilingual("帧按顺序", "frames in order"), Bilingual("帧被打乱", "frames shuffled")


class MovingDigitsParams(TrainedParams):
    """What is asked about a clip, how the clip moves, and the budget."""

    label: Literal["direction", "digit"] = param("direction", "问什么", "What is asked", choices={"direction": Bilingual("往左还是往右", "left or right"), "digit": Bilingual("是 0 还是 1", "0 or 1")}, help=Bilingual(
        "方向要看帧的顺序；是 0 还是 1，与顺序无关",
        "the direction is a matter of order, the digit is not"))  # fmt: skip
    T: int = param(5, "帧数 T", "Frames T", ge=3, le=8)
    speed: int = param(2, "每帧移动的像素", "Pixels a frame", ge=0, le=3)
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)
    steps: int = param(80, "训练步数", "Training steps", ge=20, le=240)
    lr: float = param(0.006, "学习率", "Learning rate", ge=0.0001, le=0.1)
    hidden: int = param(32, "LSTM 隐藏单元数", "Hidden units of the LSTM", ge=4, le=64)


def train(params: MovingDigitsParams) -> Training:
    """Seeds one after the other; within a seed all lanes advance together on the same clips."""
    from app.network.studies.moving_digits import Video

    yield Started(demo=demo.slug, params=params.model_dump())
    runs: list[Video] = []
    for place in range(params.seeds):
        video = Video(
            label=params.label, frames=params.T, speed=params.speed, hidden=params.hidden, lr=params.lr,
            steps=params.steps, seed=params.seed + place,
        )  # fmt: skip
        first = not runs
        if first:
            yield _clip(video)
        for moment in video.run(frozenset(shown_steps(params.steps, FRAMES) if first else ())):
            if moment.measured and first:
                yield from _curves(video.lanes, moment.step)
            if moment.frame is not None:
                seen = moment.frame
                yield gates_event(
                    "gates", seen.trace, moment.step, video.tokens(), lane="in order", ruler=seen.ruler
                )
                yield gates_event(
                    "gates", seen.shuffled_trace, moment.step, video.tokens(shuffled=True), lane="shuffled",
                    ruler=seen.shuffled_ruler,
                )  # fmt: skip
            if moment.step % EVERY_PROGRESS == 0 or moment.step == params.steps:
                yield Progress(done=place * params.steps + moment.step, total=params.seeds * params.steps)
        for lane in video.lanes:
            yield at_the_end(lane, params.seed + place, level=SOLVED, steps=params.steps)
        runs.append(video)
    layers = [each.layers() for each in runs]
    yield from _after(runs[0], params)
    yield from _tables(runs, layers, params.hidden)
    yield from _verdicts([each.lanes for each in runs], layers)
    yield Finished()
    return runs[0].subject()


def _clip(video: Video) -> AnyEvent:
    strips = video.strips()
    names = [f"→ {k}" for k in range(1, 13)] + [""] + [f"? {k}" for k in range(1, 13)]
    columns = [f"{k // 12 + 1}.{k % 12 + 1}" for k in range(strips.shape[1])]
    return Heatmap(panel="clip", values=Tensor.of(strips, 0.0, 1.0), rows=names, columns=columns)


def _curves(lanes: list[Lane], step: int) -> Iterator[AnyEvent]:
    for lane in lanes:
        yield Scalar(panel="accuracy", series=lane.name, x=float(step), y=lane.accuracy)
    yield Scalar(panel="accuracy", series="tested_shuffled", x=float(step), y=lanes[0].shuffled)


def _after(video: Video, params: MovingDigitsParams) -> Iterator[AnyEvent]:
    for step in (0, params.steps):
        yield Scalar(panel="accuracy", series="chance", x=float(step), y=CHANCE)
    ordered, shuffled = video.belief()
    for t in range(params.T):
        yield Scalar(panel="belief", series="ordered", x=float(t + 1), y=float(ordered[t]))
        yield Scalar(panel="belief", series="shuffled", x=float(t + 1), y=float(shuffled[t]))
        yield Scalar(panel="belief", series="chance", x=float(t + 1), y=CHANCE)


def _tables(runs: list[Video], layers: list[Layers], hidden: int) -> Iterator[AnyEvent]:
    rows: list[list[Cell]] = []
    for k, (_, title) in enumerate(LANES):
        lanes = [each.lanes[k] for each in runs]
        got, shuffled = [lane.accuracy for lane in lanes], [lane.shuffled for lane in lanes]
        rows.append([title, float(lanes[0].size), _mean(got), min(got), _mean(shuffled)])
    yield Table(
        panel="lanes", rows=rows, columns=[
            Bilingual("模型", "model"), Bilingual("参数", "parameters"), Bilingual("正确率，均值", "accuracy, mean"),
            Bilingual("最差的种子", "worst seed"), Bilingual("测试时打乱帧", "tested on shuffled frames"),
        ],
        caption=Bilingual(
            f"{len(runs)} 个种子，每个种子 256 段没训练过的片段；打乱帧训练的那一行，各栏都是打乱帧的成绩。",
            f"{len(runs)} seeds, 256 clips of unseen pictures each; the lane trained on shuffled frames is judged on shuffled frames throughout.",
        ),
    )  # fmt: skip
    means = [_mean(list(values)) for values in zip(*layers, strict=True)]
    yield Table(
        panel="layers", columns=[
            Bilingual("读出的位置", "read out from"), Bilingual("宽度", "width"),
            Bilingual("线性读出的正确率，均值", "accuracy of a linear read-out, mean"),
        ],
        rows=[
            [Bilingual("第一层读到的特征，取平均", "features that layer 1 reads, mean"), 32.0, means[0]],
            [Bilingual("第一层末状态", "last state of layer 1"), float(hidden), means[1]],
            [Bilingual("第二层末状态", "last state of layer 2"), float(hidden), means[2]],
        ],
        caption=Bilingual(
            "训练之后另拟合的线性读出，只用来看信息在哪一层已经有了。",
            "Linear read-outs fitted after training, only to see in which layer the answer is already there.",
        ),
    )  # fmt: skip


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _verdicts(runs: list[list[Lane]], layers: list[Layers]) -> Iterator[AnyEvent]:
    """`runs` holds the lanes of each seed, in the order of LANES."""
    lanes = {name: [each[k] for each in runs] for k, (name, _) in enumerate(LANES)}
    means = {name: _mean([lane.accuracy for lane in mine]) for name, mine in lanes.items()}
    n = len(runs)
    for name, mine in lanes.items():
        solved = sum(lane.accuracy >= SOLVED for lane in mine)
        yield Metric(name=f"accuracy_{name}", value=means[name], solved=solved, seeds=n)
    tested = _mean([lane.shuffled for lane in lanes["cnn_lstm"]])
    yield Metric(name="accuracy_tested_shuffled", value=tested)
    learnt = [lane for lane in lanes["cnn_lstm"] if lane.accuracy >= SOLVED]
    ordered = sum(abs(lane.shuffled - CHANCE) <= NEAR for lane in learnt)
    yield Metric(
        name="accuracy_drop_shuffled", value=means["cnn_lstm"] - tested, claim="order", solved=ordered, seeds=n,
        verdict="holds" if ordered == n else "fails" if not ordered and len(learnt) == n else "depends",
    )  # fmt: skip
    # Is the LSTM worth more than mean pooling, with the frames in order and with their order destroyed?
    gain = means["cnn_lstm"] - means["cnn_mean"]
    gains = [gain >= GAIN, means["cnn_lstm_shuffled"] - means["cnn_mean"] >= GAIN]
    ahead = sum(
        a.accuracy - b.accuracy >= GAIN for a, b in zip(lanes["cnn_lstm"], lanes["cnn_mean"], strict=True)
    )
    yield Metric(
        name="gain_over_mean_pooling", value=gain, claim="gain", solved=ahead, seeds=n,
        verdict="holds" if all(gains) else "depends" if any(gains) else "fails",
    )  # fmt: skip
    # Layer 1 of two knows the direction already: then it processes time as well.
    both = sum(
        each.first >= 0.75 and lane.accuracy - lane.shuffled >= 0.2
        for each, lane in zip(layers, lanes["cnn_lstm2"], strict=True)
    )
    yield Metric(
        name="accuracy_layer_1", value=_mean([each.first for each in layers]), claim="layers",
        solved=n - both, seeds=n, verdict="fails" if both == n else "depends",
    )  # fmt: skip
    fused = sum(lane.accuracy >= SOLVED for lane in lanes["conv_lstm"])
    yield Metric(
        name="accuracy_conv_lstm", value=means["conv_lstm"], claim="fusion", solved=fused, seeds=n,
        verdict="holds" if fused == n else "depends" if fused else "fails",
    )  # fmt: skip


_CHANCE = Series("chance", Bilingual("乱猜 0.5", "chance 0.5"), baseline=True)

# fmt: off
demo = Demo(
    slug="moving-digits",
    title=Bilingual("移动的数字", "Moving digits"),
    summary=Bilingual("一个真实的手写数字往左或往右移动。CNN+LSTM、平均池化、纯 LSTM、双层 LSTM、ConvLSTM 看同样的片段；帧一打乱，谁还答得出？", "A real handwritten digit moves left or right. CNN+LSTM, mean pooling, an LSTM alone, two layers and a ConvLSTM watch the same clips; who can still answer once the frames are shuffled?"),
    params=MovingDigitsParams,
    run=surgical(train),
    panels=(
        Panel("clip", "heatmap", Bilingual("一段片段：上面按顺序，下面打乱", "One clip: in order above, shuffled below"),
            note=Bilingual("画面首尾相接：从一边出去，从另一边进来。同样的几帧，只有顺序不同。", "The picture is a ring: out on one side, in on the other. The same frames, in another order."),
        ),
        Panel("accuracy", "curves", Bilingual("没训练过的片段上的正确率（第一个种子）", "Accuracy on unseen clips (first seed)"),
            note=Bilingual("平均池化看得到每一帧，看不到先后。", "Mean pooling sees every frame, not their order."),
            x=Bilingual("训练步", "training step"),
            series=(
                *(Series(name, title, baseline=name == "cnn_mean") for name, title in LANES),
                Series(
                    "tested_shuffled",
                    Bilingual("CNN + LSTM，测试时打乱", "CNN + LSTM, tested on shuffled frames"),
                ),
                _CHANCE,
            ),
        ),
        Panel("gates", "gates", Bilingual("CNN + LSTM 的门，训练中", "Gates of CNN + LSTM while it trains"),
            note=Bilingual("两个按钮是同一段片段的两种帧序，x 是数字所在的列。看候选 g 和细胞状态 c：同样的帧，换了先后，写进去的不一样。", "The same clip in two orders; x is the digit’s column. Compare the candidate g and the cell state c: the same frames, but not the same writing."),
            series=(Series("in order", ORDERED), Series("shuffled", SHUFFLED)),
        ),
        Panel("belief", "curves", Bilingual("看到第 t 帧时，给正确答案的概率（第一个种子）", "Probability of the right answer after frame t (first seed)"),
            note=Bilingual("问方向时，至少要看两帧。", "Asked for the direction, it takes two frames at least."),
            x=Bilingual("帧 t", "frame t"),
            series=(Series("ordered", ORDERED), Series("shuffled", SHUFFLED), _CHANCE),
        ),
        Panel("strip", "seeds", Bilingual("每个种子：训练结束时是否达到 0.95", "Every seed: 0.95 or better at the end?"),
            note=Bilingual("没有达到，只说明在这些步数之内没有。", "Short of it means short within these steps, no more."),
            series=tuple(Series(name, title) for name, title in LANES),
        ),
        Panel("lanes", "table", Bilingual("所有种子", "All seeds")),
        Panel("layers", "table", Bilingual("双层 LSTM：哪一层管时间？", "Two layers: which of them is in charge of time?"),
            note=Bilingual("第二层读的是第一层的隐藏状态。", "The second layer reads the first one’s hidden state."),
        ),
    ),
    claims=(
        Claim("gain", Bilingual("LSTM 与 CNN 结合能提高性能", "Combining an LSTM with a CNN improves performance"),
            Bilingual("UCF-101 上 88.6%，此前 88.0%；池化与 LSTM 并列提出", "88.6% on UCF-101 against 88.0% before; pooling and LSTM are put forward side by side"),
            "S26",
            measured=Bilingual("比平均池化高出的正确率", "accuracy gained over mean pooling"),
        ),
        Claim("order", Bilingual("LSTM 捕捉帧序列中的时间依赖", "The LSTM captures dependencies over time in the frames"),
            Bilingual("CNN 逐帧提特征，LSTM 读特征序列", "A CNN encodes every frame, an LSTM reads the features"),
            "S25",
            measured=Bilingual("打乱帧丢掉的正确率", "accuracy lost by shuffling the frames"),
        ),
        Claim("layers", Bilingual("双层 LSTM：第一层处理 CNN 特征，第二层处理时间", "Two LSTM layers: the first for the CNN’s features, the second for time"),
            Bilingual("第二层的输入是第一层每一步的隐藏状态", "The second layer’s input is the first one’s hidden state at every step"),
            "S22",
            measured=Bilingual("从第一层末状态读出的正确率", "accuracy read from layer 1’s last state"),
            tally=Bilingual("{seeds} 个种子中 {solved} 个站得住", "survives in {solved} of {seeds} seeds"),
        ),
        Claim("fusion", Bilingual("融合的结构同时处理空间和时间", "A fused structure handles space and time at once"),
            Bilingual("ConvLSTM：门里用卷积，状态是特征图", "ConvLSTM: convolution in the gates, a map as its state"),
            "S27",
            measured=Bilingual("ConvLSTM 的正确率（均值）", "the ConvLSTM’s mean accuracy"),
        ),
    ),
    questions=(10, 11, 24),
    proves=Bilingual("问方向时，答案全在帧的先后里：能读顺序的模型学得会，平均池化和打乱帧的 LSTM 停在乱猜附近。改问“是 0 还是 1”，顺序没有用，平均池化就与 LSTM 不相上下。双层 LSTM 里，第一层的末状态已经知道方向：两层都在处理时间。", "Asked for the direction, the answer lies in the order of the frames: models that read it learn, while mean pooling and an LSTM on shuffled frames stay near chance. Asked ‘0 or 1’, order is of no use and mean pooling does about as well. In the two-layer LSTM the first layer’s last state already knows the direction: both layers process time."),
    not_proves=Bilingual("画面只有 12×12，纯 LSTM 读原始像素在这里也一样快；真实的视频帧有几十万个数，才非用 CNN 不可。两个方向、匀速、没有背景，是最干净的情形。ConvLSTM 的通道少、末尾取平均，它认不出数字只说明这个小模型在这些步数内没学会。", "Frames are 12 × 12, so an LSTM on raw pixels is just as quick here; a real frame has some hundred thousand numbers, and that is what the CNN is for. Two directions, even speed and no background are the cleanest case. The ConvLSTM is narrow and averages its last map: if it does not tell 0 from 1, this small model had not learnt to within these steps, no more."),
    presets=(
        Preset("default", Bilingual("往左还是往右？", "Left or right?"), {}),
        Preset(
            "digit", Bilingual("顺序无用：是 0 还是 1？", "Order is of no use: 0 or 1?"), {"label": "digit"}
        ),
        Preset("short", Bilingual("只有三帧", "Three frames"), {"T": 3}),
        Preset("break", Bilingual("弄坏它：数字不动", "Break it: the digit stands still"), {"speed": 0}),
    ),
    quick={"seeds": 1, "steps": 20, "T": 4, "hidden": 16},
    seconds=240.0,
)
