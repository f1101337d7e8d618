"""Templated match reports into one line: an encoder–decoder with attention and one without; then longer reports.

Sequence to sequence after Sutskever, Vinyals & Le (2014), attention after Bahdanau, Cho & Bengio (2015). What such
summaries get wrong, facts above all, is counted word by word (See, Liu & Manning 2017). No test match was ever seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
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
    from app.network.studies.summarise import Reports

FRAMES, POINTS, LENGTHS = 3, 12, (1, 2, 3, 4, 6, 8, 10)
ENOUGH = 0.9  # the table's bar for exact match with attention
LANES = {
    "attention": Bilingual("有注意力", "with attention"),
    "plain": Bilingual("没有注意力", "without attention"),
}
Verdict = Literal["holds", "fails", "depends"]


class SummariseParams(TrainedParams):
    """The reports and the network."""

    language: Literal["zh", "en"] = param(
        "zh",
        "战报的语言",
        "Language of the reports",
        choices={"zh": Bilingual("中文", "Chinese"), "en": Bilingual("英文", "English")},
    )
    fillers: int = param(3, "训练时最多几句闲笔", "Filler sentences in training, at most", ge=1, le=4)
    shown: int = param(
        3, "看一篇有几句闲笔的", "Filler sentences of the report shown", ge=0, le=9,
        help=Bilingual("可以比训练时的多", "may be more than in training"),
    )  # fmt: skip
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=3)
    steps: int = param(400, "训练步数", "Training steps", ge=20, le=600)
    lr: float = param(
        0.015, "学习率（线性降到十分之一）", "Learning rate (falls linearly to a tenth)", ge=0.0001, le=0.5
    )
    hidden: int = param(64, "隐藏单元数", "Hidden units", ge=8, le=64)


def train(params: SummariseParams) -> Training:
    """Seeds one after the other; within a seed both advance together on the same batches."""
    from app.network.studies.summarise import Reports
    from app.network.train import measured_steps

    yield Started(demo=demo.slug, params=params.model_dump())
    races: list[Reports] = []
    measures = measured_steps(params.steps, POINTS)
    for place in range(params.seeds):
        race = Reports(
            language=params.language, fillers=params.fillers, shown=params.shown, hidden=params.hidden,
            lr=params.lr, seed=params.seed + place,
        )  # fmt: skip
        races.append(race)
        frames = frozenset(shown_steps(params.steps, FRAMES) if place == 0 else ())
        for moment in race.run(params.steps, measures, frames):
            if moment.measured and place == 0:
                for lane in race.lanes:
                    yield Scalar(panel="exact", series=lane.name, x=float(moment.step), y=lane.exact)
            if moment.frame is not None:
                trace, ruler, seen = moment.frame
                yield gates_event("gates", trace, moment.step, race.tokens, ruler=ruler)
                yield Heatmap(
                    panel="attention", values=Tensor.of(seen.attention, 0.0, 1.0),
                    rows=[word or "∅" for word in seen.said], columns=race.tokens, step=moment.step,
                )  # fmt: skip
            if moment.step % 3 == 0:
                yield Progress(done=place * params.steps + moment.step, total=params.seeds * params.steps)
        for lane in race.lanes:
            yield Seed(
                panel="strip", lane=lane.name, seed=params.seed + place, solved=lane.solved_at is not None,
                step=lane.solved_at or params.steps, value=lane.exact,
            )  # fmt: skip
        if place == 0:
            yield _own(race)
    for step in (0, params.steps):
        yield Scalar(panel="exact", series="guess", x=float(step), y=races[0].guess())
    yield from _lengths(races)
    yield from _verdicts(races)
    yield Finished()
    return races[0].subject()


def _own(race: Reports) -> Table:
    rows: list[list[Cell]] = [[Bilingual("标准答案", "the right answer"), " ".join(race.truth)]]
    for lane, title in LANES.items():
        said = [word for word in race.own(lane).said if word]
        rows.append([title, " ".join(said)])
    return Table(
        panel="own",
        columns=[Bilingual("谁写的", "written by"), Bilingual("摘要", "summary")],
        rows=rows,
        caption=Bilingual(
            f"第一个种子。战报：{' '.join(race.tokens)}", f"First seed. The report: {' '.join(race.tokens)}"
        ),
    )


def _lengths(races: list[Reports]) -> Iterator[AnyEvent]:
    """Exact match over report length: the medians of all seeds."""
    for race in races:
        race.lengths(LENGTHS)
    for place, lane in enumerate(LANES):
        for count in LENGTHS:
            value = median(race.lanes[place].by_length[count] for race in races)
            yield Scalar(panel="length", series=lane, x=float(count), y=value)
    for count in (LENGTHS[0], LENGTHS[-1]):
        yield Scalar(panel="length", series="guess", x=float(count), y=races[0].guess())


def verdict(k: int, n: int) -> Verdict:
    """All of the seeds, none, or some."""
    return "holds" if k == n else "fails" if k == 0 else "depends"


def _verdicts(races: list[Reports]) -> Iterator[AnyEvent]:
    n = len(races)
    attention, plain = ([race.lanes[place] for race in races] for place in (0, 1))
    yield Metric(name="loss_attention", value=median(lane.loss for lane in attention), unit="nats")
    yield Metric(name="loss_plain", value=median(lane.loss for lane in plain), unit="nats")
    good = sum(lane.exact >= ENOUGH for lane in attention)
    yield Metric(
        name="exact_attention", value=median(lane.exact for lane in attention), claim="summarises",
        solved=good, seeds=n, verdict=verdict(good, n),
    )  # fmt: skip
    less = sum(b.exact < a.exact for a, b in zip(attention, plain, strict=True))
    yield Metric(
        name="exact_plain", value=median(lane.exact for lane in plain), claim="bottleneck", solved=less, seeds=n,
        verdict=verdict(less, n),
    )  # fmt: skip
    wrong = [race.slips() for race in races]
    facts = sum(each["facts"] for each in wrong)
    form = sum(each["form"] for each in wrong)
    mostly = sum(each["facts"] > each["form"] for each in wrong)
    yield Metric(
        name="wrong_facts_plain", value=facts / max(1, facts + form), claim="facts", solved=mostly, seeds=n,
        verdict=verdict(mostly, n),
    )  # fmt: skip


_SERIES = tuple(Series(key, title) for key, title in LANES.items())
_GUESS = Series(
    "guess", Bilingual("最常见的句式、乱猜的事实", "commonest form, guessed facts"), baseline=True
)

# fmt: off
demo = Demo(
    slug="summarise",
    title=Bilingual("把战报写成一句话", "A match report in one line"),
    summary=Bilingual("读一篇比赛战报，写出“谁几比几击败谁，谁最佳”。两个编码器–解码器用同样的批次训练，一个有注意力，一个只有末状态；看注意力图怎样学会从一堆闲笔里挑出关键的字；再把战报写长，看谁先撑不住。", "Read a match report and write who beat whom, by how much, and who shone. Two encoder–decoders train on the same batches, one with attention, one with the final state alone; watch the attention map learn to pick the words that matter out of the chatter; then make the reports longer and see who gives in first."),
    params=SummariseParams,
    run=surgical(train),
    panels=(
        Panel("attention", "heatmap", Bilingual("注意力：行是摘要，列是战报", "Attention: rows are the summary, columns the report"),
            note=Bilingual("拖动训练步：队名、比分、球员各自找到战报里写着它的位置。“-”和“最佳”这样的字用不着看原文，所以那几行是散的。", "Scrub the training steps: teams, goals and player each find the place that states them. Words such as ‘-’ or ‘shone’ need no source, so their rows stay diffuse."),
        ),
        Panel("exact", "curves", Bilingual("没见过的比赛，整句写对的比例（第一个种子）", "Unseen matches summarised without a slip (first seed)"),
            note=Bilingual("没有注意力的线也在升，只是慢；多给步数它还会涨。", "The line without attention rises too, only slower; more steps would take it further."),
            x=Bilingual("训练步", "training step"),
            y=Bilingual("整句写对的比例", "exact match"),
            series=(*_SERIES, _GUESS),
        ),
        Panel("length", "curves", Bilingual("战报越来越长", "As reports grow"),
            note=Bilingual("横轴是闲笔句数，超过训练时的上限就是没见过的长度；各种子取中位数。", "The axis counts filler sentences; beyond the training limit lies length never seen. Medians over seeds."),
            x=Bilingual("闲笔句数", "filler sentences"),
            y=Bilingual("整句写对的比例", "exact match"),
            series=(*_SERIES, _GUESS),
        ),
        Panel("own", "table", Bilingual("这一篇的摘要", "This report’s summary")),
        Panel("strip", "seeds", Bilingual("每个种子：多少步到 90%", "Every seed: 90 % after how many steps"),
            note=Bilingual("“未解”只说明在这个步数之内没有到 90%。", "‘Not’ says nothing beyond that many steps."),
            series=_SERIES,
        ),
        Panel("gates", "gates", Bilingual("编码器读战报：训练中的门（有注意力）", "The encoder reads the report: gates while it trains (with attention)"),
            note=Bilingual("看记忆标尺：有注意力时，开头的队名不必一路记到结尾。", "Look at the memory ruler: with attention, the teams named first need not be carried to the end."),
        ),
    ),
    claims=(
        Claim("summarises", Bilingual("LSTM 可以输入长文本，输出简洁的摘要", "An LSTM takes a long text and writes a concise summary"),
            Bilingual("序列到序列：一个 LSTM 读，另一个写", "Sequence to sequence: one LSTM reads, another writes"), "S17", measured=Bilingual("有注意力，整句写对的比例", "exact match with attention, median")),
        Claim("bottleneck", Bilingual("只靠编码器的末状态不如加上注意力", "The encoder’s final state alone does worse than attention"),
            Bilingual("定长向量是瓶颈", "The fixed-length vector is a bottleneck"), "S38", measured=Bilingual("没有注意力，整句写对的比例", "exact match without attention, median")),
        Claim("facts", Bilingual("没有注意力的摘要，错的多是事实而不是句式", "Without attention, summaries slip on facts rather than on form"),
            Bilingual("序列到序列的摘要容易写错事实细节", "Sequence-to-sequence summaries are liable to reproduce factual details inaccurately"), "S37", measured=Bilingual("错处里事实错误占的比例", "share of slips that are facts")),
    ),
    questions=(16, 28),
    proves=Bilingual("编码器–解码器学得会从战报里挑事实写成一句话；参数量、批次、步数都相同时，有注意力的先学会，没有注意力的，句子早已通顺，事实却常常张冠李戴。", "An encoder–decoder learns to pick facts from a report and put them in a line; at equal parameters, batches and steps attention gets there first, while without it the form is soon fluent and the facts are often somebody else’s."),
    not_proves=Bilingual("战报由几十个模板写成，摘要的每个字都抄得到，离真正的摘要很远：没有改写，没有取舍，没有生词。没有注意力的模型只是慢，不是不能。", "Reports come from a few dozen templates and every word of a summary can be copied: far from real summarising, with no rewording, no judgement of what matters, no unknown words. The model without attention is slow, not unable."),
    presets=(
        Preset("default", Bilingual("中文战报", "Chinese reports"), {}),
        Preset("en", Bilingual("英文战报", "English reports"), {"language": "en", "steps": 500}),
        Preset("long", Bilingual("看一篇有 9 句闲笔的", "A report with nine filler sentences"), {"shown": 9}),
        Preset("break", Bilingual("弄坏它：训练太短", "Break it: stop training early"), {"steps": 100}),
    ),
    quick={"steps": 20, "seeds": 1, "hidden": 16},
    seconds=240.0,
)
