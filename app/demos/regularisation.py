"""What closes the gap between seen and unseen: weight decay, L1, dropout by place, early stopping.

A hundred digits with wrong labels among them are learnt by heart; five ways to train and early stopping are compared
on the gap. Then the trap of recurrent dropout: on a recall task a fresh mask on the cell state at every step wipes the
memory (Gal & Ghahramani 2016; Semeniuta et al. 2016).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Literal

from app.demos.frames import gates_event, shown_steps
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
    Seed,
    Series,
    Started,
    Table,
    Tensor,
    param,
)

if TYPE_CHECKING:
    from app.network.studies.regularising import Learner, Losses

Recall = Generator[AnyEvent, None, dict[str, list[float]]]
FRAMES, HALF, SOME = 15, 0.5, 0.25
GUESS, CHANCE = 2.302585, 0.25  # ln 10; one symbol of four
Verdict = Literal["holds", "fails", "depends"]
LANES = {
    "none": Bilingual("什么也不加", "nothing"),
    "decay": Bilingual("L2（权重衰减，AdamW）", "L2 (weight decay, AdamW)"),
    "l1": Bilingual("L1（近端步）", "L1 (proximal step)"),
    "out": Bilingual("dropout：只在输出", "dropout on the output"),
    "inout": Bilingual("dropout：输入和输出", "dropout on input and output"),
}
STOPPED = Bilingual("早停（什么也不加）", "early stopping (of nothing)")
PENALTIES = ("decay", "l1", "inout")  # the source's three
PLACES = {
    "nowhere": Bilingual("不丢", "nowhere"),
    "h_locked": Bilingual("丢 h，整条序列同一掩码", "h, one mask for the sequence"),
    "h_step": Bilingual("丢 h，每步换掩码", "h, a fresh mask each step"),
    "g_step": Bilingual("丢候选 g，每步换掩码", "candidate g, a fresh mask each step"),
    "c_step": Bilingual("丢细胞状态 c，每步换掩码", "cell state c, a fresh mask each step"),
}
BINS = ("= 0", "< 0.001", "< 0.003", "< 0.01", "< 0.03", "< 0.1", "< 0.3", "< 1", "≥ 1")


class RegularisationParams(TrainedParams):
    """How little data, how noisy, and how strong each remedy."""

    look: Literal["none", "decay", "l1", "out", "inout"] = param(
        "inout", "细看哪一种", "Method to look at", choices=LANES
    )
    count: int = param(100, "训练图片数", "Training digits", ge=40, le=300)
    noise: float = param(0.15, "错标签的比例", "Share of random labels", ge=0, le=0.5)
    epochs: int = param(100, "训练轮数", "Epochs", ge=20, le=300)
    hidden: int = param(24, "隐藏单元数", "Hidden units", ge=8, le=48)
    decay: float = param(1.0, "权重衰减 λ", "Weight decay λ", ge=0.01, le=10)
    l1: float = param(0.2, "L1 强度", "Strength of L1", ge=0.01, le=2)
    rate: float = param(0.4, "dropout 比例（数字）", "Dropout rate (digits)", ge=0.05, le=0.8)
    T: int = param(25, "记忆任务的长度 T", "Length T of the recall task", ge=5, le=40)
    trap_rate: float = param(0.3, "dropout 比例（记忆任务）", "Dropout rate (recall)", ge=0.05, le=0.8)
    trap_steps: int = param(80, "记忆任务的训练步数", "Training steps (recall)", ge=10, le=150)
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)


def train(params: RegularisationParams) -> Training:
    """Every way to train on every seed's digits, then all placements of dropout on the recall task."""
    from app.network.studies.regularising import Learner, digits, rows

    yield Started(demo=demo.slug, params=params.model_dump())
    total = params.seeds * len(LANES) * params.epochs + 10 * params.trap_steps
    done = 0
    trials: list[dict[str, Learner]] = []
    for place in range(params.seeds):
        seed = params.seed + place
        data = digits(params.count, params.noise, seed)
        trial = {
            lane: Learner(
                lane,
                data,
                hidden=params.hidden,
                decay=params.decay,
                l1=params.l1,
                rate=params.rate,
                seed=seed,
            )
            for lane in LANES
        }
        trials.append(trial)
        for lane, learner in trial.items():
            frames = shown_steps(params.epochs, FRAMES) if place == 0 and lane == params.look else set()
            drawn = 0
            for epoch in learner.train(params.epochs):
                done += 1
                if epoch in frames:
                    trace, ruler = learner.frame()
                    yield gates_event("gates", trace, epoch, rows(), lane=LANES[lane].en, ruler=ruler)
                if len(learner.history) > drawn:
                    drawn = len(learner.history)
                    if place == 0:
                        yield from _points(lane, learner.history[-1])
                    yield Progress(done=done, total=total)
        if place == 0:
            for x in (0.0, float(params.epochs)):
                yield Scalar(panel="validation", series="guess", x=x, y=GUESS)
            yield _weights(trial)
        yield from _strip(trial, seed)
        yield _table(trials)
    accuracy = yield from _trap(params, done, total)
    yield from _verdicts(trials, accuracy)
    yield Finished()
    return trials[0][params.look].subject()


def _points(lane: str, losses: Losses) -> Iterator[AnyEvent]:
    x = float(losses.epoch)
    yield Scalar(panel="validation", series=lane, x=x, y=losses.validation)
    yield Scalar(panel="gap", series=lane, x=x, y=losses.validation - losses.train)


def _weights(trial: dict[str, Learner]) -> Heatmap:
    """The histogram of |w|, a row a lane; shares from 0 to the largest of them."""
    import numpy as np

    shares: Any = np.stack([learner.histogram() for learner in trial.values()])
    return Heatmap(
        panel="weights", values=Tensor.of(shares, 0.0, float(shares.max())),
        rows=[LANES[lane] for lane in trial], columns=list(BINS),
    )  # fmt: skip


def closed(plain: Losses, other: Losses) -> float:
    """The share of the untreated gap that is gone; 0 where there was no gap to close."""
    return 1.0 - other.gap / plain.gap if plain.gap > 0.1 else 0.0


def _ends(trial: dict[str, Learner]) -> dict[str, Losses]:
    """The last epoch of every lane, and that of early stopping."""
    ends = {lane: learner.history[-1] for lane, learner in trial.items()}
    return ends | {"stopped": trial["none"].stopped()}


def _strip(trial: dict[str, Learner], seed: int) -> Iterator[AnyEvent]:
    ends = _ends(trial)
    for lane, losses in ends.items():
        if lane != "none":
            share = closed(ends["none"], losses)
            yield Seed(
                panel="strip", lane=lane, seed=seed, solved=share >= HALF, step=losses.epoch, value=share,
                said=_share(share),
            )  # fmt: skip


def _share(closed: float) -> Bilingual:
    if closed < 0:
        return Bilingual(f"拉大 {-closed:.0%}", f"wider by {-closed:.0%}")
    return Bilingual(f"补上 {closed:.0%}", f"{closed:.0%} closed")


def _table(trials: list[dict[str, Learner]]) -> Table:
    every = [_ends(trial) for trial in trials]
    n = len(every)
    rows: list[list[Cell]] = []
    for lane, title in (LANES | {"stopped": STOPPED}).items():
        mine = [ends[lane] for ends in every]
        learners = [trial.get(lane, trial["none"]) for trial in trials]
        rows.append([
            title,
            sum(each.train for each in mine) / n,
            sum(each.test for each in mine) / n,
            sum(each.gap for each in mine) / n,
            sum(each.accuracy for each in mine) / n,
            None if lane == "stopped" else sum(float(each.histogram()[0]) for each in learners) / n,
            None if lane == "stopped" else sum(each.columns_at_zero() for each in learners) / n,
        ])  # fmt: skip
    return Table(
        panel="table",
        columns=[
            Bilingual("做法", "method"),
            Bilingual("训练损失", "training loss"),
            Bilingual("测试损失", "test loss"),
            Bilingual("差距", "gap"),
            Bilingual("测试正确率", "test accuracy"),
            Bilingual("恰好为 0 的权重", "weights exactly 0"),
            Bilingual("整列为 0 的输入特征（共 8）", "input features all at 0 (of 8)"),
        ],
        rows=rows,
        step=n,
        caption=Bilingual(
            f"{n} 个种子的平均，每个种子 500 张没见过的测试图。训练损失按带错的标签算；早停只看验证集选轮数。",
            f"Mean over {n} seeds, 500 unseen test digits each. Training loss is against the labels as given; early stopping chooses its epoch by the validation set alone.",
        ),
    )


def _trap(params: RegularisationParams, done: int, total: int) -> Recall:
    """The placements race on the recall task; returns the last accuracy by place and seed."""
    from app.network.studies.dropping import Dropping

    race = Dropping(steps=params.T, hidden=24, rate=params.trap_rate, seed=params.seed, seeds=params.seeds)
    accuracy: list[list[float]] = []
    for moment in race.train(params.trap_steps):
        if moment.accuracy:
            accuracy = moment.accuracy
            for place, by_seed in zip(PLACES, accuracy, strict=True):
                mean = sum(by_seed) / len(by_seed)
                yield Scalar(panel="trap", series=place, x=float(moment.step), y=mean)
        yield Progress(done=done + 10 * moment.step, total=total)
    for x in (0.0, float(params.trap_steps)):
        yield Scalar(panel="trap", series="chance", x=x, y=CHANCE)
    for place, by_seed in zip(PLACES, accuracy, strict=True):
        for k, value in enumerate(by_seed):
            yield Seed(
                panel="places", lane=place, seed=params.seed + k, solved=value >= 0.9,
                step=params.trap_steps, value=value, said=Bilingual(f"答对 {value:.0%}", f"{value:.0%} right"),
            )  # fmt: skip
    return dict(zip(PLACES, accuracy, strict=True))


def _verdicts(trials: list[dict[str, Learner]], recall: dict[str, list[float]]) -> Iterator[AnyEvent]:
    n = len(trials)
    every = [_ends(trial) for trial in trials]
    shares = {lane: [closed(ends["none"], ends[lane]) for ends in every] for lane in (*LANES, "stopped")}
    for lane in shares:
        yield Metric(name=f"gap_{lane}", value=sum(ends[lane].gap for ends in every) / n)
        yield Metric(name=f"accuracy_{lane}", value=sum(ends[lane].accuracy for ends in every) / n)
    best = max((lane for lane in shares if lane != "none"), key=lambda lane: sum(shares[lane]))
    yield Metric(
        name="gap_closed_best", value=sum(shares[best]) / n,
        solved=sum(share >= HALF for share in shares[best]), seeds=n,
    )  # fmt: skip
    helped = [share >= SOME for lane in PENALTIES for share in shares[lane]]
    yield Metric(
        name="gap_closed_l2_l1_dropout", value=sum(sum(shares[lane]) for lane in PENALTIES) / len(helped),
        claim="remedies", solved=sum(helped), seeds=len(helped), verdict=all_some_none(sum(helped), len(helped)),
    )  # fmt: skip
    zeros = sum(float(trial["l1"].histogram()[0]) for trial in trials) / n
    gone = [trial["l1"].columns_at_zero() > 0 for trial in trials]
    yield Metric(name="zero_weights_l1", value=zeros)
    yield Metric(
        name="features_at_zero_l1", value=sum(trial["l1"].columns_at_zero() for trial in trials) / n,
        claim="features", solved=sum(gone), seeds=n, verdict=all_some_none(sum(gone), n),
    )  # fmt: skip
    means = {place: sum(values) / len(values) for place, values in recall.items()}
    for place, mean in means.items():
        yield Metric(name=f"recall_{place}", value=mean)
    fallen = recall["c_step"]
    yield Metric(
        name="recall when c is dropped", value=means["c_step"], claim="place",
        solved=sum(value >= 0.9 for value in fallen), seeds=len(fallen), verdict=where(means),
    )  # fmt: skip


def all_some_none(count: int, of: int) -> Verdict:
    """The verdict on a claim that is meant for every run."""
    return "holds" if count == of else "fails" if count == 0 else "depends"


def where(means: dict[str, float]) -> Verdict:
    """Dropping hidden units is harmless: everywhere, nowhere, or it depends on the place."""
    fine = [mean >= 0.9 for place, mean in means.items() if place != "nowhere"]
    return all_some_none(sum(fine), len(fine))


_SERIES = tuple(Series(key, title, baseline=key == "none") for key, title in LANES.items())

# fmt: off
demo = Demo(
    slug="regularisation",
    title=Bilingual("正则化", "Regularisation"),
    summary=Bilingual("一百张手写数字，其中混着错标签，网络很快就背了下来。权重衰减、L1、两种 dropout、早停各能把差距补上多少？另一半是陷阱：每步丢细胞状态，记忆就没了。", "A hundred handwritten digits, wrong labels among them, are soon learnt by heart. How much of the gap do weight decay, L1, two dropouts and early stopping close? The other half is a trap: drop the cell state at every step and the memory is gone."),
    params=RegularisationParams,
    run=surgical(train),
    panels=(
        Panel("gap", "curves", Bilingual("差距：验证损失 − 训练损失（第一个种子）", "The gap: validation − training loss (first seed)"), note=Bilingual("虚线是什么也不加：越练差距越大。看哪条线一直贴着零。", "Dashed is training with nothing added: the gap grows and grows. See which line stays near zero."), x=Bilingual("轮", "epoch"), series=_SERIES),
        Panel("validation", "curves", Bilingual("验证损失（第一个种子）", "Validation loss (first seed)"), note=Bilingual("虚线先降后升：最低点就是早停该停的地方。", "The dashed line falls and rises again: its lowest point is where early stopping stops."), x=Bilingual("轮", "epoch"),
            series=(
                *_SERIES,
                Series("guess", Bilingual("均匀乱猜 ln 10", "uniform guess, ln 10"), baseline=True),
            ),
        ),
        Panel("table", "table", Bilingual("六种做法", "Six ways")),
        Panel("weights", "heatmap", Bilingual("权重的大小：|w| 的分布（第一个种子）", "Sizes of weights: where |w| falls (first seed)"), note=Bilingual("最左一列是恰好为 0 的权重：只有 L1 那一行有。权重衰减让大权重变小，却不会变成 0。", "The first column holds weights of exactly 0: the L1 row alone has any. Weight decay makes large weights smaller and none zero.")),
        Panel("strip", "seeds", Bilingual("每个种子：补上一半差距了吗", "Every seed: half of the gap closed?"),
            series=(
                *(Series(key, title) for key, title in LANES.items() if key != "none"),
                Series("stopped", STOPPED),
            ),
        ),
        Panel("trap", "curves", Bilingual("陷阱：dropout 丢在哪里（记忆任务）", "The trap: where dropout goes (recall task)"), note=Bilingual("第一步看见四个符号之一，最后要说出来。每步丢 c 的那条线停在乱猜附近，其余的学会。曲线是各种子的平均。", "One of four symbols at the first step, to be named at the last. The line that drops c at every step stays near chance; the others learn. Means over the seeds."), x=Bilingual("训练步", "training step"),
            series=(
                *(Series(key, title) for key, title in PLACES.items()),
                Series("chance", Bilingual("乱猜 0.25", "chance 0.25"), baseline=True),
            ),
        ),
        Panel("places", "seeds", Bilingual("记忆任务：每个种子到 0.9 了吗", "Recall: every seed at 0.9?"), series=tuple(Series(key, title) for key, title in PLACES.items())),
        Panel("gates", "gates", Bilingual("细看的那一种：逐行读一个数字时的门", "The chosen one: gates while a digit is read row by row"), note=Bilingual("换着看“什么也不加”和 dropout：没有约束的网络把门推向 0 和 1。", "Compare ‘nothing’ with dropout: an unconstrained network pushes its gates to 0 and 1."), series=tuple(Series(title.en, title) for title in LANES.values())),
    ),
    claims=(
        Claim("remedies", Bilingual("L2、L1 和 dropout 防止过拟合", "L2, L1 and dropout prevent overfitting"), Bilingual("只丢非循环连接，dropout 就能用在 LSTM 上", "With non-recurrent connections only, dropout works for LSTMs"), "S12", measured=Bilingual("三种办法平均补上的差距比例", "share of the gap closed, mean of three"), tally=Bilingual("{seeds} 次训练中 {solved} 次补上四分之一以上", "a quarter or more in {solved} of {seeds} trainings")),
        Claim("features", Bilingual("L1 促进特征选择", "L1 promotes feature selection"), Bilingual("L1 让单个权重变成 0；一个特征有 4h 个权重", "L1 zeroes single weights; a feature has 4h of them"), "S22", measured=Bilingual("8 个输入特征中被 L1 归零的", "of 8 input features, those L1 zeroes")),
        Claim("place", Bilingual("随机丢弃隐藏层神经元即可", "Just drop hidden neurons at random"), Bilingual("循环 dropout 不能丢记忆，要丢候选值", "Recurrent dropout must spare the memory and drop the candidate"), "S14", measured=Bilingual("每步丢 c 时的回忆正确率", "recall accuracy when c is dropped"), tally=Bilingual("{seeds} 个种子中 {solved} 个没学会", "not learnt in {solved} of {seeds} seeds")),
    ),
    questions=(9,),
    proves=Bilingual("数据又少又脏时，把差距补上最多的是输入和输出上的 dropout，不花一分钱的早停也补上一大截；L1 造出成片的零，却没有整列的零，谈不上选特征。循环路径上丢 h 或候选值无妨，每步丢细胞状态则停在乱猜附近。", "On few and noisy data dropout on input and output closes most of the gap, and early stopping, which is free, a good part. L1 makes many zeros and no column of them, so it selects no feature. On the recurrent path dropping h or the candidate is harmless; dropping the cell state at every step leaves it near chance."),
    not_proves=Bilingual("强度是粗略挑的，没有逐项调优，名次会随数据和强度改变。差距小不等于好：训练损失也可以很差。换上干净或更多的数据，正则化的好处会缩小。", "Strengths were picked roughly and not tuned one by one; the ranking changes with data and strength. A small gap is no merit by itself: training loss may be bad too. With clean or more data the benefit shrinks."),
    presets=(
        Preset("default", Bilingual("一百张，15 % 错标签", "A hundred digits, 15 % random labels"), {}),
        Preset("clean", Bilingual("三百张，标签全对", "Three hundred, all labels right"), {"count": 300, "noise": 0.0}),
        Preset("strong", Bilingual("L1 加到 1", "L1 at 1"), {"l1": 1.0, "look": "l1"}),
        Preset("short", Bilingual("记忆只要 T = 5", "Recall over T = 5"), {"T": 5}),
        Preset("break", Bilingual("弄坏它：权重衰减 10，dropout 0.8", "Break it: decay 10, dropout 0.8"), {"decay": 10.0, "rate": 0.8, "trap_rate": 0.8}),
    ),
    quick={"epochs": 20, "seeds": 1, "hidden": 8, "T": 5, "trap_steps": 10},
    seconds=240.0,
)
# fmt: on
