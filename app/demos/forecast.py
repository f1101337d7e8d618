"""One-step forecasting done honestly and with three leaks, always beside two naive forecasts.

Split by time, scale on the training part, stop on validation, score the test part once; then a rolling-origin
backtest. Against it: shuffled windows, a scale from the whole series, a centred smoother (Kapoor & Narayanan
2023). Naive forecasts after Hyndman & Athanasopoulos, MASE after Hyndman & Koehler (2006).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationInfo, field_validator

from app.demos.frames import gates_event, shown_steps
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
    Seed,
    Series,
    Started,
    Table,
    param,
)

if TYPE_CHECKING:
    from app.network.studies.forecast import Setting, Summary, Trial
    from app.network.studies.windows import Array

FRAMES, DRAWN, BETTER = 40, 120, 1.05  # BETTER: a promise this many times too good counts as a leak
SIZES = {"sunspots": 309, "airline": 144, "weather": 1461, "walk": 600}
SEASONS = {"sunspots": 11, "airline": 12, "weather": 365, "walk": 12, "own": 12}
# fmt: off
TRANSFORMS = {"sunspots": "sqrt", "airline": "seasonal", "weather": "level", "walk": "level", "own": "difference"}
AXES = {"sunspots": (1700.0, 1.0), "airline": (1949.0, 1 / 12), "weather": (2012.0, 1 / 365.25)}
LEAST, MOST, LARGEST = 60, 1000, 1e9
PROTOCOLS = {
    "honest": Bilingual("诚实的做法", "the honest way"),
    "shuffle": Bilingual("先打乱再划分", "shuffled, then split"),
    "scaler": Bilingual("用整条序列归一化", "scaled on the whole series"),
    "denoise": Bilingual("用中心滑动平均去噪", "denoised by a centred average"),
}


def numbers(text: str) -> list[float]:
    """The last column of each line; the first line may be a heading. ValueError names the line that is no number."""
    found: list[float] = []
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    for place, line in enumerate(lines, 1):
        last = re.split(r"[,，;；\s]+", line.strip(" ,，;；\t"))[-1]
        try:
            value = float(last.strip("\"'"))
        except ValueError:
            if place == 1:
                continue
            raise ValueError(f"values：第 {place} 行末列不是数 | values: line {place} ends in no number") from None
        if not abs(value) <= LARGEST:  # NaN is none either
            raise ValueError(f"values：第 {place} 行超出 ±10⁹ | values: line {place} is outside ±10⁹")
        found.append(value)
    if (n := len(found)) and not LEAST <= n <= MOST:
        raise ValueError(f"values：要 {LEAST} 到 {MOST} 个数，现有 {n} 个 | values: {LEAST} to {MOST} numbers, not {n}")
    return found


class ForecastParams(TrainedParams):
    """The series, how it is prepared, and the network."""

    series: Literal["sunspots", "airline", "weather", "walk", "own"] = param(
        "sunspots", "序列", "Series", choices={"sunspots": Bilingual("年太阳黑子数", "yearly sunspots"), "airline": Bilingual("月航空旅客数", "monthly airline passengers"), "weather": Bilingual("西雅图日最高气温", "Seattle’s daily maxima"), "walk": Bilingual("随机游走", "a random walk"), "own": Bilingual("你自己的数", "your own numbers")},
    )
    values: str = param(
        "", "你自己的数", "Your own numbers", widget="lines", max_length=20_000, validate_default=True,
        help=Bilingual(
            "每行一个数，或 CSV（取最后一列）；60 到 1000 个，“序列”要选“你自己的数”",
            "one number a line, or CSV (its last column); 60 to 1,000 of them, with ‘your own numbers’ chosen above",
        ),
    )
    transform: Literal["auto", "level", "sqrt", "difference", "seasonal"] = param(
        "auto", "变换", "Transform", choices={"auto": Bilingual("自动", "automatic"), "level": Bilingual("不变换", "none"), "sqrt": Bilingual("开方", "square root"), "difference": Bilingual("一阶差分", "first difference"), "seasonal": Bilingual("季节差分", "seasonal difference")},
        help=Bilingual(
            "自动：黑子开方，旅客取对数的季节差分，气温和游走不变换，自己的数取一阶差分",
            "automatic: square root for sunspots, seasonal difference of logs for passengers, none for weather and walk, first difference for your own",
        ),
    )
    season: int = param(0, "季节长度", "Season length", ge=0, le=365, validate_default=True,
                        help=Bilingual("0 表示自动：11、12、365、12、12", "0 is automatic: 11, 12, 365, 12, 12"))
    window: int = param(12, "窗口长度 W", "Window W", ge=4, le=40, validate_default=True)
    leak: Literal["denoise", "shuffle", "scaler"] = param(
        "denoise", "画出哪一种泄漏", "Leak to draw", choices={name: PROTOCOLS[name] for name in ("denoise", "shuffle", "scaler")}, help=Bilingual("三种总是都测", "all three are always measured")
    )
    folds: int = param(4, "滚动起点折数", "Rolling-origin folds", ge=2, le=6)
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)
    steps: int = param(150, "训练步数", "Training steps", ge=20, le=300)
    hidden: int = param(16, "隐藏单元数", "Hidden units", ge=4, le=24)
    lr: float = param(0.01, "学习率", "Learning rate", ge=0.0005, le=0.05)

    @field_validator("values")
    @classmethod
    def _enough(cls, text: str, info: ValidationInfo) -> str:
        if not numbers(text) and info.data.get("series") == "own":
            raise ValueError(f"values：“序列”（series）选“你自己的数”时要 {LEAST} 到 {MOST} 个数 | values: {LEAST} to {MOST} of them with ‘your own numbers’ (series)")
        return text

    @field_validator("season")
    @classmethod
    def _season(cls, season: int, info: ValidationInfo) -> int:
        limit = _size(info) * 48 // 100
        if season > limit:
            raise ValueError(f"season：这条序列最多 {limit} | season: at most {limit} for a series of this length")
        return season

    @field_validator("window")
    @classmethod
    def _window(cls, window: int, info: ValidationInfo) -> int:
        name = info.data.get("series", "sunspots")
        reach = info.data.get("season") or SEASONS[name]
        kind = info.data.get("transform", "auto")
        if (TRANSFORMS[name] if kind == "auto" else kind) != "seasonal":
            reach = 1
        limit = _size(info) * 48 // 100 - 10 - reach  # the first fold must keep ten samples to train on
        if window > limit:
            raise ValueError(f"window：这条序列和变换最多 {limit} | window: at most {limit} for this series and transform")
        return window


# fmt: on
def _size(info: ValidationInfo) -> int:
    name = info.data.get("series", "sunspots")
    return SIZES.get(name) or len(numbers(info.data.get("values", ""))) or MOST


def train(params: ForecastParams) -> Training:
    """Seeds one after the other, each under all four protocols; then the backtest with the first seed."""
    from app.network.studies.forecast import PROTOCOLS as ALL
    from app.network.studies.forecast import Setting, Trial, folds, mean, series, summary
    from app.network.studies.windows import Transform

    yield Started(demo=demo.slug, params=params.model_dump())
    own = numbers(params.values)
    season = params.season or SEASONS[params.series]
    kind = TRANSFORMS[params.series] if params.transform == "auto" else params.transform
    total, done = (params.seeds * len(ALL) + params.folds) * params.steps, 0
    trials: dict[str, list[Trial]] = {name: [] for name in ALL}

    def setting(y: Array) -> Setting:
        change = Transform(kind, season, bool((y > 0).all()))
        return Setting(change, params.window, params.hidden, params.lr, params.steps)

    for place in range(params.seeds):
        seed = params.seed + place
        y = series(params.series, seed, own)
        for name in ALL:
            trial = Trial(y, setting(y), seed=seed, protocol=name)
            yield from _watched(trial, done, total, shown=place == 0 and name == "honest")
            done += params.steps
            trials[name].append(trial)
            ratio = trial.delivered.ratio
            yield Seed(
                panel="strip", lane=name, seed=seed, solved=ratio is not None and ratio < 1,
                step=trial.forecaster.best_step, value=ratio or 0.0,
            )  # fmt: skip
        if place == 0:
            yield from _picture(params, trials, season)
    y = series(params.series, params.seed, own)
    tested = []
    for k, (held, origin, until) in enumerate(folds(len(y), params.folds), 1):
        trial = Trial(y[:until], setting(y), seed=params.seed, parts=(held, origin))
        yield from _watched(trial, done, total, shown=False)
        done += params.steps
        tested.append(trial)
        yield from _fold(trial, k, season)
    result = summary(trials, season)
    yield from _tables(params, result)
    yield from _verdicts(result, mean([trial.delivered.ratio for trial in tested]))
    yield Finished()
    return trials["honest"][0].subject()


def _watched(trial: Trial, done: int, total: int, *, shown: bool) -> Iterator[AnyEvent]:
    """Train a trial; where `shown`, with its gates and its validation error."""
    frames = shown_steps(trial.setting.steps, FRAMES) if shown else set()
    _, tokens = trial.window()
    for moment in trial.train():
        if moment.step % 20 == 0:
            yield Progress(done=done + moment.step, total=total)
        if shown and moment.validated is not None:
            yield Scalar(panel="training", series="lstm", x=float(moment.step), y=moment.validated)
            yield Scalar(panel="training", series="naive", x=float(moment.step), y=trial.validation_naive)
        if moment.step in frames:
            trace, ruler = trial.frame()
            yield gates_event("gates", trace, moment.step, tokens, ruler=ruler)


def _picture(params: ForecastParams, trials: dict[str, list[Trial]], season: int) -> Iterator[AnyEvent]:
    honest, leaky = trials["honest"][0], trials[params.leak][0]
    start, pace = AXES.get(params.series, (0.0, 1.0))
    for k in range(max(0, len(honest.future) - DRAWN), len(honest.future)):
        at = int(honest.future[k])
        lines = {
            "actual": honest.y[at], "lstm": honest.forecast[k], "leak": leaky.forecast[k],
            "last": honest.y[at - 1], "season": honest.y[at - season],
        }  # fmt: skip
        for key, value in lines.items():
            yield Scalar(panel="forecast", series=key, x=start + at * pace, y=float(value))


def _fold(trial: Trial, k: int, season: int) -> Iterator[AnyEvent]:
    from app.network.studies.forecast import naive

    simple = naive(trial.y, season, trial.future)
    for key, value in (
        ("lstm", trial.delivered.rmse),
        ("last", simple.last[0]),
        ("season", simple.seasonal[0]),
    ):
        yield Scalar(panel="backtest", series=key, x=float(k), y=value)


def _tables(params: ForecastParams, result: Summary) -> Iterator[AnyEvent]:
    last, season = Bilingual("上一个值", "last value"), Bilingual("上一季", "a season ago")
    rows: list[list[Cell]] = [[last, *result.last], [season, *result.seasonal]]
    for seed, score in enumerate(result.scores, params.seed):
        rows.append([Bilingual(f"LSTM，种子 {seed}", f"LSTM, seed {seed}"), *score])
    over = Bilingual("÷ 上一个值的", "÷ last value’s")
    yield Table(
        panel="scores", rows=rows,
        columns=[Bilingual("预测", "forecast"), *(Bilingual(name, name) for name in ("RMSE", "MAE", "MASE")), over],
        caption=Bilingual("测试段，原单位，只打一次分。随机游走的每个种子是另一条序列，基线两行属于第一条。",
                          "Test part, original unit, scored once. With the walk every seed is another series; the two naive rows are those of the first."),
    )  # fmt: skip
    yield Table(
        panel="leaks",
        columns=[Bilingual("做法", "protocol"), Bilingual("许诺的 RMSE", "RMSE promised"), over,
                 Bilingual("兑现的 RMSE", "RMSE delivered"), over, Bilingual("乐观了几倍", "times too good")],
        rows=[[PROTOCOLS[name], *leak[:4], leak.factor] for name, leak in result.leaks.items()],
        caption=Bilingual("各种子的平均。每一段难度不同，所以先除以同一段上“上一个值”的误差，再比许诺和兑现；诚实做法的许诺是验证误差。",
                          "Means over the seeds. Stretches differ in difficulty, so each error is divided by that of the last value there before promise and delivery are compared; the honest way’s promise is its validation error."),
    )  # fmt: skip


def verdict(harmed: int, seeds: int) -> Literal["holds", "fails", "depends"]:
    """Of a claim that something is fine, where `harmed` of `seeds` saw harm."""
    return "holds" if harmed == 0 else "fails" if harmed == seeds else "depends"


def _verdicts(result: Summary, backtest: float | None) -> Iterator[AnyEvent]:
    n = len(result.scores)
    yield Metric(name="rmse_lstm", value=fmean(score.rmse for score in result.scores))
    yield Metric(name="rmse_persistence", value=result.last.rmse)
    yield Metric(name="rmse_seasonal", value=result.seasonal.rmse)
    yield Metric(name="backtest_skill", value=None if backtest is None else 1 - backtest)
    yield Metric(
        name="skill", value=result.skill, claim="beats", solved=result.ahead, seeds=n,
        verdict="holds" if result.ahead == n else "fails" if not result.ahead_of_last else "depends",
    )  # fmt: skip
    for name, leak in result.leaks.items():
        harmed = sum(factor is not None and factor > BETTER for factor in leak.factors)
        yield Metric(
            name=f"optimism_{name}", value=leak.factor, unit="×", solved=n - harmed, seeds=n,
            claim="validation" if name == "honest" else name, verdict=verdict(harmed, n),
        )  # fmt: skip


demo = Demo(
    slug="forecast",
    title=Bilingual("预测实验室", "Forecast lab"),
    summary=Bilingual(
        "太阳黑子、航空旅客、气温、随机游走或你自己的数：按时间切分，与“明天等于今天”比，再看三种泄漏各许诺了多少、兑现了多少。",
        "Sunspots, passengers, weather, a random walk or your own numbers: split by time, compared with ‘tomorrow equals today’, and what three leaks promise beside what they deliver.",
    ),
    params=ForecastParams,
    run=surgical(train),
    panels=(
        Panel("forecast", "curves", Bilingual("测试段：提前一步的预测", "Test part: one step ahead"),
              note=Bilingual("先看虚线：上一个值和上一季。LSTM 的线要比它们更贴近实际值，才算学到了东西。“有泄漏”那条是同一种网络，用有泄漏的做法训练，再拿到真正的未来上用（归一化除外：那个尺度当时还无从知道，线照它自己的算法画）。",
                             "Dashed first: last value and a season ago. Only where the LSTM stays closer to the truth than they do has it learnt anything. The leaky line is the same kind of network, trained by the leaky protocol and put to work on the real future (but for scaling, whose scale could not be known then: drawn as that protocol computes it)."),
              x=Bilingual("年（随机游走和自己的数：序号）", "year (walk and own numbers: index)"),
              series=(Series("actual", Bilingual("实际值", "actual")), Series("lstm", Bilingual("LSTM", "LSTM")),
                      Series("leak", Bilingual("LSTM，有泄漏的做法", "LSTM, leaky protocol")),
                      Series("last", Bilingual("上一个值", "last value"), baseline=True),
                      Series("season", Bilingual("上一季", "a season ago"), baseline=True))),
        Panel("gates", "gates", Bilingual("最后一个窗口上的门，训练中", "Gates over the last window while it trains"),
              note=Bilingual("横轴是窗口里的值。看细胞状态 c 的哪些单元跟着序列起伏，哪些只积累水平。",
                             "Along the axis stand the window’s values. See which units of c rise and fall with the series and which only gather its level.")),
        Panel("training", "curves", Bilingual("验证误差（变换并归一化之后）", "Validation error (transformed and scaled)"),
              note=Bilingual("最低点的权重被保留：这就是早停，也是验证分数偏乐观的来处。",
                             "The weights at the lowest point are kept: that is early stopping, and why a validation score flatters."),
              x=Bilingual("训练步", "training step"),
              series=(Series("lstm", Bilingual("LSTM", "LSTM")), Series("naive", Bilingual("预测变换后的值不变", "transformed value unchanged"), baseline=True))),
        Panel("backtest", "curves", Bilingual("滚动起点回测：每一折的 RMSE", "Rolling-origin backtest: RMSE of each fold"),
              note=Bilingual("每一折都从头训练，只用起点之前的数。看 LSTM 是不是每一折都在虚线之下。",
                             "Every fold trains afresh on what lies before its origin. Is the LSTM below the dashed lines in every one?"),
              x=Bilingual("折", "fold"),
              series=(Series("lstm", Bilingual("LSTM", "LSTM")), Series("last", Bilingual("上一个值", "last value"), baseline=True),
                      Series("season", Bilingual("上一季", "a season ago"), baseline=True))),
        Panel("strip", "seeds", Bilingual("每个种子：未来段上是否胜过上一个值", "Every seed: does it beat the last value on the future?"),
              note=Bilingual("“解出”指误差比“上一个值”小，步数是早停选中的那一步。",
                             "‘Solved’ means an error below that of the last value; the step is the one that early stopping chose."),
              series=tuple(Series(key, title) for key, title in PROTOCOLS.items())),
        Panel("scores", "table", Bilingual("测试段的误差", "Errors on the test part")),
        Panel("leaks", "table", Bilingual("许诺与兑现", "Promised and delivered")),
    ),
    claims=(
        Claim("beats", Bilingual("LSTM 的预测胜过两种朴素预测", "The LSTM beats both naive forecasts"),
              Bilingual("RNN 有竞争力，但不是万灵药", "RNNs are competitive, but no silver bullets"), "S45", measured=Bilingual("误差比上一个值小的比例", "reduction of error against the last value")),
        Claim("validation", Bilingual("在验证集上评估就能确保泛化", "Evaluating on the validation set ensures generalisation"),
              Bilingual("在同一份数据上既选择又评价，分数偏乐观", "Choosing and judging on the same data makes the score optimistic"), "S46", measured=Bilingual("兑现的误差是许诺的", "error delivered over error promised")),
        Claim("shuffle", Bilingual("随机划分窗口，测得的误差一样可信", "Windows split at random give an error just as trustworthy"),
              Bilingual("时间序列不宜打乱：那样会用未来训练、在过去评价", "Shuffling does not suit time series: it trains on the future and judges on the past"), "S48", measured=Bilingual("兑现的误差是许诺的", "error delivered over error promised")),
        Claim("scaler", Bilingual("先把整条序列归一化再划分，没有害处", "Scaling the whole series before splitting does no harm"),
              Bilingual("在划分之前做预处理是一类常见的泄漏", "Preprocessing before the split is a common kind of leakage"), "S47", measured=Bilingual("兑现的误差是许诺的", "error delivered over error promised")),
        Claim("denoise", Bilingual("先给整条序列去噪再划分，没有害处", "Denoising the whole series before splitting does no harm"),
              Bilingual("在划分之前做预处理是一类常见的泄漏", "Preprocessing before the split is a common kind of leakage"), "S47", measured=Bilingual("兑现的误差是许诺的", "error delivered over error promised")),
    ),
    questions=(8, 23),
    proves=Bilingual(
        "在这条序列上，按时间切分、只用训练段估计尺度、测试段只打一次分：LSTM 胜不胜得过两种朴素预测，验证分数和三种泄漏又各把误差说小了多少。",
        "On this series, split by time, scaled on the training part and scored once: whether the LSTM beats two naive forecasts, and by how much a validation score and three leaks understate the error.",
    ),
    not_proves=Bilingual(
        "只提前一步，只有一个小网络，没有与 ARIMA、指数平滑比。一条序列上的输赢说明不了别的序列。许诺与兑现之差，有一部分来自两段数据难度不同，除以基线只能抵掉一些。",
        "One step ahead, one small network, no ARIMA and no exponential smoothing beside it. One series says little of another. And promise and delivery also differ because one stretch is harder than the other, which dividing by the baseline removes only in part.",
    ),
    presets=(
        Preset("default", Bilingual("太阳黑子", "Sunspots"), {}),
        Preset("airline", Bilingual("航空旅客，季节差分", "Passengers, seasonal difference"), {"series": "airline"}),
        Preset("weather", Bilingual("西雅图气温：赢得很少", "Seattle weather: a narrow win"), {"series": "weather"}),
        Preset("walk", Bilingual("随机游走：切分与打乱", "A random walk: split and shuffled"), {"series": "walk", "leak": "shuffle"}),
        Preset("break", Bilingual("弄坏它：旅客不差分", "Break it: passengers undifferenced"), {"series": "airline", "transform": "level"}),
    ),
    quick={"seeds": 1, "steps": 20, "folds": 2},
    seconds=130.0,
)  # fmt: skip
