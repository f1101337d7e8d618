"""The adding problem: RNN, GRU and LSTMs from three starting points race on the same batches, seed by seed.

Two numbers of a sequence are marked, one in each half; their sum is wanted at the end (Hochreiter &
Schmidhuber 1997, experiment 4). All cells have as many parameters as the LSTM. The chrono start draws the forget
biases so that the units forget over times spread up to T (Tallec & Ollivier 2018).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
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
    from app.network.studies.adding import AddingRace, Runner

FRAMES = 24
WORK = 100_000  # T · steps · seeds that fit into the budget
Verdict = Literal["holds", "fails", "depends"]
BATCH, POINTS = 32, 40  # BATCH as app.network.studies.adding has it
FLAT = 0.8  # an error above this share of the baseline is still the baseline's
LANES = {
    "rnn": Bilingual("RNN (tanh)，正交起步", "RNN (tanh), orthogonal start"),
    "gru": Bilingual("GRU", "GRU"),
    "lstm": Bilingual("LSTM，默认起步", "LSTM, default"),
    "lstm_fb1": Bilingual("LSTM，遗忘偏置 1", "LSTM, forget bias 1"),
    "lstm_chrono": Bilingual("LSTM，chrono 起步", "LSTM, chrono"),
}
LSTMS = ("lstm", "lstm_fb1", "lstm_chrono")


class AddingRaceParams(TrainedParams):
    """The task's length and the race's budget."""

    T: int = param(25, "序列长度 T", "Sequence length T", ge=10, le=200)
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)
    steps: int = param(220, "训练步数上限", "Training steps, at most", ge=20, le=800, validate_default=True)
    lr: float = param(
        0.04, "学习率", "Learning rate", ge=0.0001, le=0.2,
        help=Bilingual("RNN 用它的十分之一", "the RNN gets a tenth of it"),
    )  # fmt: skip
    hidden: int = param(
        16, "LSTM 的隐藏单元数", "Hidden units of the LSTM", ge=4, le=32,
        help=Bilingual("GRU 和 RNN 加宽到参数量相当", "GRU and RNN are widened to as many parameters"),
    )  # fmt: skip
    gru: Literal["default", "chrono"] = param(
        "default",
        "GRU 的起点",
        "The GRU’s start",
        choices={
            "default": Bilingual("PyTorch 默认", "PyTorch’s default"),
            "chrono": Bilingual("chrono 偏置", "chrono biases"),
        },
    )

    @field_validator("steps")
    @classmethod
    def _bounded(cls, steps: int, info: ValidationInfo) -> int:
        length, seeds = (
            info.data.get("T", 0),
            info.data.get("seeds", 0),
        )  # absent where they are off themselves
        if length * seeds * steps > WORK:
            most = WORK // (length * seeds)
            raise ValueError(
                f"T = {length}、{seeds} 个种子时 steps 最多 {most} | with T = {length} and {seeds} seeds, steps must be at most {most}"
            )
        return steps


def train(params: AddingRaceParams) -> Training:
    """Seeds one after the other; within a seed all lanes advance together on the same batches."""
    from app.network.studies.adding import AddingRace

    yield Started(demo=demo.slug, params=params.model_dump())
    races: list[AddingRace] = []
    every = max(10, params.steps // POINTS)
    for place in range(params.seeds):
        seed = params.seed + place
        race = AddingRace(steps=params.T, hidden=params.hidden, lr=params.lr, seed=seed, gru=params.gru)
        races.append(race)
        frames = frozenset(shown_steps(params.steps, FRAMES) if place == 0 else ())
        open_lanes, drawn = set(LANES), 0
        for moment in race.run(params.steps, frames):
            if moment.measured and place == 0:
                due = moment.step - drawn >= every or moment.step == params.steps
                drawn = moment.step if due else drawn
                for each in race.runners:  # a lane's line ends where it has solved the task
                    lane = each.cell.lane
                    if lane in open_lanes and (due or each.solved_at is not None):
                        yield Scalar(panel="error", series=lane, x=float(moment.step), y=finite(each.error))
                    if each.solved_at is not None:
                        open_lanes.discard(lane)
            if moment.frame is not None:
                trace, ruler = moment.frame
                title = LANES["lstm_chrono"].en
                yield gates_event("gates", trace, moment.step, race.tokens, lane=title, ruler=ruler)
            if moment.step % max(1, 100 // params.T) == 0:
                yield Progress(done=place * params.steps + moment.step, total=params.seeds * params.steps)
        for each in race.runners:
            yield Seed(
                panel="strip", lane=each.cell.lane, seed=seed, solved=each.solved_at is not None,
                step=each.solved_at or params.steps, value=finite(each.error) or 0.0,
            )  # fmt: skip
        if place == 0:
            for step in (0, params.steps):
                yield Scalar(panel="error", series="one", x=float(step), y=race.baseline)
        yield _table(params, races)
    yield from _verdicts(params, races)
    yield Finished()
    return races[0].subject()


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _of(races: list[AddingRace], lane: str) -> list[Runner]:
    return [each for race in races for each in race.runners if each.cell.lane == lane]


def _steps(params: AddingRaceParams, runners: list[Runner]) -> float:
    """Mean steps to solve; a run that did not counts as the whole budget, so this is a lower bound."""
    return sum(each.solved_at or params.steps for each in runners) / len(runners)


def _table(params: AddingRaceParams, races: list[AddingRace]) -> Table:
    rows: list[list[Cell]] = []
    for lane, title in LANES.items():
        mine = _of(races, lane)
        solved = sum(each.solved_at is not None for each in mine)
        steps = _steps(params, mine)
        rows.append([
            title,
            float(mine[0].hidden),
            float(mine[0].parameters),
            f"{solved} / {len(mine)}",
            f"{'' if solved == len(mine) else '≥ '}{steps:.0f}",
            f"{'' if solved == len(mine) else '≥ '}{BATCH * steps:.0f}",
            finite(max(each.error for each in mine)),
        ])  # fmt: skip
    return Table(
        panel="table",
        columns=[
            Bilingual("单元", "cell"),
            Bilingual("隐藏单元", "hidden units"),
            Bilingual("参数量（不含读出层）", "parameters, read-out apart"),
            Bilingual("解出的种子", "seeds solved"),
            Bilingual("平均训练步", "mean training steps"),
            Bilingual("平均序列条数", "mean sequences"),
            Bilingual("最差的均方误差", "worst mean squared error"),
        ],
        rows=rows,
        step=len(races),
        caption=Bilingual(
            f"总是回答 1，在第一个种子的序列上均方误差是 {races[0].baseline:.4f}；没解出的按满步数计，所以带“≥”。",
            f"Always answering 1 gives {races[0].baseline:.4f} on the first seed’s sequences; a run that did not solve it counts as all its steps, hence ‘≥’.",
        ),
    )


def _verdicts(params: AddingRaceParams, races: list[AddingRace]) -> Iterator[AnyEvent]:
    n = len(races)
    solved = {lane: sum(each.solved_at is not None for each in _of(races, lane)) for lane in LANES}
    steps = {lane: _steps(params, _of(races, lane)) for lane in LANES}
    for lane in LANES:
        yield Metric(name=f"solved_{lane}", value=solved[lane] / n, solved=solved[lane], seeds=n)
        yield Metric(name=f"steps_{lane}", value=steps[lane])
        yield Metric(name=f"worst_mse_{lane}", value=finite(max(each.error for each in _of(races, lane))))
    yield Metric(name="sequences_chrono", value=BATCH * steps["lstm_chrono"])
    # where nobody solves it the budget was too small, and the run says nothing on these two claims
    every = sum(
        all(each.solved_at is not None for each in race.runners if each.cell.lane in LSTMS) for race in races
    )
    among = sum(solved[lane] for lane in LSTMS)
    yield Metric(
        name="solved_lstm_all_starts", value=among / (3 * n), claim="longterm", solved=every, seeds=n,
        verdict=all_some_none(among, 3 * n) if any(solved.values()) else "depends",
    )  # fmt: skip
    shares = [
        each.error / race.baseline for race in races for each in race.runners if each.cell.lane == "rnn"
    ]
    flat = sum(share > FLAT for share in shares)
    yield Metric(
        name="rnn_error_share", value=finite(min(shares)), claim="rnn", solved=flat, seeds=n,
        verdict=all_some_none(flat, n) if any(solved.values()) else "depends",
    )  # fmt: skip
    yield Metric(
        name="steps_default_over_chrono", value=steps["lstm"] / steps["lstm_chrono"], claim="chrono",
        solved=solved["lstm_chrono"], seeds=n,
        verdict=sooner(steps["lstm_chrono"], solved["lstm_chrono"], steps["lstm"], solved["lstm"]),
    )  # fmt: skip
    against = [sooner(steps["gru"], solved["gru"], steps[lane], solved[lane]) for lane in LSTMS]
    yield Metric(
        name="steps_chrono_over_gru", value=steps["lstm_chrono"] / steps["gru"], claim="gru",
        solved=solved["gru"], seeds=n,
        verdict=against[0] if len(set(against)) == 1 else "depends",
    )  # fmt: skip


def all_some_none(count: int, of: int) -> Verdict:
    """The verdict on a claim that is meant for every run."""
    return "holds" if count == of else "fails" if count == 0 else "depends"


def sooner(steps: float, solved: int, other_steps: float, other_solved: int) -> Verdict:
    """Is the first ahead of the other? More seeds solved decide, then fewer steps; nothing solved says nothing."""
    if not solved and not other_solved:
        return "depends"
    return "holds" if (solved, -steps) > (other_solved, -other_steps) else "fails"


# fmt: off
demo = Demo(
    slug="adding-race",
    title=Bilingual("加法赛跑", "Adding race"),
    summary=Bilingual("一长串数里有两个做了记号，读完后报出它们的和。RNN、GRU 和三种起点的 LSTM 参数量相当、批次相同，看谁先把误差降下来，谁一直停在“永远答 1”的水平。", "Two numbers of a long sequence are marked; their sum is wanted at the end. RNN, GRU and LSTMs from three starts, equal in parameters and fed the same batches: who brings the error down, and who stays where ‘always answer 1’ is?"),
    params=AddingRaceParams,
    run=surgical(train),
    panels=(
        Panel("gates", "gates", Bilingual("chrono 起步的 LSTM：训练中的门", "The LSTM with the chrono start: gates while it trains"),
            note=Bilingual("带 + 的数要相加。看输入门 i：学会之后只在带 + 的步上打开；看细胞状态 c：在那里跳一级，其余时间守住。", "Numbers with a + are to be added. Look at the input gate i: once learnt it opens at the + only; and at the cell state c: a step up there, and held in between."),
            series=(Series(LANES["lstm_chrono"].en, LANES["lstm_chrono"]),),
        ),
        Panel("error", "curves", Bilingual("没见过的序列上的均方误差（第一个种子）", "Mean squared error on unseen sequences (first seed)"),
            note=Bilingual("虚线是永远答 1。误差先贴着它走一段，然后突然掉下来；线到 0.01 以下为止。", "Dashed: always answering 1. The error keeps to that line for a while and then drops at once; a line ends below 0.01."),
            x=Bilingual("训练步", "training step"),
            y=Bilingual("均方误差", "mean squared error"),
            series=(
                *(Series(key, title) for key, title in LANES.items()),
                Series("one", Bilingual("永远答 1", "always 1"), baseline=True),
            ),
        ),
        Panel("strip", "seeds", Bilingual("每个种子：多少步降到 0.01 以下", "Every seed: below 0.01 after how many steps"),
            note=Bilingual("“未解”只说明在这个步数之内没有解出。", "‘Not’ says nothing beyond that many steps."),
            series=tuple(Series(key, title) for key, title in LANES.items()),
        ),
        Panel("table", "table", Bilingual("参数量、步数、误差", "Parameters, steps, errors")),
    ),
    claims=(
        Claim("longterm", Bilingual("LSTM 能有效捕捉长期依赖", "The LSTM captures long-term dependencies effectively"),
            Bilingual("原论文在 T = 100 时用 74,000 条序列学会加法", "The original paper learnt to add at T = 100 from 74,000 sequences"),
            "S1",
            measured=Bilingual("三种起点的 LSTM 解出的比例", "share solved, over three LSTM starts"),
            tally=Bilingual("{seeds} 个种子中 {solved} 个三种起点都解出", "every start solves {solved} of {seeds} seeds"),
        ),
        Claim("rnn", Bilingual("普通 RNN 难以学到长序列中的依赖", "A plain RNN hardly learns dependencies in long sequences"),
            Bilingual("牢牢记住信息与梯度不消失，二者不可兼得", "Holding on to information and keeping the gradient alive are at odds"),
            "S4",
            measured=Bilingual("RNN 的误差与永远答 1 之比（最小）", "RNN error over ‘always 1’, smallest"),
        ),
        Claim("chrono", Bilingual("起决定作用的是门的起点", "Where the gates start is what decides"),
            Bilingual("按所需的记忆长度给遗忘门和输入门的偏置赋初值", "Initialise forget and input biases from the range of memory that is needed"),
            "S19",
            measured=Bilingual("默认起点与 chrono 的步数之比", "training steps, default start over chrono"),
            tally=Bilingual("{seeds} 个种子中 chrono 起步解出 {solved} 个", "chrono start solves {solved} of {seeds} seeds"),
        ),
        Claim("gru", Bilingual("GRU 在捕捉长期依赖方面通常更好", "A GRU usually does better at long-term dependencies"),
            Bilingual("语言建模之外 GRU 领先；遗忘门偏置设为 1 之后 LSTM 追上", "GRUs led outside language modelling; a forget bias of 1 let the LSTM catch up"),
            "S7",
            measured=Bilingual("chrono LSTM 与 GRU 的步数之比", "training steps, chrono LSTM over GRU"),
            tally=Bilingual("{seeds} 个种子中 GRU 解出 {solved} 个", "the GRU solves {solved} of {seeds} seeds"),
        ),
    ),
    questions=(1, 4, 6),
    proves=Bilingual("同样的参数量、批次和步数，LSTM 在这个预算里解不解得出，由门的起点决定：chrono 起步的个个解出，默认的停在基线上。以步数计，默认的 GRU 在 T = 25、50、100、200 时都还要快些。", "At equal parameters, batches and steps the LSTM’s start decides what it solves within this budget: the chrono ones solve it, the default ones sit on the baseline. Counted in steps, a default GRU is faster still at T = 25, 50, 100 and 200."),
    not_proves=Bilingual("步数有限，“未解”不等于“不能”：把步数上限放到 600，默认起步的 LSTM 在 380 到 450 步也都解出。学习率只粗略挑过。步数不是时间：PyTorch 的 GRU 在 CPU 上没有融合内核，一步要慢好几倍。", "The budget is small and ‘not solved’ is not ‘cannot’: with up to 600 steps the default LSTM gets there too, after 380 to 450. The learning rate was picked by a small search. Steps are not seconds: PyTorch’s GRU has no fused kernel on CPUs and takes several times as long a step."),
    presets=(
        Preset("default", Bilingual("T = 25", "T = 25"), {}),
        Preset("fifty", Bilingual("T = 50", "T = 50"), {"T": 50, "steps": 300}),
        Preset("hundred", Bilingual("T = 100", "T = 100"), {"T": 100, "steps": 400, "seeds": 1}),
        Preset("two-hundred", Bilingual("T = 200", "T = 200"), {"T": 200, "steps": 500, "seeds": 1}),
        Preset(
            "fair", Bilingual("给 GRU 也用 chrono", "The chrono start for the GRU too"), {"gru": "chrono"}
        ),
        Preset("break", Bilingual("弄坏它：学习率 0.2", "Break it: learning rate 0.2"), {"lr": 0.2}),
    ),
    quick={"T": 10, "seeds": 1, "steps": 20, "hidden": 8},
    seconds=240.0,
)
