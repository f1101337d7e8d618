"""Monthly share prices: LSTMs on levels and on returns against 'as last month', and what trading on them would earn.

A random walk's best forecast is its last value (Hyndman & Athanasopoulos), so a high R² on levels is an illusion.
Costs are counted by half-turns, as in Fischer & Krauss (2018).
"""

from __future__ import annotations

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
    from app.network.studies.stock_forecast import Judged, Lane

FRAMES, CLEARLY = 40, 0.02  # an error this share below the best simple forecast counts as a win
LANES = {
    "level": Bilingual("LSTM，学价格", "LSTM on prices"),
    "return": Bilingual("LSTM，学收益率", "LSTM on returns"),
}
SIMPLE = {
    "last": Bilingual("上月的价", "last month’s price"),
    "drift": Bilingual("上月的价 × 平均涨幅", "last month’s × mean growth"),
}


class StockForecastParams(TrainedParams):
    """The firm, the networks and what a trade costs."""

    stock: Literal["AAPL", "AMZN", "GOOG", "IBM", "MSFT"] = param(
        "AAPL",
        "股票",
        "Share",
        choices={
            "AAPL": Bilingual("苹果（AAPL）", "Apple (AAPL)"),
            "AMZN": Bilingual("亚马逊（AMZN）", "Amazon (AMZN)"),
            "GOOG": Bilingual("谷歌（GOOG）", "Google (GOOG)"),
            "IBM": Bilingual("IBM", "IBM"),
            "MSFT": Bilingual("微软（MSFT）", "Microsoft (MSFT)"),
        },
    )
    lane: Literal["level", "return"] = param(
        "return", "细看哪一个网络的门", "Gates of which network", choices=LANES
    )
    cost: float = param(
        0.05, "买或卖一次的成本（%）", "Cost of a half-turn (%)", ge=0, le=2,
        help=Bilingual("由做多翻成做空算两次", "a purchase is one half-turn, turning from long to short is two"),
    )  # fmt: skip
    window: int = param(12, "窗口（月）", "Window (months)", ge=3, le=24)
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)
    steps: int = param(150, "训练步数", "Training steps", ge=20, le=300)
    hidden: int = param(16, "隐藏单元数", "Hidden units", ge=4, le=32)
    lr: float = param(0.01, "学习率", "Learning rate", ge=0.0005, le=0.05)


def train(params: StockForecastParams) -> Training:
    """Both networks of each seed on the chosen share; then those of the first seed on the other four."""
    from app.network.studies.stock_forecast import FIRMS

    yield Started(demo=demo.slug, params=params.model_dump())
    others = [firm for firm in FIRMS if firm != params.stock]
    total = (params.seeds + len(others)) * len(LANES) * params.steps
    done = 0
    lanes: dict[str, list[Lane]] = {name: [] for name in LANES}
    for place in range(params.seeds):
        seed = params.seed + place
        for name in LANES:
            shown = place == 0 and name == params.lane
            lane = yield from _trained(params, params.stock, name, seed, done, total, shown=shown)
            done += params.steps
            lanes[name].append(lane)
            ratio = lane.judged(0.0).errors.ratio or 0.0
            yield Seed(
                panel="strip", lane=name, seed=seed, solved=ratio < 1, step=lane.forecaster.best_step, value=ratio
            )  # fmt: skip
        if place == 0:
            yield from _pictures(params, {name: each[0] for name, each in lanes.items()})
    firms: dict[str, dict[str, Lane]] = {params.stock: {name: each[0] for name, each in lanes.items()}}
    for firm in others:
        firms[firm] = {}
        for name in LANES:
            firms[firm][name] = yield from _trained(params, firm, name, params.seed, done, total, shown=False)
            done += params.steps
    judged = {name: [lane.judged(params.cost / 100) for lane in each] for name, each in lanes.items()}
    plain = _plain(lanes["level"][0], params)
    yield from _scores(params, judged, plain)
    yield from _firms(params, firms)
    yield from _verdicts(judged, plain)
    yield Finished()
    return lanes[params.lane][0].subject()


def _trained(
    params: StockForecastParams, firm: str, name: str, seed: int, done: int, total: int, *, shown: bool
) -> Generator[AnyEvent, None, Lane]:
    from app.network.studies.stock_forecast import Lane, prices

    lane = Lane(
        prices(firm).values, name, width=params.window, hidden=params.hidden, lr=params.lr, steps=params.steps,
        seed=seed,
    )  # fmt: skip
    frames = shown_steps(params.steps, FRAMES) if shown else set()
    _, tokens = lane.window()
    for moment in lane.train():
        if moment.step % 20 == 0:
            yield Progress(done=done + moment.step, total=total)
        if moment.step in frames:
            trace, ruler = lane.frame()
            yield gates_event("gates", trace, moment.step, tokens, ruler=ruler)
    return lane


def _plain(lane: Lane, params: StockForecastParams) -> dict[str, Judged]:
    from app.network.studies.stock_forecast import judge, simple

    return {
        name: judge(lane.y, lane.future, said, params.cost / 100) for name, said in simple(lane.y).items()
    }


def _pictures(params: StockForecastParams, lanes: dict[str, Lane]) -> Iterator[AnyEvent]:
    """The first seed: prices, correlations by lag, what became of a dollar."""
    from app.network.studies.stock_forecast import LAGS, prices

    start = prices(params.stock).start
    one = lanes["level"]
    for k, at in enumerate(one.future.tolist()):
        x = start + at / 12
        yield Scalar(panel="price", series="actual", x=x, y=float(one.y[at]))
        for name, lane in lanes.items():
            yield Scalar(panel="price", series=name, x=x, y=float(lane.forecast[k]))
        yield Scalar(panel="price", series="last", x=x, y=float(one.y[at - 1]))
    judged = {name: lane.judged(params.cost / 100) for name, lane in lanes.items()}
    for k, lag in enumerate(LAGS):
        for name, each in {**judged, "last": _plain(one, params)["last"]}.items():
            yield Scalar(panel="lags", series=name, x=float(lag), y=each.correlations[k])
    money = judged["return"].trade
    for k, at in enumerate(one.future.tolist()):
        for key, growth in (("gross", money.gross), ("net", money.net), ("hold", money.held)):
            yield Scalar(panel="money", series=key, x=start + at / 12, y=float(growth[k]))


def _row(label: Bilingual, each: Judged) -> list[Cell]:
    now, before = each.correlations[3], each.correlations[4]  # LAGS 0 and 1
    end = each.trade
    return [label, each.errors.rmse, each.errors.ratio, each.r2, now, before, each.hits,
            float(end.gross[-1]), float(end.net[-1])]  # fmt: skip


def _scores(
    params: StockForecastParams, judged: dict[str, list[Judged]], plain: dict[str, Judged]
) -> Iterator[AnyEvent]:
    rows = [_row(SIMPLE[name], each) for name, each in plain.items()]
    for name, runs in judged.items():
        rows += [
            _row(
                Bilingual(
                    f"{LANES[name].zh}，种子 {params.seed + k}", f"{LANES[name].en}, seed {params.seed + k}"
                ),
                each,
            )
            for k, each in enumerate(runs)
        ]
    held = float(plain["last"].trade.held[-1])
    yield Table(
        panel="scores",
        columns=[
            Bilingual("预测 · 种子", "forecast · seed"),
            Bilingual("RMSE（美元）", "RMSE (USD)"),
            Bilingual("÷ 上月价的", "÷ last month’s"),
            Bilingual("R²", "R²"),
            Bilingual("与当月价相关", "corr. with yₜ"),
            Bilingual("与上月价相关", "corr. with yₜ₋₁"),
            Bilingual("方向猜对", "direction right"),
            Bilingual("1 美元变成", "1 USD becomes"),
            Bilingual("扣成本后", "after costs"),
        ],
        rows=rows,
        caption=Bilingual(f"最后 20 % 的月份，只打一次分。同期一直持有，1 美元变成 {held:.2f}。",
                          f"The last 20 % of months, scored once. Held throughout, 1 USD becomes {held:.2f}."),
    )  # fmt: skip


def _firms(params: StockForecastParams, firms: dict[str, dict[str, Lane]]) -> Iterator[AnyEvent]:
    rows: list[list[Cell]] = []
    for firm, lanes in firms.items():
        plain = _plain(lanes["level"], params)
        level, returns = (lanes[name].judged(params.cost / 100) for name in LANES)
        rows.append([
            firm, plain["last"].errors.rmse, plain["drift"].errors.ratio, level.errors.ratio, returns.errors.ratio,
            plain["last"].r2, returns.r2, float(returns.trade.net[-1]), float(returns.trade.held[-1]),
        ])  # fmt: skip
    yield Table(
        panel="firms",
        columns=[
            Bilingual("股票", "share"),
            Bilingual("上月价的 RMSE", "last month’s RMSE"),
            Bilingual("平均涨幅 ÷", "mean growth ÷"),
            Bilingual("学价格 ÷", "on prices ÷"),
            Bilingual("学收益率 ÷", "on returns ÷"),
            Bilingual("上月价的 R²", "last month’s R²"),
            Bilingual("学收益率的 R²", "R² on returns"),
            Bilingual("交易，扣成本后", "trading, after costs"),
            Bilingual("一直持有", "held"),
        ],
        rows=rows,
        caption=Bilingual("带 ÷ 的列是各自的 RMSE 除以上月价的 RMSE，大于 1 就是输。每只股票都用第一个种子。",
                          "Columns with ÷ are an RMSE over last month’s: above 1 is a loss. First seed for every share."),
    )  # fmt: skip


def verdict(good: int, seeds: int) -> Literal["holds", "fails", "depends"]:
    """Of a claim that `good` of `seeds` bear out."""
    return "holds" if good == seeds else "fails" if good == 0 else "depends"


def _verdicts(judged: dict[str, list[Judged]], plain: dict[str, Judged]) -> Iterator[AnyEvent]:
    n = len(judged["level"])
    bar = min(each.errors.rmse for each in plain.values()) * (1 - CLEARLY)
    yield Metric(name="rmse_last", value=plain["last"].errors.rmse, unit="USD")
    for name, runs in judged.items():
        yield Metric(name=f"rmse_{name}", value=fmean(each.errors.rmse for each in runs), unit="USD")
        good = sum(each.errors.rmse < bar for each in runs)
        ratio = fmean(each.errors.ratio or 0.0 for each in runs)
        yield Metric(
            name=f"ratio_{name}", value=ratio, claim=name, verdict=verdict(good, n), solved=good, seeds=n
        )
    returns = judged["return"]
    yield Metric(name="r2_last", value=plain["last"].r2)
    above = sum(each.r2 > max(other.r2 for other in plain.values()) + CLEARLY for each in returns)
    yield Metric(
        name="r2_return", value=fmean(each.r2 for each in returns), claim="r2",
        verdict=verdict(above, n), solved=above, seeds=n,
    )  # fmt: skip
    leads = [each.correlations[3] - each.correlations[4] for each in returns]
    ahead = sum(lead > 0 for lead in leads)
    yield Metric(
        name="corr_now_minus_last", value=fmean(leads), claim="lag", verdict=verdict(ahead, n), solved=ahead, seeds=n
    )  # fmt: skip
    gains = [float(each.trade.net[-1] - each.trade.held[-1]) for each in returns]
    richer = sum(gain > 0 for gain in gains)
    yield Metric(
        name="net_minus_hold", value=fmean(gains), unit="USD", claim="profit",
        verdict=verdict(richer, n), solved=richer, seeds=n,
    )  # fmt: skip


demo = Demo(
    slug="stock-forecast",
    title=Bilingual("股价预测", "Share prices"),
    summary=Bilingual(
        "五家公司的真实月度股价。一个 LSTM 学价格，一个学收益率，都与“和上月一样”比误差；再看漂亮的 R² 从哪里来，照着预测交易扣掉成本还剩多少。",
        "Real monthly prices of five firms. One LSTM learns prices, one returns; both are held against ‘as last month’. See where the handsome R² comes from, and what trading on the forecast leaves after costs.",
    ),
    params=StockForecastParams,
    run=surgical(train),
    panels=(
        Panel("price", "curves", Bilingual("测试段：提前一个月的预测", "Test part: one month ahead"),
              note=Bilingual("学收益率的线紧跟实际值，但慢一个月；虚线是上月的价，几乎与它重合。学价格的线若贴不住，是因为测试段的价格高过训练时见过的范围。",
                             "The line on returns follows the price closely, a month late; dashed is last month’s price, almost the same line. Where the line on prices falls away, the test part has left the range seen in training."),
              x=Bilingual("年", "year"), y=Bilingual("美元", "USD"),
              series=(Series("actual", Bilingual("实际价格", "actual price")), *(Series(*lane) for lane in LANES.items()),
                      Series("last", SIMPLE["last"], baseline=True))),
        Panel("lags", "curves", Bilingual("预测像哪个月的价格", "Which month’s price the forecast resembles"),
              note=Bilingual("k = 0 是要预测的那个月，k = 1 是上个月。峰在 1，说明它报出的是上个月的价格。",
                             "k = 0 is the month to be forecast, k = 1 the month before. A peak at 1 says that what it tells is last month’s price."),
              x=Bilingual("k：预测与 k 个月前的价格的相关系数", "k: correlation of the forecast with the price k months back"),
              series=(*(Series(*lane) for lane in LANES.items()), Series("last", SIMPLE["last"], baseline=True))),
        Panel("money", "curves", Bilingual("照学收益率的网络交易：1 美元变成多少", "Trading on the returns network: what becomes of 1 USD"),
              note=Bilingual("预测涨就买入，预测跌就卖空。虚线是一直持有。", "Long where a rise is forecast, short where a fall is. Dashed: held throughout."),
              x=Bilingual("年", "year"), y=Bilingual("美元", "USD"),
              series=(Series("gross", Bilingual("不计成本", "before costs")), Series("net", Bilingual("扣成本后", "after costs")),
                      Series("hold", Bilingual("一直持有", "held"), baseline=True))),
        Panel("gates", "gates", Bilingual("最后一个窗口上的门，训练中", "Gates over the last window while it trains"),
              note=Bilingual("横轴是窗口里的价格。收益率接近噪声，看各个单元是不是从头到尾几乎不动。",
                             "Along the axis stand the window’s prices. Returns are close to noise: see whether the units hardly move from end to end.")),
        Panel("strip", "seeds", Bilingual("每个种子：误差比上月的价小吗", "Every seed: is its error below that of last month’s price?"),
              note=Bilingual("步数是早停选中的那一步；早停选得很早，往往说明没有东西可学。",
                             "The step is the one early stopping chose; a very early one often means that there was nothing to learn."),
              series=tuple(Series(*lane) for lane in LANES.items())),
        Panel("scores", "table", Bilingual("这只股票的成绩", "Results on this share")),
        Panel("firms", "table", Bilingual("五只股票", "All five shares")),
    ),
    claims=(
        Claim("level", Bilingual("LSTM 学了历史价格，就能预测未来价格", "An LSTM that learns past prices predicts future ones"),
              Bilingual("对随机游走，上一个值就是最优预测", "For a random walk the last value is the best forecast"), "S43", measured=Bilingual("误差与“上月的价”的误差之比", "error over that of last month’s price")),
        Claim("return", Bilingual("改学收益率，就能胜过朴素预测", "Learning returns instead beats the naive forecasts"),
              Bilingual("朴素预测在许多经济、金融序列上效果出奇地好", "Naive forecasts do remarkably well on many economic and financial series"), "S43", measured=Bilingual("误差与“上月的价”的误差之比", "error over that of last month’s price")),
        Claim("r2", Bilingual("价格上的 R² 很高，说明模型有预测力", "A high R² on prices shows predictive power"),
              Bilingual("对随机游走，上一个值就是最优预测", "For a random walk the last value is the best forecast"), "S43", measured=Bilingual("学收益率的网络的 R²", "R² of the network on returns")),
        Claim("lag", Bilingual("预测曲线贴着真实曲线，说明它预见了走势", "A forecast that hugs the price has foreseen it"),
              Bilingual("对随机游走，上一个值就是最优预测", "For a random walk the last value is the best forecast"), "S43", measured=Bilingual("与当月价的相关系数，减去与上月价的", "correlation with this month’s price, minus last month’s")),
        Claim("profit", Bilingual("照 LSTM 的预测交易，扣掉成本仍胜过一直持有", "Trading on the LSTM beats holding, after costs"),
              Bilingual("2010 年以后，扣除成本的收益在零附近波动", "Since 2010 returns after costs fluctuate around zero"), "S42", measured=Bilingual("每投入 1 美元，比一直持有多得", "gain over holding, per dollar")),
    ),
    questions=(15,),
    proves=Bilingual(
        "在这几只股票的月度价格上：学价格的 LSTM 一离开训练时的价格范围就失灵；学收益率的几乎照报上月的价；偶尔“赢”一点（AMZN、GOOG），也只是每月都报差不多的涨幅，照它交易就等于一直持有。高 R² 不是它的本事：直接报上月的价，R² 就已经这么高。",
        "On these monthly prices: an LSTM on levels fails once prices leave the range it was trained on; one on returns does little more than repeat last month’s price, and where it ‘wins’ a little (AMZN, GOOG) it forecasts much the same rise every month, which trades just as holding does. The high R² is no merit of its own: telling last month’s price already has it.",
    ),
    not_proves=Bilingual(
        "只有价格，没有成交量、消息和截面信息；测试段只有十几到二十五个月，盈亏多半是运气。五家都是事后挑出来、活到今天的大公司（幸存者偏差）。它不能说明市场不可预测，更不是投资建议。",
        "Prices alone: no volume, no news, no cross-section. The test part has fourteen to twenty-five months, so gains and losses are mostly luck. All five firms were picked with hindsight and survived (survivorship bias). It does not show that markets cannot be predicted, and it is no investment advice.",
    ),
    presets=(
        Preset("default", Bilingual("苹果（AAPL）", "Apple (AAPL)"), {}),
        Preset("hug", Bilingual("MSFT：学价格，输得少些", "MSFT: on prices, a smaller loss"), {"stock": "MSFT", "lane": "level"}),
        Preset("drift", Bilingual("GOOG：赢在每月都报涨", "GOOG: it wins by saying ‘up’ each month"), {"stock": "GOOG"}),
        Preset("break", Bilingual("弄坏它：只看 3 个月，成本 2 %", "Break it: 3 months, costs of 2 %"), {"window": 3, "cost": 2}),
    ),
    quick={"seeds": 1, "steps": 20},
    seconds=90.0,
)  # fmt: skip
