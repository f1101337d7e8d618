"""RNN, GRU and LSTM on three tasks: parameters, time per step, quality. The winner changes with the task.

All three cells have about the same number of parameters, the same batches and updates, and learning rates from
the same small search. What came out of such comparisons in the literature: on a par (Chung et al. 2014), GRUs
ahead except in language modelling (Jozefowicz et al. 2015), no variant clearly better (Greff et al. 2017).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from app.demos.frames import gates_event, shown_steps
from app.demos.surgery import TrainedParams, Training, surgical
from app.demos.wording import figures
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
    from app.network.studies.comparison import Trial
    from app.network.surgery import Subject

FRAMES = 24
LEVEL = {"recall": 0.02, "adding": 0.02, "counting": 1.0}  # means no farther apart than this are a draw
Verdict = Literal["holds", "fails", "depends"]
Task = Literal["recall", "adding", "counting"]
TASKS: tuple[Task, ...] = ("recall", "adding", "counting")
LONG = ("recall", "adding")  # the tasks that are about a long lag
CELLS = {"rnn": "RNN (tanh)", "gru": "GRU", "lstm": "LSTM"}
NAMES = {
    "recall": Bilingual("回忆：15 步前的符号（正确率）", "Recall: a symbol 15 steps back (accuracy)"),
    "adding": Bilingual("加法：T = 20（解释的方差）", "Adding: T = 20 (variance explained)"),
    "counting": Bilingual("数数：训练 n ≤ 8（数到的 N）", "Counting: trained on n ≤ 8 (N reached)"),
}
BASELINES = {
    "recall": Bilingual("乱猜 0.25", "chance 0.25"),
    "adding": Bilingual("永远答均值", "always the mean"),
    "counting": Bilingual("训练时最大的 n", "largest n in training"),
}


class CellComparisonParams(TrainedParams):
    """What is compared and from where the cells start."""

    look: Task = param(
        "counting",
        "看哪个任务上的 LSTM",
        "Task on which to look at the LSTM",
        choices={
            "recall": Bilingual("回忆一个符号", "recall of a symbol"),
            "adding": Bilingual("加法", "adding of two numbers"),
            "counting": Bilingual("数数", "counting aⁿbⁿ"),
        },
    )
    start: Literal["default", "matched"] = param(
        "default", "起点", "Start", choices={"default": Bilingual("PyTorch 默认", "PyTorch’s defaults"), "matched": Bilingual("相称的起点", "matching starts")},
        help=Bilingual(
            "相称：LSTM 和 GRU 用 chrono 偏置，RNN 用正交的循环权重",
            "matching: chrono biases for LSTM and GRU, orthogonal recurrent weights for the RNN",
        ),
    )  # fmt: skip
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)
    effort: float = param(1.0, "训练步数的倍数", "Training steps, times", ge=0.1, le=3)
    pace: float = param(1.0, "学习率的倍数", "Learning rates, times", ge=0.01, le=30)
    hidden: int = param(
        12, "LSTM 的隐藏单元数", "Hidden units of the LSTM", ge=4, le=32,
        help=Bilingual("GRU 和 RNN 加宽到参数量相当", "GRU and RNN are widened to as many parameters"),
    )  # fmt: skip
    timing: bool = param(
        True, "量时间", "Measure time",
        help=Bilingual("只有时间每次运行都不同", "times are the only numbers that differ between runs"),
    )  # fmt: skip


def train(params: CellComparisonParams) -> Training:
    """Seed by seed through the three tasks; within a task the cells advance together on the same batches."""
    from app.network.studies.comparison import UPDATES, Trial

    yield Started(demo=demo.slug, params=params.model_dump())
    updates = {task: max(1, round(UPDATES[task] * params.effort)) for task in TASKS}
    total, done = params.seeds * sum(updates.values()), 0
    trials: list[Trial] = []
    subject: Subject | None = None
    for place in range(params.seeds):
        for task in TASKS:
            trial = Trial(
                task, hidden=params.hidden, matched=params.start == "matched", pace=params.pace,
                seed=params.seed + place,
            )  # fmt: skip
            trials.append(trial)
            limit, looked_at = updates[task], place == 0 and task == params.look
            for moment in trial.run(limit, frozenset(shown_steps(limit, FRAMES) if looked_at else ())):
                if moment.measured and place == 0:
                    for each in trial.runners:
                        yield Scalar(panel=task, series=each.kind, x=float(moment.step), y=each.quality)
                if moment.frame is not None:
                    trace, ruler = moment.frame
                    yield gates_event("gates", trace, moment.step, trial.tokens, ruler=ruler)
                if moment.step % 5 == 0:
                    yield Progress(done=done + moment.step, total=total)
            done += limit
            if place == 0:
                for step in (0, limit):
                    yield Scalar(panel=task, series="baseline", x=float(step), y=trial.baseline)
            yield from _strip(trial, params.seed + place, limit)
            subject = trial.subject() if looked_at else subject
        yield _table(params, trials)
    yield from _verdicts(params, trials)
    yield Finished()
    assert subject is not None  # `look` is one of TASKS
    return subject


def _strip(trial: Trial, seed: int, steps: int) -> Iterator[AnyEvent]:
    for each in trial.runners:
        counted = Bilingual(f"数到 {each.quality:.0f}", f"counts to {each.quality:.0f}")
        yield Seed(
            panel="strip", lane=f"{trial.task}-{each.kind}", seed=seed, solved=each.solved_at is not None,
            step=each.solved_at or steps, value=each.quality, said=counted if trial.task == "counting" else None,
        )  # fmt: skip


def _won(trials: list[Trial]) -> dict[str, set[str]]:
    from app.network.studies.comparison import qualities, winners

    floors = {trial.task: trial.baseline for trial in trials}
    return {task: winners(qualities(trials, task), LEVEL[task], floors[task]) for task in TASKS}


def _steps(kind: str, task: str, trials: list[Trial]) -> str:
    """Of each seed the step at which it reached the goal, – where it did not."""
    mine = (each for trial in trials if trial.task == task for each in trial.runners if each.kind == kind)
    return ", ".join(str(each.solved_at or "–") for each in mine)


def _table(params: CellComparisonParams, trials: list[Trial]) -> Table:
    from app.network.studies.cells import size
    from app.network.studies.comparison import SHAPE, milliseconds, qualities

    rows: list[list[Cell]] = []
    won = _won(trials)
    for task in TASKS:
        found = qualities(trials, task)
        first = next(trial for trial in trials if trial.task == task)
        for each in first.runners:
            mine = found[each.kind]
            rows.append([
                Bilingual(NAMES[task].zh.split("：")[0], NAMES[task].en.split(":")[0]),
                CELLS[each.kind] + (" ★" if each.kind in won[task] else ""),
                float(each.hidden),
                float(size(each.kind, SHAPE[task][0], each.hidden)),
                round(milliseconds(trials, each.kind, task), 2) if params.timing else None,
                _steps(each.kind, task, trials),
                statistics.fmean(mine),
                f"{figures(min(mine))} – {figures(max(mine))}",
            ])  # fmt: skip
    return Table(
        panel="table",
        columns=[
            Bilingual("任务", "task"),
            Bilingual("单元", "cell"),
            Bilingual("隐藏单元", "hidden units"),
            Bilingual("参数量（不含读出层）", "parameters, read-out apart"),
            Bilingual("每训练步（CPU 毫秒）", "CPU ms a training step"),
            Bilingual("几步到目标", "steps to the goal"),
            Bilingual("质量，均值", "quality, mean"),
            Bilingual("最小 – 最大", "min – max"),
        ],
        rows=rows,
        step=len(trials),
        caption=Bilingual(
            "★ 该任务上均值最好的（相差无几的并列）；都不比基线好时没有 ★。一步是 32 条序列的前向、反向与更新。",
            "★ best mean on the task, with those level with it; no ★ where none beats the baseline. A step is forward, backward and update on 32 sequences.",
        ),
    )


def _verdicts(params: CellComparisonParams, trials: list[Trial]) -> Iterator[AnyEvent]:
    from app.network.studies.cells import size
    from app.network.studies.comparison import milliseconds, qualities

    means: dict[str, dict[str, float]] = {}
    for task in TASKS:
        means[task] = {cell: statistics.fmean(found) for cell, found in qualities(trials, task).items()}
        for cell, mean in means[task].items():
            yield Metric(name=f"{task}_{cell}", value=mean)
    if params.timing:
        for cell in CELLS:
            yield Metric(name=f"ms_{cell}", value=milliseconds(trials, cell), unit="ms")
    won = _won(trials)
    different = {frozenset(cells) for cells in won.values() if cells}
    yield Metric(name="different_winners", value=float(len(different)), claim="task", verdict=changes(won))
    ahead = sum("gru" in won[task] and "lstm" not in won[task] for task in LONG)
    yield Metric(
        name="long_lag_tasks_gru_ahead", value=float(ahead), unit=f"/ {len(LONG)}", claim="gru",
        verdict=of_all(ahead, len(LONG)),
    )  # fmt: skip
    floors = {trial.task: trial.baseline for trial in trials}
    better = sum(means[task]["lstm"] > max(means[task]["rnn"], floors[task]) + LEVEL[task] for task in TASKS)
    yield Metric(
        name="tasks_lstm_ahead_of_rnn", value=float(better), unit=f"/ {len(TASKS)}", claim="lstm",
        verdict=of_all(better, len(TASKS)),
    )  # fmt: skip
    ratio = size("gru", 2, params.hidden) / size("lstm", 2, params.hidden)
    yield Metric(
        name="parameters_gru_over_lstm", value=ratio, claim="fewer", verdict="holds" if ratio < 1 else "fails"
    )


def changes(won: Mapping[str, set[str]]) -> Verdict:
    """Does the winner change with the task? Not where one cell is among the best of every task."""
    decided = [cells for cells in won.values() if cells]
    if len(decided) < len(TASKS):
        return "depends"
    return "fails" if set.intersection(*decided) else "holds"


def of_all(count: int, of: int) -> Verdict:
    """The verdict on a claim that is meant for every task."""
    return "holds" if count == of else "fails" if count == 0 else "depends"


def _curves(task: Task) -> Panel:
    return Panel(
        task,
        "curves",
        NAMES[task],
        x=Bilingual("训练步（第一个种子）", "training step (first seed)"),
        series=(
            *(Series(cell, Bilingual(name, name)) for cell, name in CELLS.items()),
            Series("baseline", BASELINES[task], baseline=True),
        ),
    )


def _lane(task: Task, cell: str) -> Series:
    name = CELLS[cell].split(" ", 1)[0]
    zh, en = NAMES[task].zh.split("：")[0], NAMES[task].en.split(":")[0]
    return Series(f"{task}-{cell}", Bilingual(f"{zh} · {name}", f"{en} · {name}"))


# fmt: off
demo = Demo(
    slug="cell-comparison",
    title=Bilingual("三种单元，三个任务", "Three cells on three tasks"),
    summary=Bilingual("RNN、GRU、LSTM，参数量相当，学习率各自按同样的办法挑过，在三个任务上比参数、比每步时间、比质量。没有哪一个处处领先。", "RNN, GRU and LSTM at equal parameters, each with its learning rate from the same search, on three tasks: parameters, time per step, quality. None of them leads everywhere."),
    params=CellComparisonParams,
    run=surgical(train),
    panels=(
        Panel("table", "table", Bilingual("参数、时间、质量", "Parameters, time, quality"),
            note=Bilingual("先看 ★ 落在哪一行，再看时间：步数相同，GRU 的一步却最慢，因为 PyTorch 在 CPU 上没有为它准备融合内核。", "See where the ★ fall, then look at the times: for the same steps the GRU is slowest, since PyTorch has no fused kernel for it on CPUs."),
        ),
        *(_curves(task) for task in TASKS),
        Panel("strip", "seeds", Bilingual("每个种子：到了目标没有", "Every seed: did it reach the goal?"),
            note=Bilingual("目标：回忆 99% 正确；加法解释 94% 的方差；数数要超过训练长度，格子里写着数到几。“未解”只说明在这个步数之内没有到。", "Goals: recall 99 % right; adding 94 % of the variance; counting past the training length, with the N reached in its cells. ‘Not’ says nothing beyond that many steps."),
            series=tuple(_lane(task, cell) for task in TASKS for cell in CELLS),
        ),
        Panel("gates", "gates", Bilingual("所选任务上的 LSTM：训练中的门", "The LSTM on the chosen task: gates while it trains"),
            note=Bilingual("换一个任务再看：数数靠 c 一级一级地加，回忆靠遗忘门守住第一步。", "Switch the task and look again: counting lives on steps in c, recall on a forget gate that holds the first step."),
        ),
    ),
    claims=(
        Claim("task", Bilingual("哪种单元更好取决于任务", "Which cell is better depends on the task"),
            Bilingual("5,400 次实验中没有哪个变体明显胜过标准 LSTM", "In 5,400 runs no variant clearly beat the standard LSTM"),
            "S6", measured=Bilingual("三个任务的优胜者种数", "different winners over the three tasks"),
        ),
        Claim("gru", Bilingual("GRU 在捕捉长期依赖方面通常更好", "A GRU usually does better at long-term dependencies"),
            Bilingual("语言建模之外 GRU 领先；遗忘门偏置设为 1 之后 LSTM 追上", "GRUs led outside language modelling; a forget bias of 1 let the LSTM catch up"),
            "S7", measured=Bilingual("GRU 领先的长间隔任务", "long-lag tasks on which the GRU leads"),
        ),
        Claim("lstm", Bilingual("LSTM 比传统 RNN 更能捕捉长期依赖", "An LSTM captures long-term dependencies better than a plain RNN"),
            Bilingual("LSTM 和 GRU 都胜过 tanh 单元", "LSTM and GRU both beat tanh units"),
            "S8", measured=Bilingual("LSTM 胜过 RNN 的任务", "tasks on which the LSTM beats the RNN"),
        ),
        Claim("fewer", Bilingual("GRU 的参数更少", "A GRU has fewer parameters"),
            Bilingual("输入和隐藏尺寸相同时，权重是 3 组对 4 组", "At equal input and hidden size, 3 sets of weights against 4"),
            "S22", measured=Bilingual("尺寸相同时 GRU 与 LSTM 的参数比", "parameters at equal size, GRU over LSTM"),
        ),
    ),
    questions=(6, 17),
    proves=Bilingual("参数、批次、步数和调参预算都一样，名次仍随任务变：15 步的回忆 RNN 和 GRU 都很快学会，默认起步的 LSTM 没有；加法只有 GRU 学会；数数是 LSTM 走得最远。换成 chrono 起点，LSTM 在回忆上就追平。", "With equal parameters, batches, steps and search the ranking still changes with the task: recall over 15 steps is soon learnt by RNN and GRU and not by the default LSTM; adding goes to the GRU alone, counting to the LSTM. Give the LSTM the chrono start and it draws level on recall."),
    not_proves=Bilingual("任务是人造的，网络很小，训练只有几秒。这不是排行榜，也不说明在你的数据上该用谁；时间只代表运行它的这台机器和这个版本的 PyTorch，同时有别的运行还会变慢。", "The tasks are synthetic, the networks tiny, the training a matter of seconds. This is no league table and says nothing about your data; times hold for the computer that ran it and its version of PyTorch, and other runs slow them down."),
    presets=(
        Preset("default", Bilingual("默认起点", "Default starts"), {}),
        Preset("matched", Bilingual("相称的起点", "Matching starts"), {"start": "matched", "look": "recall"}),
        Preset("longer", Bilingual("步数加倍", "Twice the steps"), {"effort": 2, "look": "adding"}),
        Preset("break", Bilingual("弄坏它：学习率 ×20", "Break it: learning rates × 20"), {"pace": 20}),
    ),
    quick={"seeds": 1, "effort": 0.1, "timing": False},
    seconds=120.0,
)
