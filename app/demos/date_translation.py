"""Dates as people write them into ISO 8601: encoder and decoder with attention, without, and reading backwards.

The bottleneck of one fixed vector and attention as the answer: Bahdanau, Cho & Bengio (2015). Reading the source
backwards: Sutskever, Vinyals & Le (2014). All three read the same batches from the same first weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING, Literal

from pydantic import field_validator

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
    from app.network.studies.date_translation import Dates, Lane

FRAMES, POINTS = 12, 12
CHARACTERS = (
    " ,0123456789abcdefghijlmnoprstuvwy〇一七三九二五八公元六十号四年日星月期，"  # those of the spellings
)
GUESS = 1 / 73_049  # one of all days
LANES = {
    "attention": Bilingual("有注意力", "with attention"),
    "plain": Bilingual("没有注意力", "without attention"),
    "backwards": Bilingual("没有注意力，倒着读", "without, read backwards"),
}
Verdict = Literal["holds", "fails", "depends"]


class DateTranslationParams(TrainedParams):
    """What is trained on, and the date to look at."""

    text: str = param(
        "二〇二六年十一月二十三日", "你写的日期", "A date of yours", min_length=4, max_length=40,
        help=Bilingual(
            "例如“2031年5月7日”“the 3rd of may 1984”；1900 到 2099 年",
            "such as ‘the 3rd of may 1984’ or ‘2031年5月7日’; 1900 to 2099",
        ),
    )  # fmt: skip
    language: Literal["both", "zh", "en"] = param(
        "both",
        "训练用哪种语言",
        "Language trained on",
        choices={
            "both": Bilingual("中文和英文", "Chinese and English"),
            "zh": Bilingual("只用中文", "Chinese only"),
            "en": Bilingual("只用英文", "English only"),
        },
    )
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=4)
    steps: int = param(400, "训练步数", "Training steps", ge=20, le=800)
    lr: float = param(
        0.01, "学习率（线性降到十分之一）", "Learning rate (falls linearly to a tenth)", ge=0.0001, le=0.5
    )
    hidden: int = param(64, "隐藏单元数", "Hidden units", ge=8, le=64)

    @field_validator("text")
    @classmethod
    def _readable(cls, text: str) -> str:
        strange = sorted(set(" ".join(text.lower().split())) - set(CHARACTERS))
        if strange:
            shown = " ".join(strange)
            raise ValueError(
                f"text：有训练时没有的字符 {shown} | text: has characters never trained on: {shown}"
            )
        return text


def train(params: DateTranslationParams) -> Training:
    """Seeds one after the other; within a seed all three advance together on the same batches."""
    from app.network.studies.date_translation import Dates
    from app.network.train import measured_steps

    yield Started(demo=demo.slug, params=params.model_dump())
    races: list[Dates] = []
    measures = measured_steps(params.steps, POINTS)
    for place in range(params.seeds):
        race = Dates(
            language=params.language, text=params.text, hidden=params.hidden, lr=params.lr,
            seed=params.seed + place,
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
                    panel="attention", values=Tensor.of(seen.attention, 0.0, 1.0), rows=list(seen.said),
                    columns=race.tokens, step=moment.step,
                )  # fmt: skip
            if moment.step % 3 == 0:
                yield Progress(done=place * params.steps + moment.step, total=params.seeds * params.steps)
        for lane in race.lanes:
            yield Seed(
                panel="strip", lane=lane.name, seed=params.seed + place, solved=lane.solved_at is not None,
                step=lane.solved_at or params.steps, value=lane.exact,
            )  # fmt: skip
        yield _own(params, races)
    for step in (0, params.steps):
        yield Scalar(panel="exact", series="guess", x=float(step), y=GUESS)
    yield from _verdicts(races)
    yield Finished()
    return races[0].subject()


def _own(params: DateTranslationParams, races: list[Dates]) -> Table:
    from app.network.studies.date_translation import clean, is_held_out, meant

    true = meant(params.text)
    rows: list[list[Cell]] = []
    for lane, title in LANES.items():
        said = [race.own(lane).said for race in races]
        right = "?" if true is None else f"{sum(each == true for each in said)} / {len(said)}"
        rows.append([title, ", ".join(said), right])
    if true is None:
        about = Bilingual(
            "这不是训练时的写法，标准答案未知", "this spelling was not trained on; no true answer known"
        )
    elif is_held_out(true):
        about = Bilingual(
            f"应为 {true}，训练中从未出现过这一天", f"should be {true}, a day never seen in training"
        )
    else:
        about = Bilingual(
            f"应为 {true}，这一天可能在训练中出现过", f"should be {true}, a day that training may have seen"
        )
    return Table(
        panel="own",
        columns=[
            Bilingual("模型", "model"),
            Bilingual("每个种子的译文", "its translation, by seed"),
            Bilingual("正确", "right"),
        ],
        rows=rows,
        step=len(races),
        caption=Bilingual(f"“{clean(params.text)}”：{about.zh}。", f"‘{clean(params.text)}’: {about.en}."),
    )


def verdict(k: int, n: int) -> Verdict:
    """All of the seeds, none, or some."""
    return "holds" if k == n else "fails" if k == 0 else "depends"


def _verdicts(races: list[Dates]) -> Iterator[AnyEvent]:
    from app.network.studies.date_translation import SOLVED

    n = len(races)
    lanes: dict[str, list[Lane]] = {
        name: [race.lanes[place] for race in races] for place, name in enumerate(LANES)
    }
    exact = {name: median(lane.exact for lane in mine) for name, mine in lanes.items()}
    for name, mine in lanes.items():
        yield Metric(name=f"loss_{name}", value=median(lane.loss for lane in mine), unit="nats")
    right = sum(lane.exact >= SOLVED for lane in lanes["attention"])
    yield Metric(
        name="exact_attention", value=exact["attention"], claim="translates", solved=right, seeds=n,
        verdict=verdict(right, n),
    )  # fmt: skip
    pairs = zip(lanes["attention"], lanes["plain"], strict=True)
    behind = sum(b.exact < a.exact for a, b in pairs)
    yield Metric(
        name="exact_plain", value=exact["plain"], claim="bottleneck", solved=behind, seeds=n,
        verdict=verdict(behind, n),
    )  # fmt: skip
    ahead = sum(b.exact > a.exact for a, b in zip(lanes["plain"], lanes["backwards"], strict=True))
    yield Metric(
        name="exact_backwards", value=exact["backwards"], claim="backwards", solved=ahead, seeds=n,
        verdict=verdict(ahead, n),
    )  # fmt: skip


_SERIES = tuple(Series(key, title) for key, title in LANES.items())

# fmt: off
demo = Demo(
    slug="date-translation",
    title=Bilingual("把日期译成 ISO 格式", "Translating dates"),
    summary=Bilingual("“二〇二六年十一月二十三日”和“23 november 2026”都译成 2026-11-23。同样的批次、同样的起点，有注意力、没有注意力、没有注意力但倒着读，谁先学会？你也可以写一个日期，看译文的每一位在看原文的哪里。", "‘23 november 2026’ and ‘二〇二六年十一月二十三日’ both become 2026-11-23. On the same batches from the same start: with attention, without, and without but reading backwards, who learns it first? Write a date of your own and see where each digit looks."),
    params=DateTranslationParams,
    run=surgical(train),
    panels=(
        Panel("attention", "heatmap", Bilingual("注意力：行是译文，列是原文", "Attention: rows are output, columns are input"),
            note=Bilingual("拖动训练步：起初到处都看，后来每一位只看写着它的那几个字。位置不必正好对上，编码器已经把邻近的字读进了状态。", "Scrub the training steps: at first it looks everywhere, later each digit looks at the few characters that spell it. The peak may sit a character off, since the encoder’s state has read its neighbours too."),
        ),
        Panel("exact", "curves", Bilingual("没见过的日子，整条译对的比例（第一个种子）", "Unseen days translated to the last digit (first seed)"),
            note=Bilingual("虚线是从所有日子里乱猜一天。没有注意力的线还在上升：给更多步，它们会继续变好。", "Dashed: a guess among all days. The lines without attention are still rising: more steps would take them further."),
            x=Bilingual("训练步", "training step"),
            y=Bilingual("整条译对的比例", "exact match"),
            series=(*_SERIES, Series("guess", Bilingual("乱猜", "guess"), baseline=True)),
        ),
        Panel("own", "table", Bilingual("你写的日期", "Your date")),
        Panel("strip", "seeds", Bilingual("每个种子：多少步到 95%", "Every seed: 95 % after how many steps"),
            note=Bilingual("“未解”只说明在这个步数之内没有到 95%。", "‘Not’ says nothing beyond that many steps."),
            series=_SERIES,
        ),
        Panel("gates", "gates", Bilingual("编码器读你的日期：训练中的门（有注意力）", "The encoder reads your date: gates while it trains (with attention)"),
            note=Bilingual("有了注意力，编码器不必把年份一直带到句末：看记忆标尺的两条线在句首掉得多低。", "With attention the encoder need not carry the year to the end: see how far the memory ruler falls towards the beginning."),
        ),
    ),
    claims=(
        Claim("translates", Bilingual("LSTM 可以做机器翻译", "LSTMs can translate"),
            Bilingual("编码器–解码器 LSTM 英译法 BLEU 34.8", "Encoder–decoder LSTMs reach BLEU 34.8 from English to French"), "S17", measured=Bilingual("有注意力，整条译对的比例", "exact match with attention, median")),
        Claim("bottleneck", Bilingual("把整句压进一个定长向量是瓶颈，注意力打开了它", "One fixed vector for the whole sentence is a bottleneck, and attention opens it"),
            Bilingual("定长向量是瓶颈，改为对原文软搜索", "The fixed-length vector is a bottleneck; search the source softly instead"), "S38", measured=Bilingual("没有注意力，整条译对的比例", "exact match without attention, median")),
        Claim("backwards", Bilingual("没有注意力时，倒着读原文更好", "Without attention, reading the source backwards is better"),
            Bilingual("把源句倒过来，效果明显提高", "Reversing the source sentences improved the results markedly"), "S17", measured=Bilingual("倒着读，整条译对的比例", "exact match reading backwards, median")),
    ),
    questions=(5,),
    proves=Bilingual("参数量、批次、步数都相同，有注意力的模型先学会翻译没见过的日子；压进一个定长向量的不是学不会，而是慢得多。倒着读有没有用，要看译文的开头写在原文的哪一头：ISO 从年份写起，中文年份在前，英文年份在后。", "At equal parameters, batches and steps the model with attention is the first to translate unseen days; with one fixed vector it is not impossible, only much slower. Whether reading backwards helps depends on which end of the source holds what the output begins with: ISO starts with the year, Chinese writes it first, English last."),
    not_proves=Bilingual("日期只有几种写法、几十个字符，远不是真正的翻译：没有歧义、没有语序大变、没有生词。步数就这么多，线的先后不等于最终的高低。", "Dates in a few spellings and a few dozen characters are far from real translation: no ambiguity, no great change of order, no unknown words. And with so few steps, who is ahead says nothing about where they would end."),
    presets=(
        Preset("default", Bilingual("中英混合", "Chinese and English mixed"), {}),
        Preset("zh", Bilingual("只有中文，多练一半", "Chinese only, half as many steps again"), {"language": "zh", "steps": 600}),
        Preset("en", Bilingual("只有英文", "English only"), {"language": "en", "text": "the 23rd of november 2026"}),
        Preset("longer", Bilingual("多给没有注意力的一倍步数", "Twice the steps, for those without attention"), {"steps": 800, "seeds": 1}),
        Preset("break", Bilingual("弄坏它：没训练过的写法", "Break it: a spelling never trained on"), {"text": "day 25, month 11, year 2026", "seeds": 1}),
    ),
    quick={"steps": 20, "seeds": 1, "hidden": 16},
    seconds=330.0,
)
