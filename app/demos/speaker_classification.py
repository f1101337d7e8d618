"""Who is speaking? One vector out of a sequence, from the last state or a pool, and what padding does to it.

Nine speakers say two vowels; each utterance is 7 to 29 frames of 12 coefficients (Kudo, Toyama & Shimbo 1999). The
same LSTM is read at its last valid step, by mean and by max pooling; then the padding is read too, as it is when one
takes output[:, -1] of a padded batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

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
    from app.network.studies.speaker_classification import Lane, Speaking

FRAMES, EVERY_PROGRESS, EXTRA = 16, 4, 30
SOLVED, HARM = 0.95, 0.02  # SOLVED as app.network.studies.speaker_classification has it
LANES = (
    ("last", Bilingual("最后有效步，带掩码", "last valid step, masked")),
    ("mean", Bilingual("平均池化，带掩码", "mean pooling, masked")),
    ("max", Bilingual("最大池化，带掩码", "max pooling, masked")),
    ("last_padded", Bilingual("output[:, -1]，训练和测试都读填充", "output[:, -1], padding read throughout")),
    ("frame_mean", Bilingual("不用 LSTM：帧平均 + 线性", "no LSTM: mean frame, linear")),
)


class SpeakerClassificationParams(TrainedParams):
    """How far is padded, what is trained, which utterance is looked at."""

    pad_to: int = param(29, "填充到多少帧", "Padded to, frames", ge=29, le=60)
    utterance: int = param(0, "看哪一条测试语音", "Test utterance to look at", ge=0, le=369)
    noise: float = param(
        0.3, "训练时加的噪声", "Noise in training", ge=0, le=2,
        help=Bilingual("每个系数的标准差为 1；0 表示不加", "in standard deviations of a coefficient; 0 for none"),
    )  # fmt: skip
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)
    steps: int = param(150, "训练步数", "Training steps", ge=20, le=300)
    lr: float = param(0.015, "学习率", "Learning rate", ge=0.0005, le=0.5)
    hidden: int = param(32, "隐藏单元数", "Hidden units", ge=4, le=48)


def train(params: SpeakerClassificationParams) -> Training:
    """Seeds one after the other; within a seed all lanes advance together on the same batches."""
    from app.network.studies.speaker_classification import Speaking

    yield Started(demo=demo.slug, params=params.model_dump())
    runs: list[Speaking] = []
    for place in range(params.seeds):
        speaking = Speaking(
            pad_to=params.pad_to, noise=params.noise, hidden=params.hidden, lr=params.lr, steps=params.steps,
            seed=params.seed + place, utterance=params.utterance,
        )  # fmt: skip
        first, tokens = not runs, speaking.tokens()
        for moment in speaking.run(frozenset(shown_steps(params.steps, FRAMES) if first else ())):
            if moment.measured and first:
                yield from _curves(speaking.lanes, moment.step)
            if moment.frame is not None:
                seen = moment.frame
                yield gates_event("gates", seen.masked, moment.step, tokens, lane="masked")
                yield gates_event(
                    "gates", seen.padded, moment.step, tokens, lane="padding read", ruler=seen.ruler
                )
            if moment.step % EVERY_PROGRESS == 0 or moment.step == params.steps:
                yield Progress(done=place * params.steps + moment.step, total=params.seeds * params.steps)
        for lane in speaking.lanes:
            yield at_the_end(lane, params.seed + place, level=SOLVED, steps=params.steps)
        runs.append(speaking)
    yield from _after(runs[0], params)
    yield from _tables(runs)
    yield from _verdicts([each.lanes for each in runs])
    yield Metric(name="packed_difference", value=max(each.packed_difference() for each in runs))
    yield Finished()
    return runs[0].subject()


def _curves(lanes: list[Lane], step: int) -> Iterator[AnyEvent]:
    for lane in lanes:
        yield Scalar(panel="accuracy", series=lane.name, x=float(step), y=lane.accuracy)
    yield Scalar(panel="accuracy", series="last_read_padded", x=float(step), y=lanes[0].padded)


def _after(speaking: Speaking, params: SpeakerClassificationParams) -> Iterator[AnyEvent]:
    """Of the first seed: the baseline's line, what zeros do to the answer, the confusions."""
    for step in (0, params.steps):
        yield Scalar(panel="accuracy", series="majority", x=float(step), y=speaking.majority())
    drift = speaking.drift(EXTRA)
    for k in range(EXTRA + 1):
        yield Scalar(panel="drift", series="accuracy", x=float(k), y=float(drift.accuracy[k]))
        yield Scalar(panel="drift", series="distance", x=float(k), y=float(drift.distance[k]))
    for k in (0, EXTRA):
        yield Scalar(panel="drift", series="majority", x=float(k), y=speaking.majority())
    confusion, names = speaking.confusion(), [str(k) for k in range(1, 10)]
    yield Heatmap(
        panel="confusion", values=Tensor.of(confusion, 0.0, float(confusion.max())), rows=names, columns=names
    )


def _tables(runs: list[Speaking]) -> Iterator[AnyEvent]:
    rows: list[list[Cell]] = []
    for k, (_, title) in enumerate(LANES):
        lanes = [each.lanes[k] for each in runs]
        got, padded = (
            [lane.accuracy for lane in lanes],
            [x for lane in lanes if (x := lane.padded) is not None],
        )
        rows.append([
            title, float(lanes[0].size), _mean(got), min(got), _mean(padded) if padded else None,
        ])  # fmt: skip
    yield Table(
        panel="lanes", rows=rows, columns=[
            Bilingual("怎样得到一个向量", "how the vector is made"), Bilingual("参数", "parameters"),
            Bilingual("正确率，均值", "accuracy, mean"), Bilingual("最差的种子", "worst seed"),
            Bilingual("同一组权重，读进填充", "same weights, padding read"),
        ],
        caption=Bilingual(
            f"{len(runs)} 个种子，训练结束时，370 条测试语音。", f"{len(runs)} seeds, at the end of training, 370 test utterances."
        ),
    )  # fmt: skip
    yield Table(
        panel="lengths", columns=[
            Bilingual("帧数", "frames"), Bilingual("语音条数", "utterances"), Bilingual("带掩码", "masked"),
            Bilingual("读进填充", "padding read"),
        ],
        rows=[[name, float(many), masked, padded] for name, many, masked, padded in runs[0].by_length()],
        caption=Bilingual(
            "第一个种子，最后有效步与 output[:, -1]，权重相同。", "First seed, last valid step against output[:, -1], same weights."
        ),
    )  # fmt: skip


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _verdicts(runs: list[list[Lane]]) -> Iterator[AnyEvent]:
    """`runs` holds the lanes of each seed, in the order of LANES."""
    lanes = {name: [each[k] for each in runs] for k, (name, _) in enumerate(LANES)}
    means = {name: _mean([lane.accuracy for lane in mine]) for name, mine in lanes.items()}
    n = len(runs)
    for name, value in means.items():
        yield Metric(name=f"accuracy_{name}", value=value)
    solved = sum(lane.accuracy >= SOLVED for lane in lanes["last"])
    yield Metric(
        name="accuracy", value=means["last"], claim="source", solved=solved, seeds=n,
        verdict="holds" if solved == n else "depends" if solved else "fails",
    )  # fmt: skip
    lost = [lane.accuracy - (lane.padded or 0.0) for lane in lanes["last"]]
    harmed = sum(each >= HARM for each in lost)
    yield Metric(
        name="accuracy_lost_to_padding", value=_mean(lost), claim="padding", solved=harmed, seeds=n,
        verdict="holds" if harmed == n else "depends" if harmed else "fails",
    )  # fmt: skip
    safer = sum(a.accuracy >= b.accuracy for a, b in zip(lanes["mean"], lanes["last"], strict=True))
    yield Metric(
        name="accuracy_mean_minus_last", value=means["mean"] - means["last"], claim="pooling", solved=safer, seeds=n,
        verdict="holds" if safer == n else "depends" if safer else "fails",
    )  # fmt: skip


_MAJORITY = Series(
    "majority", Bilingual("总猜最多的那个人", "always the most frequent speaker"), baseline=True
)

demo = Demo(
    slug="speaker-classification",
    title=Bilingual("谁在说话", "Who is speaking"),
    summary=Bilingual(
        "九个人说同样的两个元音，长短不一。取最后一步、平均还是最大？填充的零读进去会怎样？权重一点没动，答案却被零改掉了。",
        "Nine people say the same two vowels, at different lengths. Last step, mean or maximum? And what if the padding is read? With the very same weights, watch zeros change the answer.",
    ),
    params=SpeakerClassificationParams,
    run=surgical(train),
    panels=(
        Panel(
            "accuracy",
            "curves",
            Bilingual("测试语音上的正确率（第一个种子）", "Accuracy on the test utterances (first seed)"),
            x=Bilingual("训练步", "training step"),
            series=(
                *(Series(name, title, baseline=name == "frame_mean") for name, title in LANES),
                Series(
                    "last_read_padded",
                    Bilingual("最后有效步的权重，改读填充", "weights of ‘last valid step’, padding read"),
                ),
                _MAJORITY,
            ),
        ),
        Panel(
            "drift",
            "curves",
            Bilingual("末尾每多读一个零（第一个种子）", "One more zero after the end (first seed)"),
            note=Bilingual(
                "话说完以后再喂零：状态离开原处越来越远，答案跟着变。权重一点没动。",
                "Zeros after the last frame: the state drifts away and the answer with it. The weights never change.",
            ),
            x=Bilingual("末尾多读的零", "zeros read after the end"),
            series=(
                Series("accuracy", Bilingual("正确率", "accuracy")),
                Series("distance", Bilingual("状态偏离 max|Δh|", "drift of the state, max|Δh|")),
                _MAJORITY,
            ),
        ),
        Panel(
            "gates",
            "gates",
            Bilingual("同一条语音：带掩码与读填充", "One utterance: masked, and with its padding read"),
            note=Bilingual(
                "横轴是帧号，0 是填充。带掩码：过了末尾 i = o = 0、f = 1，细胞状态 c 原样不动；读进填充：LSTM 照样更新。",
                "Frame numbers along the axis, 0 is padding. Masked: past the end i = o = 0 and f = 1, so c stands still. Padding read: the LSTM goes on updating.",
            ),
            series=(
                Series("masked", Bilingual("带掩码", "masked")),
                Series("padding read", Bilingual("读进填充", "padding read")),
            ),
        ),
        Panel("lanes", "table", Bilingual("所有种子", "All seeds")),
        Panel(
            "lengths",
            "table",
            Bilingual("短的语音吃亏最多吗？", "Do short utterances suffer most?"),
            note=Bilingual("越短，填充越多。", "The shorter, the more padding."),
        ),
        Panel(
            "strip",
            "seeds",
            Bilingual("每个种子：训练结束时是否达到 0.95", "Every seed: 0.95 or better at the end?"),
            series=tuple(Series(name, title) for name, title in LANES),
        ),
        Panel(
            "confusion",
            "heatmap",
            Bilingual("混淆矩阵：最后有效步（第一个种子）", "Confusions: last valid step (first seed)"),
            note=Bilingual("行是说话人，列是回答。", "Rows are speakers, columns answers."),
        ),
    ),
    claims=(
        Claim(
            "source",
            Bilingual("LSTM 可以对语音信号进行分类", "An LSTM can classify speech signals"),
            Bilingual(
                "原文没有数字；逐帧音素分类早已用 LSTM",
                "No number in the source; frames of speech were classified by LSTMs early on",
            ),
            "S34",
            measured=Bilingual("最后有效步的正确率（均值）", "mean accuracy, last valid step"),
            tally=Bilingual(
                "{seeds} 个种子中 {solved} 个达到 0.95", "0.95 reached in {solved} of {seeds} seeds"
            ),
        ),
        Claim(
            "padding",
            Bilingual("填充会悄悄改写末状态和答案", "Padding quietly rewrites the last state and the answer"),
            Bilingual(
                "打包之后，末状态等于不填充时的末状态",
                "Packed, the last state equals that of the unpadded run",
            ),
            "S22",
            measured=Bilingual("读进填充丢掉的正确率", "accuracy lost by reading the padding"),
        ),
        Claim(
            "pooling",
            Bilingual("平均池化不输给最后一步", "Mean pooling does at least as well as the last step"),
            Bilingual(
                "视频上池化与 LSTM 并列提出", "For video, pooling and LSTM are put forward side by side"
            ),
            "S26",
            measured=Bilingual("正确率，平均池化减最后一步", "accuracy, mean pooling minus last step"),
        ),
    ),
    questions=(29,),
    proves=Bilingual(
        "分类之前，先得把一段序列变成一个向量，怎么变会改变结果。填充没有掩码时，权重一样，正确率却掉下来，最短的语音掉得最多；给出真实长度，末状态与单独跑这一条的结果一致。填充到 29 帧时，带着填充训练能补回大半，但补不回全部；填充到 60 帧时，它在这些步数里几乎什么也没学到。",
        "Before it can be classified a sequence must become one vector, and how that is done changes the result. Without a mask the same weights lose accuracy, the shortest utterances most; given true lengths, the last state agrees with running each utterance alone. Padded to 29 frames, training on the padding wins most of it back, not all; padded to 60, it learns next to nothing within these steps.",
    ),
    not_proves=Bilingual(
        "说话人只有九个，训练和测试都是他们：这不是陌生人的识别，也不是把语音转成文字。平均池化在这里不如最后一步，别的任务可能反过来；换数据要重新测。填充的损害有多大，随种子和填充长度变。",
        "There are nine speakers, the same in training and test: this is neither recognising strangers nor turning speech into text. Mean pooling trails the last step here; elsewhere it may be the other way round, so measure again. How much padding hurts varies with the seed and its length.",
    ),
    presets=(
        Preset("default", Bilingual("填充到 29 帧", "Padded to 29 frames"), {}),
        Preset("clean", Bilingual("训练时不加噪声", "No noise in training"), {"noise": 0}),
        Preset("break", Bilingual("弄坏它：填充到 60 帧", "Break it: padded to 60 frames"), {"pad_to": 60}),
    ),
    quick={"seeds": 1, "steps": 40, "hidden": 12},
    seconds=270.0,
)
