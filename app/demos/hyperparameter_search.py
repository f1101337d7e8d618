"""Grid, random and Bayesian search on one budget, and why the best score of many is too good.

Three searches try the same number of settings of a small LSTM (Bergstra & Bengio 2012 for grid against random; optuna's
TPE for Bayesian). Then the best of K on labels that are coin tosses (Cawley & Talbot 2010): validation rises with K,
test stays where it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from app.demos.frames import gates_event
from app.demos.surgery import TrainedParams, Training, surgical
from app.demos.wording import figures
from app.protocol import (
    AnyEvent,
    Bilingual,
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
    from app.network.studies.searching import Bench, Trial

FRAMES, LEVEL = 20, 0.01  # LEVEL: within this share of each other two losses count as equal
COUNTS = (1, 2, 5, 10, 20, 50, 100, 200)
SHOWN_LOSS = 3.0  # the U is drawn up to here
FLATTERED = 0.05
Verdict = Literal["holds", "fails", "depends"]
SEARCHES = {
    "grid": Bilingual("网格", "grid"),
    "random": Bilingual("随机", "random"),
    "bayes": Bilingual("贝叶斯（optuna TPE）", "Bayesian (optuna’s TPE)"),
}


class HyperparameterSearchParams(TrainedParams):
    """The budget that every search gets."""

    budget: Literal["8", "16", "27", "36"] = param(
        "16", "每种搜索的试验次数", "Trials of each search", choices={"8": Bilingual("8 次：2·2·2", "8: 2·2·2"), "16": Bilingual("16 次：4·2·2", "16: 4·2·2"), "27": Bilingual("27 次：3·3·3", "27: 3·3·3"), "36": Bilingual("36 次：4·3·3", "36: 4·3·3")},
        help=Bilingual("冒号后是网格的格数：学习率·隐藏单元·权重衰减", "after the colon the grid: learning rates · hidden units · weight decays"),
    )  # fmt: skip
    updates: int = param(24, "每次试验训练几步", "Updates in a trial", ge=5, le=120)
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)


class Outcome(NamedTuple):
    """One seed: every search's trials, its winner with (test loss, test accuracy), and the untuned loss."""

    trials: dict[str, list[Trial]]
    winners: dict[str, Trial]
    tested: dict[str, tuple[float, float]]
    untuned: float


def train(params: HyperparameterSearchParams) -> Training:
    """Seed by seed the three searches, trial by trial; then the coin tosses."""
    from app.network.studies.searching import UNTUNED, Bench, flattery

    yield Started(demo=demo.slug, params=params.model_dump())
    budget = int(params.budget)
    total = params.seeds * len(SEARCHES) * budget
    benches: list[Bench] = []
    outcomes: list[Outcome] = []
    for place in range(params.seeds):
        bench = Bench(updates=params.updates, seed=params.seed + place)
        benches.append(bench)
        untuned = bench.trial(UNTUNED).validation
        trials: dict[str, list[Trial]] = {name: [] for name in SEARCHES}
        frames = 0
        for name in SEARCHES:
            best = math.inf
            for number, trial in enumerate(bench.search(name, budget), start=1):
                trials[name].append(trial)
                better = trial.validation < best
                best = min(best, trial.validation)
                if place == 0:
                    yield Scalar(panel="best", series=name, x=float(number), y=best)
                    if better and frames < FRAMES:
                        frames += 1
                        yield _frame(bench, trial, name, number)
                done = (place * len(SEARCHES) + list(SEARCHES).index(name)) * budget + number
                yield Progress(done=done, total=total)
        winners = {name: min(mine, key=lambda each: each.validation) for name, mine in trials.items()}
        tested = {name: bench.test(winner) for name, winner in winners.items()}
        outcomes.append(Outcome(trials, winners, tested, untuned))
        if place == 0:
            for x in (1.0, float(budget)):
                yield Scalar(panel="best", series="untuned", x=x, y=untuned)
            yield from _valley(trials)
        yield from _strip(outcomes[-1], params.seed + place)
        yield _table(outcomes)
    luck = flattery(COUNTS, params.seed)
    for count, validation, test in luck:
        yield Scalar(panel="luck", series="validation", x=math.log10(count), y=validation)
        yield Scalar(panel="luck", series="test", x=math.log10(count), y=test)
        yield Scalar(panel="luck", series="truth", x=math.log10(count), y=0.5)
    yield from _verdicts(outcomes, luck)
    yield Finished()
    return benches[0].subject(min(outcomes[0].winners.values(), key=lambda each: each.validation))


def _frame(bench: Bench, trial: Trial, name: str, number: int) -> AnyEvent:
    from app.network.studies.searching import rows

    trace, ruler = bench.frame(trial)
    return gates_event("gates", trace, number, rows(), lane=name, ruler=ruler)


def _valley(trials: dict[str, list[Trial]]) -> Iterator[AnyEvent]:
    """Every trial of a seed over its learning rate."""
    for name, mine in trials.items():
        for trial in sorted(mine, key=lambda each: each.setting.lr):
            y = min(trial.validation, SHOWN_LOSS)
            yield Scalar(panel="lr", series=name, x=math.log10(trial.setting.lr), y=y)
    for x in (-4.0, 0.0):
        yield Scalar(panel="lr", series="guess", x=x, y=math.log(10))


def level(loss: float, best: float) -> bool:
    """Whether a loss is as good as the best, within LEVEL."""
    return loss <= best * (1 + LEVEL)


def _strip(outcome: Outcome, seed: int) -> Iterator[AnyEvent]:
    best = min(winner.validation for winner in outcome.winners.values())
    for name, winner in outcome.winners.items():
        step = outcome.trials[name].index(winner) + 1
        yield Seed(
            panel="strip", lane=name, seed=seed, solved=level(winner.validation, best),
            step=step, value=winner.validation, said=_standing(level(winner.validation, best), step),
        )  # fmt: skip


def _standing(unbeaten: bool, trial: int) -> Bilingual:
    if unbeaten:
        return Bilingual(f"最好，第 {trial} 次", f"best, trial {trial}")
    return Bilingual(f"不如，第 {trial} 次", f"beaten, trial {trial}")


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _table(outcomes: list[Outcome]) -> Table:
    first = outcomes[0].winners
    return Table(
        panel="table",
        columns=[
            Bilingual("搜索", "search"),
            Bilingual("最好的验证损失", "best validation loss"),
            Bilingual("它的测试损失", "its test loss"),
            Bilingual("它的测试正确率", "its test accuracy"),
            Bilingual("试过几个学习率", "learning rates tried"),
            Bilingual("优胜者：lr · h · λ（第一个种子）", "winner: lr · h · λ (first seed)"),
        ],
        rows=[
            [
                title,
                _mean([each.winners[name].validation for each in outcomes]),
                _mean([each.tested[name][0] for each in outcomes]),
                _mean([each.tested[name][1] for each in outcomes]),
                float(len({trial.setting.lr for trial in outcomes[0].trials[name]})),
                f"{figures(first[name].setting.lr, 2)} · {first[name].setting.hidden} · {figures(first[name].setting.decay, 2)}",
            ]
            for name, title in SEARCHES.items()
        ],
        step=len(outcomes),
        caption=Bilingual(
            f"{len(outcomes)} 个种子的平均；每种搜索只让优胜者在 1000 张测试图上考一次。不调参（Adam 的默认学习率）的验证损失是 {_mean([each.untuned for each in outcomes]):.3f}。",
            f"Mean over {len(outcomes)} seeds; only the winner of a search meets the 1,000 test digits, once. Untuned (Adam’s default learning rate) the validation loss is {_mean([each.untuned for each in outcomes]):.3f}.",
        ),
    )


def _verdicts(outcomes: list[Outcome], luck: list[tuple[int, float, float]]) -> Iterator[AnyEvent]:
    n = len(outcomes)
    losses = {name: [each.winners[name].validation for each in outcomes] for name in SEARCHES}
    for name in SEARCHES:
        yield Metric(name=f"best_{name}", value=_mean(losses[name]))
        yield Metric(name=f"test_{name}", value=_mean([each.tested[name][0] for each in outcomes]))
    yield Metric(name="untuned", value=_mean([each.untuned for each in outcomes]))
    gaps = [each.tested[name][0] - each.winners[name].validation for each in outcomes for name in SEARCHES]
    yield Metric(name="winners_optimism", value=_mean(gaps))
    found = sum(
        level(losses[name][k], min(losses[other][k] for other in SEARCHES))
        for name in SEARCHES for k in range(n)
    )  # fmt: skip
    yield Metric(
        name="searches_not_beaten", value=found / (3 * n), claim="optimal", solved=found, seeds=3 * n,
        verdict=optimal(found, n),
    )  # fmt: skip
    for first, second, claim in (("random", "grid", "random"), ("bayes", "random", "bayes")):
        better = sum(a < b for a, b in zip(losses[first], losses[second], strict=True))
        yield Metric(
            name=f"best_{first} − best_{second}", value=_mean(losses[first]) - _mean(losses[second]),
            claim=claim, solved=better, seeds=n, verdict=all_some_none(better, n),
        )  # fmt: skip
    count, validation, test = luck[-1]
    yield Metric(name=f"validation_best_of_{count}", value=validation)
    yield Metric(name=f"test_best_of_{count}", value=test)
    yield Metric(
        name=f"optimism_best_of_{count}", value=validation - test, claim="luck",
        verdict="holds" if validation - test > FLATTERED else "fails",
    )  # fmt: skip


def all_some_none(count: int, of: int) -> Verdict:
    """The verdict on a claim that is meant for every seed."""
    return "holds" if count == of else "fails" if count == 0 else "depends"


def optimal(unbeaten: int, seeds: int) -> Verdict:
    """Did the searches find the optimum? Not where most of a seed's three are beaten by another."""
    if unbeaten == 3 * seeds:
        return "depends"  # level with each other, which does not make it the optimum
    return "fails" if unbeaten < 2 * seeds else "depends"


# fmt: off
demo = Demo(
    slug="hyperparameter-search",
    title=Bilingual("超参数搜索", "Hyperparameter search"),
    summary=Bilingual("网格、随机、贝叶斯，试验次数一样多，谁先找到好的设置？再看抛硬币的标签上，从二百个模型里挑出的“最好”能有多好看。", "Grid, random and Bayesian search with the same number of trials: which finds a good setting first? Then labels that are coin tosses, and how good the best of two hundred models looks on them."),
    params=HyperparameterSearchParams,
    run=surgical(train),
    panels=(
        Panel(
            "best", "curves", Bilingual("到目前为止最好的验证损失（第一个种子）", "Best validation loss so far (first seed)"),
            note=Bilingual("虚线是不调参。线往下掉一级，就是找到了更好的设置。网格的前几次都花在太小的学习率上。", "Dashed is untuned. A step down is a better setting found. The grid spends its first trials on learning rates that are too small."),
            x=Bilingual("第几次试验", "trial"), y=Bilingual("验证损失", "validation loss"),
            series=(*(Series(key, title) for key, title in SEARCHES.items()), Series("untuned", Bilingual("不调参：lr 0.001", "untuned: lr 0.001"), baseline=True)),
        ),
        Panel(
            "lr", "curves", Bilingual("每次试验的学习率与验证损失（第一个种子）", "Learning rate and validation loss of every trial (first seed)"),
            note=Bilingual("横轴是学习率的对数。三种点都排成谷形：太小学不动，太大学不稳。网格只有几个不同的横坐标，随机每次都是新的。损失高于 3 的画在 3。", "The x axis is the logarithm of the learning rate. All three make a valley: too small learns nothing, too large is unstable. The grid has a few places along x, random a new one each time. A loss above 3 is drawn at 3."),
            x=Bilingual("log₁₀ 学习率", "log₁₀ learning rate"), y=Bilingual("验证损失", "validation loss"), points=True,
            series=(*(Series(key, title) for key, title in SEARCHES.items()), Series("guess", Bilingual("均匀乱猜 ln 10", "uniform guess, ln 10"), baseline=True)),
        ),
        Panel("table", "table", Bilingual("三种搜索，同样的试验次数", "Three searches, equal trials")),
        Panel(
            "strip", "seeds", Bilingual("每个种子：三者之中最好（相差 1 % 以内）", "Every seed: the best of the three (within 1 %)"),
            note=Bilingual("数字是找到自己最好设置的那次试验。", "The number is the trial that found the search’s own best."),
            series=tuple(Series(key, title) for key, title in SEARCHES.items()),
        ),
        Panel(
            "luck", "curves", Bilingual("标签是抛硬币：从 K 个模型里挑最好的", "Labels are coin tosses: the best of K models"),
            note=Bilingual("K 越大，验证上“最好的那次”越好看；测试一直在 0.5。多出来的全是运气。", "The larger K, the better the best looks on validation; on test it stays at 0.5. All of the difference is luck."),
            x=Bilingual("log₁₀ K", "log₁₀ K"), y=Bilingual("正确率", "accuracy"),
            series=(
                Series("validation", Bilingual("优胜者的验证正确率", "the winner on validation")),
                Series("test", Bilingual("优胜者的测试正确率", "the winner on test")),
                Series("truth", Bilingual("真实水平 0.5", "the truth, 0.5"), baseline=True),
            ),
        ),
        Panel(
            "gates", "gates", Bilingual("每找到更好的设置：它的门", "Whenever a better setting is found: its gates"),
            note=Bilingual("一个数字逐行读入，八步。学习率太小的网络，门都停在 0.5 附近。", "A digit read row by row in eight steps. In a network whose learning rate was too small all gates are near 0.5."),
            series=tuple(Series(key, title) for key, title in SEARCHES.items()),
        ),
    ),
    claims=(
        Claim("optimal", Bilingual("用试错、网格或贝叶斯能找到最优的超参数组合", "Trial and error, a grid or Bayesian optimisation finds the optimal combination"), Bilingual("有限次试验找到的只是试过之中最好的，其中还有运气", "Finitely many trials find the best of those tried, luck included"), "S46", measured=Bilingual("没有被别的搜索超过的比例", "share of searches that no other beats"), tally=Bilingual("{seeds} 次搜索中 {solved} 次没有被超过", "{solved} of {seeds} searches unbeaten")),
        Claim("random", Bilingual("同样的预算，随机搜索胜过网格", "On one budget random search beats a grid"), Bilingual("只有少数超参数要紧，随机每次都试到它们的新值", "Few hyperparameters matter, and random trials give each of them a new value every time"), "S49", measured=Bilingual("最好的验证损失，随机减网格", "best validation loss, random minus grid")),
        Claim("bayes", Bilingual("贝叶斯优化比随机找得更好", "Bayesian optimisation finds better than random"), Bilingual("随机搜索是自适应搜索该比的基线", "Random search is the baseline that adaptive searches are to be judged by"), "S49", measured=Bilingual("最好的验证损失，贝叶斯减随机", "best validation loss, Bayesian minus random")),
        Claim("luck", Bilingual("挑出来的最好成绩是虚高的", "The winning score is flattered"), Bilingual("反复用验证集挑选会对它过拟合", "Selecting by validation again and again over-fits it"), "S46", measured=Bilingual("优胜者的正确率，验证减测试", "the winner’s accuracy, validation minus test")),
    ),
    questions=(14,),
    proves=Bilingual("同样的次数下三种搜索给出不同的“最优”，换个种子名次又变：找到的是试过之中最好的。学习率错一个数量级，别的怎么调都没用。标签是纯噪声时，挑得越多验证成绩越高，测试纹丝不动。", "On equal trials the three searches give different optima, and another seed another ranking: what is found is the best of those tried. With the learning rate off by an order of magnitude nothing else helps. On labels of pure noise validation rises with the number tried, and test does not stir."),
    not_proves=Bilingual("十六次试验、三个种子，不足以给三种搜索排座次；网格碰巧有一格落在谷底，就会赢。范围取得好不好比方法更要紧。抛硬币是极端情形：真任务上的虚高通常小得多。", "Sixteen trials and three seeds do not rank the searches; a grid whose cell happens to lie in the valley wins. Well-chosen ranges matter more than the method. Coin tosses are the extreme: on a real task the flattery is usually much smaller."),
    presets=(
        Preset("default", Bilingual("各 16 次", "Sixteen trials each"), {}),
        Preset("few", Bilingual("各 8 次", "Eight each"), {"budget": "8"}),
        Preset("more", Bilingual("各 27 次", "Twenty-seven each"), {"budget": "27"}),
        Preset("break", Bilingual("弄坏它：每次只训练 5 步", "Break it: five updates a trial"), {"updates": 5}),
    ),
    quick={"budget": "8", "updates": 5, "seeds": 1},
    seconds=300.0,
)
# fmt: on
