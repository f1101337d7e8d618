"""Which came first? RNN, GRU and three LSTMs race on the same batches, over several seeds.

Two symbols, X or Y each, stand far apart among distractors; the class is their order (Hochreiter &
Schmidhuber 1997, experiment 6a, scaled down). What decides is where the forget gate starts
(Jozefowicz et al. 2015), so the LSTM runs with its default and with forget biases 1 and 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.demos.frames import gates_event, shown_steps
from app.demos.surgery import TrainedParams, Training, surgical
from app.demos.wording import SOLVED
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
    param,
)

if TYPE_CHECKING:
    from app.network.studies.race import Racer
    from app.network.surgery import Subject

FRAMES = 30
BATCH, CHANCE = 32, 0.25  # as app.network.studies.race has them
LANES = (
    ("rnn", Bilingual("RNN (tanh)", "RNN (tanh)")),
    ("gru", Bilingual("GRU", "GRU")),
    ("lstm", Bilingual("LSTM，默认起步", "LSTM, default")),
    ("lstm_fb1", Bilingual("LSTM，遗忘偏置 1", "LSTM, forget bias 1")),
    ("lstm_fb3", Bilingual("LSTM，遗忘偏置 3", "LSTM, forget bias 3")),
)


class TemporalOrderParams(TrainedParams):
    """The task's length and the race's budget."""

    T: int = param(40, "序列长度 T", "Sequence length T", ge=10, le=100)
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)
    steps: int = param(300, "训练步数上限", "Training steps, at most", ge=20, le=1500)
    lr: float = param(0.01, "学习率", "Learning rate", ge=0.0001, le=0.1)
    hidden: int = param(16, "隐藏单元数", "Hidden units", ge=4, le=64)


def train(params: TemporalOrderParams) -> Training:
    """Seeds one after the other; within a seed all lanes advance together on the same batches."""
    from app.network.studies.race import Race

    yield Started(demo=demo.slug, params=params.model_dump())
    for step in (0, params.steps):
        yield Scalar(panel="accuracy", series="chance", x=float(step), y=CHANCE)
    finished: list[Racer] = []
    subject: Subject | None = None
    total = params.seeds * params.steps
    for place in range(params.seeds):
        seed = params.seed + place
        race = Race(steps=params.T, hidden=params.hidden, lr=params.lr, seed=seed)
        frames = frozenset(shown_steps(params.steps, FRAMES) if place == 0 else ())
        for moment in race.run(params.steps, frames):
            if moment.measured:
                if place == 0:
                    for each in race.racers:
                        yield Scalar(
                            panel="accuracy", series=each.lane, x=float(moment.step), y=each.accuracy
                        )
                yield Progress(done=place * params.steps + moment.step, total=total)
            if moment.frame is not None:
                lane, trace, ruler = moment.frame
                yield gates_event("gates", trace, moment.step, race.tokens, lane=lane, ruler=ruler)
        for each in race.racers:
            yield Seed(
                panel="strip", lane=each.lane, seed=seed, solved=each.solved_at is not None,
                step=each.solved_at or params.steps, value=each.accuracy,
            )  # fmt: skip
        finished += race.racers
        subject = subject or race.subject()
    yield from _verdicts(params, finished)
    yield Finished()
    assert subject is not None  # there is at least one seed
    return subject


def _verdicts(params: TemporalOrderParams, finished: list[Racer]) -> Iterator[AnyEvent]:
    solved: dict[str, int] = {}
    for lane, _ in LANES:
        mine = [racer for racer in finished if racer.lane == lane]
        solved[lane] = sum(racer.solved_at is not None for racer in mine)
        yield Metric(
            name=f"solved_{lane}", value=solved[lane] / len(mine), solved=solved[lane], seeds=len(mine)
        )
    best = [racer.solved_at for racer in finished if racer.lane == "lstm_fb3" and racer.solved_at is not None]
    if best:
        yield Metric(name="sequences", value=float(BATCH * sum(best) / len(best)))
    n = params.seeds
    default, biased, rnn = solved["lstm"], solved["lstm_fb3"], solved["rnn"]
    yield Metric(
        name="solved_lstm", value=default / n, claim="lstm", solved=default, seeds=n,
        verdict="holds" if default == n else "fails" if default == 0 and biased == 0 else "depends",
    )  # fmt: skip
    yield Metric(
        name="solved_lstm_fb3", value=biased / n, claim="bias", solved=biased, seeds=n,
        verdict="holds" if biased > default else "depends" if biased == default and biased else "fails",
    )  # fmt: skip
    yield Metric(
        name="solved_rnn", value=rnn / n, claim="rnn", solved=n - rnn, seeds=n,
        verdict="holds" if rnn == 0 else "fails" if rnn == n else "depends",
    )  # fmt: skip


demo = Demo(
    slug="temporal-order",
    title=Bilingual("时间顺序赛跑", "Temporal order race"),
    summary=Bilingual(
        "两个符号相隔很远，谁先谁后？RNN、GRU 和三种起点的 LSTM 用同一批数据同时训练，你看着领先者的门怎样学会守住记忆。",
        "Two symbols far apart: which came first? RNN, GRU and LSTMs from three starting points train on the same batches, and you watch the leader’s gates learn to hold on.",
    ),
    params=TemporalOrderParams,
    run=surgical(train),
    panels=(
        Panel(
            "gates",
            "gates",
            Bilingual("领先的 LSTM 的门，训练中", "Gates of the leading LSTM while it trains"),
            note=Bilingual(
                "横轴上的 X、Y 是要记的符号，a–d 是干扰。看细胞状态 c：学会之后，读到 X 或 Y 时跳一下，然后一直保持。",
                "X and Y along the time axis are the symbols to remember, a–d are distractors. Look at the cell state c: once learnt, it jumps at X or Y and then holds.",
            ),
            series=tuple(Series(key, title) for key, title in LANES),
        ),
        Panel(
            "accuracy",
            "curves",
            Bilingual("没见过的序列上的正确率（第一个种子）", "Accuracy on unseen sequences (first seed)"),
            x=Bilingual("训练步", "training step"),
            series=(
                *(Series(key, title) for key, title in LANES),
                Series("chance", Bilingual("乱猜 0.25", "chance 0.25"), baseline=True),
            ),
        ),
        Panel(
            "strip",
            "seeds",
            Bilingual("每个种子：多少步解出", "Every seed: solved after how many steps"),
            note=Bilingual(
                "“未解”只说明在这个步数之内没有解出。", "‘Not’ says nothing beyond that many steps."
            ),
            series=tuple(Series(key, title) for key, title in LANES),
        ),
    ),
    claims=(
        Claim(
            "lstm",
            Bilingual("LSTM 能有效捕捉长期依赖", "The LSTM captures long-range dependencies"),
            Bilingual(
                "原论文用 31,390 条序列学会这个任务",
                "The original paper learnt this task from 31,390 sequences",
            ),
            "S1",
            measured=Bilingual("默认的 LSTM 解出的比例", "share of seeds solved by the default LSTM"),
            tally=SOLVED,
        ),
        Claim(
            "bias",
            Bilingual("起决定作用的是遗忘门的起点", "Where the forget gate starts is what decides"),
            Bilingual("建议给每个 LSTM 的遗忘门加偏置 1", "A forget bias of 1 is recommended for every LSTM"),
            "S7",
            measured=Bilingual(
                "遗忘偏置 3 的 LSTM 解出的比例", "share of seeds solved, forget bias at three"
            ),
            tally=SOLVED,
        ),
        Claim(
            "rnn",
            Bilingual("普通 RNN 学不会这么长的间隔", "A plain RNN does not learn a lag this long"),
            Bilingual(
                "牢牢记住信息与梯度不消失，二者不可兼得",
                "Holding on to information and keeping the gradient alive are at odds",
            ),
            "S4",
            measured=Bilingual("RNN 解出的比例", "share of seeds solved by the RNN"),
        ),
    ),
    questions=(1, 4, 6, 17, 18),
    proves=Bilingual(
        "在同样的数据、同样的步数内，能不能学会长间隔，取决于遗忘门从哪里起步；从默认值起步的 LSTM 并不比 RNN 更有把握。",
        "On the same data and within the same steps, learning a long lag depends on where the forget gate starts; an LSTM at its default start is no safer bet than an RNN.",
    ),
    not_proves=Bilingual(
        "步数有限，“未解”不等于“不能”。这里没有为 GRU 和 RNN 也挑选起点；挑了，名次会变。",
        "The budget is small: ‘not solved’ is not ‘cannot’. GRU and RNN start from their defaults; choose a start for them too and the ranking changes.",
    ),
    presets=(
        Preset("default", Bilingual("T = 40", "T = 40"), {"T": 40}),
        Preset("short", Bilingual("短一些：T = 20", "Shorter: T = 20"), {"T": 20}),
        Preset("long", Bilingual("更长：T = 100", "Longer: T = 100"), {"T": 100, "steps": 600}),
        Preset("break", Bilingual("弄坏它：学习率 0.1", "Break it: learning rate 0.1"), {"lr": 0.1}),
    ),
    quick={"T": 10, "seeds": 1, "steps": 40},
    seconds=90.0,
)
