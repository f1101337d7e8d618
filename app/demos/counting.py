"""aⁿbⁿ: trained on short sequences, who can go on counting? RNN, GRU and LSTM at equal parameters.

The next symbol is to be predicted (Gers & Schmidhuber 2001); at the end of bⁿ that takes a count. An LSTM adds to
an unbounded cell, a GRU averages values between −1 and 1 (Weiss, Goldberg & Yahav 2018). The unit that
counts is found and plotted on a sequence whose n the learner chooses.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
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
    from app.network.studies.counting import CountingRace

FRAMES, POINTS = 24, 20
FARTHEST = 60  # no n beyond this is tested
Verdict = Literal["holds", "fails", "depends"]
LANES = {
    "rnn": Bilingual("RNN (tanh)", "RNN (tanh)"),
    "gru": Bilingual("GRU", "GRU"),
    "lstm": Bilingual("LSTM", "LSTM"),
}


class CountingParams(TrainedParams):
    """What is trained on, and the sequence to look at."""

    n: int = param(
        24, "你的 n：看 aⁿbⁿ", "Your n: look at aⁿbⁿ", ge=1, le=100,
        help=Bilingual("可以比训练时见过的长", "may be longer than anything seen in training"),
    )  # fmt: skip
    largest: int = param(8, "训练时 n 最大", "Largest n in training", ge=2, le=20)
    seeds: int = param(4, "种子个数", "Seeds", ge=1, le=6)
    steps: int = param(200, "训练步数", "Training steps", ge=20, le=600)
    lr: float = param(
        0.08, "学习率（线性降到十分之一）", "Learning rate (falls linearly to a tenth)", ge=0.0001, le=0.5
    )
    hidden: int = param(
        10, "LSTM 的隐藏单元数", "Hidden units of the LSTM", ge=2, le=16,
        help=Bilingual("GRU 和 RNN 加宽到参数量相当", "GRU and RNN are widened to as many parameters"),
    )  # fmt: skip


def train(params: CountingParams) -> Training:
    """Seeds one after the other; within a seed all lanes advance together on the same batches."""
    from app.network.studies.counting import CountingRace
    from app.network.train import measured_steps

    yield Started(demo=demo.slug, params=params.model_dump())
    races: list[CountingRace] = []
    measures = measured_steps(params.steps, POINTS)
    for place in range(params.seeds):
        race = CountingRace(
            largest=params.largest, tested=max(FARTHEST, params.largest), own=params.n, hidden=params.hidden,
            lr=params.lr, seed=params.seed + place,
        )  # fmt: skip
        races.append(race)
        frames = frozenset(shown_steps(params.steps, FRAMES) if place == 0 else ())
        for moment in race.run(params.steps, measures if place == 0 else frozenset(), frames):
            if moment.measured and place == 0:
                for each in race.runners:
                    yield Scalar(
                        panel="reach", series=each.cell.lane, x=float(moment.step), y=float(each.reach)
                    )
            if moment.frame is not None:
                trace, ruler = moment.frame
                yield gates_event("gates", trace, moment.step, race.tokens, ruler=ruler)
            if moment.step % 5 == 0:
                yield Progress(done=place * params.steps + moment.step, total=params.seeds * params.steps)
        for each in race.runners:
            yield Seed(
                panel="strip", lane=each.cell.lane, seed=params.seed + place, solved=each.reach > params.largest,
                step=params.steps, value=float(each.reach),
                said=Bilingual(f"数到 {each.reach}", f"counts to {each.reach}"),
            )  # fmt: skip
        if place == 0:
            for step in (0, params.steps):
                yield Scalar(panel="reach", series="seen", x=float(step), y=float(params.largest))
            yield from _counters(race, params.n)
        yield _table(params, races)
    yield from _verdicts(params, races)
    yield Finished()
    return races[0].subject()


def _counters(race: CountingRace, n: int) -> Iterator[AnyEvent]:
    """The counting unit of each cell on the learner's sequence, in symbols, beside the true count."""
    from app.network.studies.counting import true_count

    for place, value in enumerate(true_count(n)):
        yield Scalar(panel="counter", series="true", x=float(place), y=float(value))
    for each in race.runners:
        unit, counted = race.counter(each.cell.lane)  # type: ignore[arg-type]
        for place, value in enumerate(counted):
            yield Scalar(panel="counter", series=each.cell.lane, x=float(place), y=float(value))
        yield Metric(name=f"counter_unit_{each.cell.lane}", value=float(unit))
        yield Metric(name=f"count_at_last_a_{each.cell.lane}", value=float(counted[n]), unit="a")


def reaches(races: list[CountingRace], lane: str) -> list[int]:
    """The lane's reach for each seed."""
    return [each.reach for race in races for each in race.runners if each.cell.lane == lane]


def _table(params: CountingParams, races: list[CountingRace]) -> Table:
    rows: list[list[Cell]] = []
    for place, (lane, title) in enumerate(LANES.items()):
        mine = reaches(races, lane)
        right = sum(race.runners[place].right for race in races)
        rows.append([
            title,
            float(races[0].runners[place].hidden),
            ", ".join(str(found) for found in mine),
            float(statistics.median(mine)),
            f"{right} / {len(mine)}",
        ])  # fmt: skip
    return Table(
        panel="table",
        columns=[
            Bilingual("单元", "cell"),
            Bilingual("隐藏单元", "hidden units"),
            Bilingual("每个种子数到的 N", "N reached, by seed"),
            Bilingual("中位数", "median"),
            Bilingual(f"n = {params.n} 全对的种子", f"seeds right on n = {params.n}"),
        ],
        rows=rows,
        step=len(races),
        caption=Bilingual(
            f"N：从 1 到 N 的每个 n 都整条预测正确。训练只见过 n ≤ {params.largest}，测试到 {max(FARTHEST, params.largest)} 为止。",
            f"N: every n from 1 to N is right to the last symbol. Training saw n ≤ {params.largest}; tests stop at {max(FARTHEST, params.largest)}.",
        ),
    )


def _verdicts(params: CountingParams, races: list[CountingRace]) -> Iterator[AnyEvent]:
    found = {lane: reaches(races, lane) for lane in LANES}
    for lane, mine in found.items():
        beyond = sum(reach > params.largest for reach in mine)
        yield Metric(
            name=f"reach_{lane}", value=float(statistics.median(mine)), solved=beyond, seeds=len(mine)
        )
    lstm, gru, n = found["lstm"], found["gru"], len(races)
    beyond = sum(reach > params.largest for reach in lstm)
    yield Metric(
        name="median_reach_lstm", value=float(statistics.median(lstm)), claim="counts", solved=beyond, seeds=n,
        verdict="holds" if beyond == n else "fails" if beyond == 0 else "depends",
    )  # fmt: skip
    less = sum(theirs < mine for theirs, mine in zip(gru, lstm, strict=True))
    yield Metric(
        name="median_reach_gru", value=float(statistics.median(gru)), claim="bounded", solved=less, seeds=n,
        verdict=bounded(gru, lstm, params.largest),
    )  # fmt: skip
    ahead = sum(theirs > mine for theirs, mine in zip(gru, lstm, strict=True))
    yield Metric(
        name="seeds_gru_ahead", value=float(ahead), claim="better", solved=ahead, seeds=n,
        verdict="holds" if ahead == n else "fails" if ahead == 0 else "depends",
    )  # fmt: skip


def bounded(gru: list[int], lstm: list[int], largest: int) -> Verdict:
    """Does the GRU go much less far beyond `largest`? Medians: at most half the LSTM's surplus, in every seed less.

    Where the LSTM itself has no surplus there is nothing to compare.
    """
    surplus = statistics.median(lstm) - largest
    theirs = max(0.0, statistics.median(gru) - largest)
    if surplus <= 0:
        return "depends" if theirs == 0 else "fails"
    if theirs >= surplus:
        return "fails"
    every = all(a < b for a, b in zip(gru, lstm, strict=True))
    return "holds" if every and theirs <= surplus / 2 else "depends"


_SERIES = tuple(Series(key, title) for key, title in LANES.items())

demo = Demo(
    slug="counting",
    title=Bilingual("数数：aⁿbⁿ", "Counting: aⁿbⁿ"),
    summary=Bilingual(
        "先读 n 个 a，再读 n 个 b，要说出 b 到哪里为止。只用短的训练，再拿越来越长的来考：谁还数得下去？n 由你来定，看计数的那个单元怎么走。",
        "Read n times a, then n times b, and say where the b’s end. Train on short ones, test on ever longer ones: who can go on counting? You choose n and watch the unit that counts.",
    ),
    params=CountingParams,
    run=surgical(train),
    panels=(
        Panel(
            "gates",
            "gates",
            Bilingual("LSTM 读你的 aⁿbⁿ：训练中的门", "The LSTM reads your aⁿbⁿ: gates while it trains"),
            note=Bilingual(
                "看细胞状态 c：学会之后，有的单元在 a 上一级一级往上（或往下）走，在 b 上一级一级退回来，而遗忘门 f 一直接近 1。",
                "Look at the cell state c: once learnt, some unit climbs (or falls) by one notch at each a and goes back at each b, while its forget gate f stays near 1.",
            ),
        ),
        Panel(
            "counter",
            "curves",
            Bilingual(
                "计数的那个单元，换算成个数（第一个种子）", "The unit that counts, in symbols (first seed)"
            ),
            note=Bilingual(
                "LSTM 画的是 c，GRU 和 RNN 画的是 h。换算用的直线只在训练长度上拟合；看过了训练长度之后，谁还跟着虚线走，谁早早停住。",
                "c for the LSTM, h for GRU and RNN. The line that turns values into counts was fitted at the training length only; see who follows the dashes beyond it, and who levels off.",
            ),
            x=Bilingual("时间步", "time step"),
            y=Bilingual("数到几", "count"),
            series=(*_SERIES, Series("true", Bilingual("真正的个数", "the true count"), baseline=True)),
        ),
        Panel(
            "reach",
            "curves",
            Bilingual("训练中能数到的 N（第一个种子）", "N reached while it trains (first seed)"),
            note=Bilingual(
                "虚线是训练时最大的 n。线会抖：靠后的检查点未必更好。",
                "Dashed: the largest n in training. The lines wobble: a later checkpoint need not be better.",
            ),
            x=Bilingual("训练步", "training step"),
            y=Bilingual("N", "N"),
            series=(
                *_SERIES,
                Series("seen", Bilingual("训练时最大的 n", "largest n in training"), baseline=True),
            ),
        ),
        Panel(
            "strip",
            "seeds",
            Bilingual("每个种子：是否数过了训练长度", "Every seed: did it count past the training length?"),
            note=Bilingual(
                "格子里是练完之后数到的 N；超过训练长度的着色。",
                "In the cells: the N reached after training; coloured where that is past the training length.",
            ),
            series=_SERIES,
        ),
        Panel("table", "table", Bilingual("数字", "The numbers")),
    ),
    claims=(
        Claim(
            "counts",
            Bilingual("LSTM 能数过训练时见过的长度", "An LSTM counts past the length it was trained on"),
            Bilingual(
                "有限精度下 LSTM 能实现无界计数，并且训练得出来",
                "In finite precision an LSTM can count without bound, and training finds such counters",
            ),
            "S10",
            measured=Bilingual("LSTM 数到的 N（中位数）", "N that the LSTM counts to, median"),
        ),
        Claim(
            "bounded",
            Bilingual("GRU 的外推差得多", "A GRU extrapolates much less"),
            Bilingual(
                "GRU 的状态是 [−1, 1] 内的加权平均，不能无界计数",
                "A GRU’s state is a weighted mean within [−1, 1] and does not count without bound",
            ),
            "S10",
            measured=Bilingual("GRU 数到的 N（中位数）", "N that the GRU counts to, median"),
            tally=Bilingual(
                "{seeds} 个种子中 {solved} 个不如 LSTM 远", "short of the LSTM in {solved} of {seeds} seeds"
            ),
        ),
        Claim(
            "better",
            Bilingual(
                "GRU 在捕捉长期依赖方面通常更好", "A GRU usually does better at long-term dependencies"
            ),
            Bilingual(
                "GRU 与 LSTM 相当，因任务而异", "GRU and LSTM are comparable and it depends on the task"
            ),
            "S8",
            measured=Bilingual("GRU 领先的种子数", "seeds in which the GRU is ahead"),
        ),
    ),
    questions=(6,),
    proves=Bilingual(
        "参数量、批次、步数都相同，GRU 学得会训练长度之内的计数，却几乎不能往外推；LSTM 的 c 靠加法，能多数出一大截。“GRU 通常更好”在这个任务上不成立。",
        "At equal parameters, batches and steps a GRU learns to count within the training length and hardly beyond it; the LSTM’s c is added to and goes on a good deal further. ‘Usually better’ does not hold on this task.",
    ),
    not_proves=Bilingual(
        "LSTM 也不是数到无穷：换算的误差会积累，h 的 tanh 会饱和，所以到某个 N 也会错。这也不说明 GRU 在别的任务上更差：加法赛跑里它反而领先。",
        "The LSTM does not count for ever either: small errors add up and the tanh before h saturates, so it fails at some N. Nor is a GRU worse elsewhere: in the adding race it is ahead.",
    ),
    presets=(
        Preset("default", Bilingual("训练 n ≤ 8，看 n = 24", "Train n ≤ 8, look at n = 24"), {}),
        Preset("inside", Bilingual("在训练长度之内：n = 6", "Within the training length: n = 6"), {"n": 6}),
        Preset("far", Bilingual("远远超出：n = 100", "Far beyond: n = 100"), {"n": 100}),
        Preset(
            "longer",
            Bilingual("训练 n ≤ 12，学习率小、步数多", "Train n ≤ 12, a lower rate and more steps"),
            {"n": 32, "largest": 12, "steps": 440, "lr": 0.03},
        ),
        Preset(
            "break",
            Bilingual("弄坏它：只见过 n ≤ 3", "Break it: only n ≤ 3 seen"),
            {"largest": 3},
        ),
    ),
    quick={"n": 6, "largest": 4, "seeds": 1, "steps": 60},
    seconds=150.0,
)
