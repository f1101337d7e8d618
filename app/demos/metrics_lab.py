"""Every usual number about one classifier on an imbalanced task, while it trains; then errors of a forecast with zeros.

With 5 % positives, saying ‘no’ to everything is 95 % right with an F1 of 0, and a network passes through exactly that
before it learns. MAPE has no value where an actual value is 0; MASE has (Hyndman & Koehler 2006).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from statistics import fmean
from typing import TYPE_CHECKING, Literal

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
    from app.network.studies.metrics_lab import Demand, Detector, Outcome, Scores

FRAMES, POINTS, DAYS, COUNT_STEPS = 40, 30, 56, 150
IMPRESSIVE, FOUND, MOVED = (
    0.9,
    0.5,
    0.1,
)  # an accuracy that impresses, an F1 that counts, a change of F1 that does
FORECASTS = {
    "lstm": Bilingual("LSTM", "LSTM"),
    "week": Bilingual("上周同一天", "same day last week"),
    "last": Bilingual("昨天", "yesterday"),
    "zero": Bilingual("总是 0", "always 0"),
}


class MetricsLabParams(TrainedParams):
    """The task's imbalance, the decision, the network."""

    share: int = param(5, "正例比例（%）", "Positives (%)", ge=1, le=50)
    threshold: float = param(
        0.5, "判正的阈值 τ", "Threshold τ for ‘positive’", ge=0.01, le=0.99,
        help=Bilingual("概率不低于 τ 就判为正", "positive is what has a chance of at least τ"),
    )  # fmt: skip
    weight: float = param(
        1.0, "损失里正例的权重", "Weight of positives in the loss", ge=1, le=20,
        help=Bilingual("1 表示不加权", "1 means none"),
    )  # fmt: skip
    amplitude: float = param(
        2.0, "信号幅度（噪声标准差为 1）", "Signal height (noise has deviation 1)", ge=0.5, le=4
    )
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)
    steps: int = param(250, "训练步数", "Training steps", ge=20, le=600)
    hidden: int = param(16, "隐藏单元数", "Hidden units", ge=4, le=32)
    lr: float = param(0.02, "学习率", "Learning rate", ge=0.0005, le=0.05)


def train(params: MetricsLabParams) -> Training:
    """Seeds one after the other; then a forecaster of counts."""
    from app.network.studies.metrics_lab import Detector, demand

    yield Started(demo=demo.slug, params=params.model_dump())
    total = params.seeds * params.steps + COUNT_STEPS
    outcomes: list[Outcome] = []
    deceived = 0  # seeds that were, at some moment, as accurate as impresses with an F1 of 0
    first: Detector | None = None
    for place in range(params.seeds):
        detector = Detector(
            share=params.share / 100, amplitude=params.amplitude, weight=params.weight,
            hidden=params.hidden, lr=params.lr, seed=params.seed + place,
        )  # fmt: skip
        deceived += yield from _watched(params, detector, place, total)
        outcome = detector.outcome(params.threshold)
        outcomes.append(outcome)
        if first is None:
            first = detector
            yield from _pictures(outcome)
    for found in demand(hidden=params.hidden, lr=0.01, steps=COUNT_STEPS, seed=params.seed):
        if not isinstance(found, int):
            yield from _counts(found)
        elif found % 20 == 0:
            yield Progress(done=params.seeds * params.steps + found, total=total)
    yield from _scores(params, outcomes[0])
    yield from _verdicts(outcomes, deceived)
    yield Finished()
    assert first is not None  # there is at least one seed
    return first.subject()


def _watched(
    params: MetricsLabParams, detector: Detector, place: int, total: int
) -> Generator[AnyEvent, None, bool]:
    """Train; the first seed is drawn. Whether its accuracy impressed while its F1 was 0."""
    from app.network.train import APART

    frames = shown_steps(params.steps, FRAMES) if place == 0 else set()
    _, tokens = detector.window()
    deceived, found_at, last = False, None, None
    for moment in detector.train(params.steps, max(APART, params.steps // POINTS), params.threshold):
        now = moment.scores
        if moment.step % 20 == 0:
            yield Progress(done=place * params.steps + moment.step, total=total)
        if now is not None:
            last = now
            deceived |= now.f1 == 0 and now.accuracy >= IMPRESSIVE
            found_at = found_at or (moment.step if now.f1 >= FOUND else None)
            if place == 0:
                yield from _live(moment.step, now, moment.entropy, detector.blind)
        if moment.step in frames:
            trace, ruler = detector.frame()
            yield gates_event("gates", trace, moment.step, tokens, ruler=ruler)
    assert last is not None  # the last step is measured
    yield Seed(
        panel="strip", lane="f1", seed=params.seed + place, solved=found_at is not None,
        step=found_at or params.steps, value=last.f1,
    )  # fmt: skip
    return deceived


def _live(step: int, now: Scores, entropy: float, blind: float) -> Iterator[AnyEvent]:
    negatives = now.alarms + now.rest
    points = {
        "live": {"accuracy": now.accuracy, "f1": now.f1, "nothing": negatives / sum(now)},
        "loss": {"ce": entropy, "ppl": math.exp(entropy), "ce0": blind, "ppl0": math.exp(blind)},
    }
    for panel, values in points.items():
        for key, value in values.items():
            yield Scalar(panel=panel, series=key, x=float(step), y=value)
    yield Heatmap(
        panel="confusion", step=step, rows=["y = 1", "y = 0"], columns=["ŷ = 1", "ŷ = 0"],
        values=Tensor.of(now.shares, 0.0, 1.0),
    )  # fmt: skip


def _pictures(outcome: Outcome) -> Iterator[AnyEvent]:
    for tau, at in outcome.sweep:
        values = {
            "accuracy": at.accuracy, "precision": at.precision, "recall": at.recall, "f1": at.f1,
            "nothing": outcome.nothing.accuracy,
        }  # fmt: skip
        for key, value in values.items():
            yield Scalar(panel="thresholds", series=key, x=tau, y=value)
    for recall, precision in outcome.curve:
        yield Scalar(panel="pr", series="lstm", x=recall, y=precision)
    for end in (0.0, 1.0):
        yield Scalar(panel="pr", series="chance", x=end, y=1 - outcome.nothing.accuracy)


def _counts(found: Demand) -> Iterator[AnyEvent]:
    for day, actual in enumerate(found.actual[-DAYS:].tolist()):
        yield Scalar(panel="demand", series="actual", x=float(day), y=actual)
        for key in ("lstm", "week"):
            yield Scalar(panel="demand", series=key, x=float(day), y=float(found.said[key][-DAYS:][day]))
    rows: list[list[Cell]] = [[FORECASTS[name], *each] for name, each in found.misses.items()]
    yield Table(
        panel="misses", rows=rows,
        columns=[Bilingual("预测", "forecast"), *(Bilingual(name, name) for name in ("MAE", "RMSE")), Bilingual("MAPE（%）", "MAPE (%)"),
                 Bilingual("MAPE，略去 0（%）", "MAPE without zeros (%)"), Bilingual("MASE", "MASE")],
        caption=Bilingual(f"测试段 {len(found.actual)} 天里有 {found.zeros} 天的实际值是 0，MAPE 要除以它，所以没有值。略去这些天，“总是 0”恰好是 100 %。",
                          f"On {found.zeros} of {len(found.actual)} test days the actual value is 0; MAPE would divide by it and has no value. Leave those days out, and ‘always 0’ scores exactly 100 %."),
    )  # fmt: skip
    lstm = found.misses["lstm"]
    for name, value in (("mae", lstm.mae), ("rmse", lstm.rmse), ("mape", lstm.mape)):
        yield Metric(name=name, value=value)
    broken = found.zeros > 0
    yield Metric(name="mase", value=lstm.mase, claim="mape", verdict="fails" if broken else "holds")


def _scores(params: MetricsLabParams, outcome: Outcome) -> Iterator[AnyEvent]:
    def row(label: Cell, each: Scores, entropy: float) -> list[Cell]:
        return [label, *(float(n) for n in each), each.accuracy, each.precision, each.recall, each.f1,
                entropy, math.exp(entropy)]  # fmt: skip

    yield Table(
        panel="scores",
        columns=[Bilingual("判法", "decision"), *(Bilingual(name, name) for name in ("TP", "FP", "FN", "TN")),
                 Bilingual("准确率", "accuracy"), Bilingual("精确率", "precision"), Bilingual("召回率", "recall"), Bilingual("F1", "F1"),
                 Bilingual("交叉熵", "cross-entropy"), Bilingual("困惑度", "perplexity")],
        rows=[
            row(Bilingual("全部判负", "all negative"), outcome.nothing, outcome.blind),
            row("LSTM: τ = 0.5", outcome.half, outcome.entropy),
            *([row(f"LSTM: τ = {params.threshold:g}", outcome.given, outcome.entropy)] if params.threshold != 0.5 else []),
            row(Bilingual(f"LSTM: τ = {outcome.tau:.2f}（验证集选的）", f"LSTM: τ = {outcome.tau:.2f} (by validation)"), outcome.best, outcome.entropy),
        ],
        caption=Bilingual(f"第一个种子，2000 条测试序列。全部判负那行的交叉熵属于“总是报正例比例”。平均精确率 {outcome.average_precision:.3f}，ROC AUC {outcome.auc:.3f}。",
                          f"First seed, 2,000 test sequences. The cross-entropy beside ‘all negative’ is that of always telling the share of positives. Average precision {outcome.average_precision:.3f}, ROC AUC {outcome.auc:.3f}."),
    )  # fmt: skip


def verdict(harmed: int, seeds: int) -> Literal["holds", "fails", "depends"]:
    """Of a claim that something is fine, where `harmed` of `seeds` saw harm."""
    return "holds" if harmed == 0 else "fails" if harmed == seeds else "depends"


def _verdicts(outcomes: list[Outcome], deceived: int) -> Iterator[AnyEvent]:
    n = len(outcomes)
    yield Metric(
        name="accuracy_all_negative", value=fmean(each.nothing.accuracy for each in outcomes),
        claim="accuracy", verdict=verdict(deceived, n), solved=n - deceived, seeds=n,
    )  # fmt: skip
    yield Metric(name="f1_all_negative", value=fmean(each.nothing.f1 for each in outcomes))
    yield Metric(name="accuracy", value=fmean(each.given.accuracy for each in outcomes))
    yield Metric(name="f1", value=fmean(each.given.f1 for each in outcomes))
    yield Metric(name="f1_chosen", value=fmean(each.best.f1 for each in outcomes))
    yield Metric(name="average_precision", value=fmean(each.average_precision for each in outcomes))
    yield Metric(name="cross_entropy", value=fmean(each.entropy for each in outcomes), unit="nats")
    yield Metric(name="perplexity", value=fmean(math.exp(each.entropy) for each in outcomes))
    yield Metric(name="f1_gain", value=fmean(each.best.f1 - each.half.f1 for each in outcomes))
    spans = [each.span for each in outcomes]
    moved = sum(span > MOVED for span in spans)
    able = all(each.best.f1 >= FOUND for each in outcomes)  # where nothing is found, no threshold can matter
    yield Metric(
        name="f1_span", value=fmean(spans), claim="threshold", verdict=verdict(moved, n) if able else "depends",
        solved=n - moved, seeds=n,
    )  # fmt: skip


demo = Demo(
    slug="metrics-lab",
    title=Bilingual("指标实验室", "Metrics lab"),
    summary=Bilingual(
        "正例只占 5 % 的序列分类：网络先走过“准确率 95 %、F1 为 0”，再学会找正例。阈值、混淆矩阵、PR 曲线、交叉熵和困惑度同屏；另有一列带 0 的销量，看 MAPE 怎样失效。",
        "Classifying sequences of which 5 % are positive: the network first passes through ‘95 % accurate, F1 of 0’, then learns to find them. Threshold, confusion matrix, PR curve, cross-entropy and perplexity on one page, and sales with zeros, where MAPE breaks down.",
    ),
    params=MetricsLabParams,
    run=surgical(train),
    panels=(
        Panel("live", "curves", Bilingual("准确率与 F1，训练中（第一个种子）", "Accuracy and F1 while it trains (first seed)"),
              note=Bilingual("虚线是什么都不学、全部判负的准确率。实线起初与它重合而 F1 是 0：只看准确率，会以为已经训练好了。",
                             "Dashed: the accuracy of learning nothing and saying no to all. At first the solid line lies on it while F1 is 0; by accuracy alone you would think it was done."),
              x=Bilingual("训练步", "training step"),
              series=(Series("accuracy", Bilingual("准确率", "accuracy")), Series("f1", Bilingual("F1", "F1")),
                      Series("nothing", Bilingual("全部判负的准确率", "accuracy of all negative"), baseline=True))),
        Panel("confusion", "heatmap", Bilingual("混淆矩阵，训练中（每行是该类的份额）", "Confusion matrix while it trains (each row as shares of its class)"),
              note=Bilingual("左上是召回率：起初是 0。条数在下面的表里。", "Top left is recall: 0 at first. Counts are in the table below.")),
        Panel("thresholds", "curves", Bilingual("移动阈值 τ（第一个种子）", "Moving the threshold τ (first seed)"),
              note=Bilingual("同一个网络，每个 τ 一组数：F1 的峰不在 0.5，准确率却几乎不动。", "One network, another set of numbers at every τ: F1 does not peak at 0.5, and accuracy hardly stirs."),
              x=Bilingual("阈值 τ", "threshold τ"),
              series=(Series("accuracy", Bilingual("准确率", "accuracy")), Series("precision", Bilingual("精确率", "precision")),
                      Series("recall", Bilingual("召回率", "recall")), Series("f1", Bilingual("F1", "F1")),
                      Series("nothing", Bilingual("全部判负的准确率", "accuracy of all negative"), baseline=True))),
        Panel("pr", "curves", Bilingual("精确率—召回率曲线", "Precision–recall curve"),
              note=Bilingual("虚线是乱猜：精确率等于正例比例。", "Dashed: guessing, whose precision is the share of positives."),
              x=Bilingual("召回率", "recall"), y=Bilingual("精确率", "precision"),
              series=(Series("lstm", Bilingual("LSTM", "LSTM")), Series("chance", Bilingual("乱猜", "guessing"), baseline=True))),
        Panel("loss", "curves", Bilingual("交叉熵与困惑度（第一个种子）", "Cross-entropy and perplexity (first seed)"),
              note=Bilingual("困惑度 = e 的交叉熵次方。虚线是总报正例比例：不平衡时，什么都没学到也能得到很小的损失。",
                             "Perplexity is e to the cross-entropy. Dashed: always telling the share of positives; under imbalance a small loss takes no understanding."),
              x=Bilingual("训练步", "training step"),
              series=(Series("ce", Bilingual("交叉熵（nats）", "cross-entropy (nats)")), Series("ppl", Bilingual("困惑度", "perplexity")),
                      Series("ce0", Bilingual("交叉熵，总报比例", "cross-entropy, share only"), baseline=True),
                      Series("ppl0", Bilingual("困惑度，总报比例", "perplexity, share only"), baseline=True))),
        Panel("gates", "gates", Bilingual("一条含信号的测试序列上的门，训练中", "Gates over a test sequence that holds the signal, while it trains"),
              note=Bilingual("信号是两步向上、两步向下。学会之后，输入门 i 和 c 在那里动。", "The signal is two steps up and two down. Once learnt, i and c move there.")),
        Panel("strip", "seeds", Bilingual("每个种子：F1 何时到 0.5", "Every seed: when F1 reaches 0.5"), series=(Series("f1", Bilingual("F1 ≥ 0.5，所选阈值", "F1 ≥ 0.5 at the threshold set")),)),
        Panel("scores", "table", Bilingual("同一个网络的各种数字", "One network, many numbers")),
        Panel("demand", "curves", Bilingual("带 0 的日销量：提前一天的预测", "Daily sales with zeros: one day ahead"),
              x=Bilingual("天", "day"),
              series=(Series("actual", Bilingual("实际值", "actual")), Series("lstm", Bilingual("LSTM", "LSTM")), Series("week", FORECASTS["week"], baseline=True))),
        Panel("misses", "table", Bilingual("回归的指标", "Metrics of a forecast")),
    ),
    claims=(
        Claim("accuracy", Bilingual("准确率高，说明分类器好", "A high accuracy means a good classifier"),
              Bilingual("正例很少时看精确率和召回率；ROC 曲线容易让人看走眼", "With few positives look at precision and recall; a ROC curve is easily misread"), "S75", measured=Bilingual("全部判负的准确率", "accuracy of saying no to everything")),
        Claim("threshold", Bilingual("一个 F1 就能概括一个分类器", "One F1 sums up a classifier"),
              Bilingual("凡是选出来的都要留给别的数据去评价，阈值也一样", "Whatever is chosen must be judged on other data; a threshold too"), "S46", measured=Bilingual("移动阈值时 F1 的变化幅度", "how far F1 moves with the threshold")),
        Claim("mape", Bilingual("MAPE 适用于任何序列", "MAPE suits every series"),
              Bilingual("实际值为 0 时 MAPE 无穷大或没有定义，MASE 仍有定义", "At an actual value of 0 MAPE is infinite or undefined; MASE is not"), "S44", measured=Bilingual("LSTM 的 MASE", "the LSTM’s MASE")),
    ),
    questions=(13,),
    proves=Bilingual(
        "正例少的时候，准确率可以在一个正例也没找到时就很高；同一个网络换一个阈值，F1 就大变；损失小也可能只是类别不平衡。序列里有 0，MAPE 就没有值，MASE 仍然算得出。",
        "Where positives are rare, accuracy is high before a single one is found; the same network has quite another F1 at another threshold; a small loss may come from imbalance alone. On a series with zeros MAPE has no value; MASE still does.",
    ),
    not_proves=Bilingual(
        "数据是合成的，一次只有一种信号。它没有说哪个指标该用在你的任务上：那取决于漏报和误报各值多少。BLEU、WER、HR@K 等序列任务的指标不在这里。",
        "The data are synthetic, with one kind of signal. It does not say which metric your task wants: that depends on what a miss and a false alarm cost. BLEU, WER, HR@K and other sequence metrics are not here.",
    ),
    presets=(
        Preset("default", Bilingual("正例 5 %，τ = 0.5", "5 % positive, τ = 0.5"), {}),
        Preset("low", Bilingual("降低阈值：τ = 0.15", "A lower threshold: τ = 0.15"), {"threshold": 0.15}),
        Preset("weighted", Bilingual("正例加权 5 倍", "Positives weighted 5 times"), {"weight": 5}),
        Preset("balanced", Bilingual("各占一半", "Half and half"), {"share": 50}),
        Preset("break", Bilingual("弄坏它：正例 1 %", "Break it: 1 % positive"), {"share": 1}),
    ),
    quick={"seeds": 1, "steps": 20},
    seconds=60.0,
)  # fmt: skip
