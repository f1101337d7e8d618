"""A character language model trained live: perplexity beside n-grams, samples, one unit as colour, a free run.

Generation by next-character prediction after Graves (2013); the colouring after Karpathy's essay of 2015; top-p after
Holtzman et al. (2020); how much context is used after Khandelwal et al. (2018); exposure bias after Bengio et al.
(2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean, median
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

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
    Text,
    param,
)

if TYPE_CHECKING:
    from app.network.studies.char_lm import CharLM, Choice, Moment

FRAMES, POINTS = 7, 30
LEAST, MOST = 1000, 20_000
FIRST, GROWN = 3, 0.05  # from the first characters to the last third the surplus error must grow by so much
SHORT, LONG = 16, 32  # a context of fewer characters is short, of more is long
Verdict = Literal["holds", "fails", "depends"]


class CharLMParams(TrainedParams):
    """The text, the training, and how the next character is chosen."""

    corpus: Literal["names", "sonnets", "tang", "own"] = param(
        "names", "语料", "Text", choices={"names": Bilingual("英文人名", "first names"), "sonnets": Bilingual("莎士比亚十四行诗", "Shakespeare’s sonnets"), "tang": Bilingual("45 首五言绝句", "45 Tang quatrains"), "own": Bilingual("你自己的文字", "your own text")},
    )  # fmt: skip
    own: str = param(
        "", "你自己的文字", "Your own text", widget="lines", max_length=MOST,
        help=Bilingual(
            f"{LEAST} 到 {MOST} 个字符；“语料”要选“你自己的文字”，末尾十分之一留作测试",
            f"{LEAST:,} to {MOST:,} characters, with ‘your own text’ chosen above; the last tenth is held out",
        ),
    )  # fmt: skip
    temperature: float = param(
        0.8, "温度 T", "Temperature T", ge=0, le=3,
        help=Bilingual("0 表示总取概率最大的", "0 always takes the likeliest"),
    )  # fmt: skip
    top_k: int = param(0, "top-k", "Top-k", ge=0, le=100, help=Bilingual("0 表示不截断", "0 cuts nothing"))
    top_p: float = param(1.0, "top-p", "Top-p", gt=0, le=1, help=Bilingual("1 表示不截断", "1 cuts nothing"))
    free: int = param(30, "自由运行的步数", "Steps of the free run", ge=5, le=60)
    unit: int = param(
        -1, "给哪个单元上色", "Unit that colours the text", ge=-1, le=63,
        help=Bilingual("−1 自动：最能跟住行内位置的单元", "−1 is automatic: the one that follows the place in the line best"),
    )  # fmt: skip
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=4)
    steps: int = param(300, "训练步数", "Training steps", ge=20, le=800)
    lr: float = param(
        0.01, "学习率（线性降到十分之一）", "Learning rate (falls linearly to a tenth)", ge=0.0001, le=0.5
    )
    hidden: int = param(48, "隐藏单元数", "Hidden units", ge=4, le=64)

    @model_validator(mode="after")
    def _fits(self) -> CharLMParams:
        if self.corpus == "own" and len(self.own) < LEAST:
            raise ValueError(
                f"own：“语料”（corpus）选“你自己的文字”时至少 {LEAST} 个字符，现有 {len(self.own)} 个 | own: with ‘your own text’ (corpus) at least {LEAST} characters, not {len(self.own)}"
            )
        if self.unit >= self.hidden:
            raise ValueError(
                f"上色的单元（unit）不能大于 {self.hidden - 1}（从 0 数起） | unit must be at most {self.hidden - 1}: units count from 0"
            )
        return self


def train(params: CharLMParams) -> Training:
    """Seeds one after the other; the first is drawn, all are judged."""
    from app.network.studies import char_lm as study
    from app.network.train import measured_steps

    yield Started(demo=demo.slug, params=params.model_dump())
    text = study.read(params.corpus, params.own)
    data = study.corpus(text)
    unigram, bigram, trigram = study.grams(data)
    for step in (0, params.steps):
        yield Scalar(panel="perplexity", series="bigram", x=float(step), y=bigram)
        yield Scalar(panel="perplexity", series="trigram", x=float(step), y=trigram)
    models: list[CharLM] = []
    ends: list[float] = []
    crossed = 0
    measures = measured_steps(params.steps, POINTS)
    for place in range(params.seeds):
        model = study.CharLM(data, hidden=params.hidden, lr=params.lr, seed=params.seed + place)
        models.append(model)
        frames = frozenset(shown_steps(params.steps, FRAMES) if place == 0 else ())
        below, last = 0, 0.0
        for moment in model.run(params.steps, measures, frames, params.unit):
            if moment.perplexity is not None:
                last = moment.perplexity
                below = moment.step if last < bigram and not below else below
            if place == 0:
                yield from _shown(moment, model)
            if moment.step % 10 == 0:
                yield Progress(done=place * params.steps + moment.step, total=params.seeds * params.steps)
        crossed += last < bigram
        ends.append(last)
        yield Seed(
            panel="strip", lane="lstm", seed=params.seed + place, solved=last < bigram,
            step=below or params.steps, value=last,
        )  # fmt: skip
    n = params.seeds
    yield Metric(
        name="perplexity_lstm", value=median(ends), claim="bigram", solved=crossed, seeds=n,
        verdict="holds" if crossed == n else "fails" if crossed == 0 else "depends",
    )  # fmt: skip
    for name, value in (("unigram", unigram), ("bigram", bigram), ("trigram", trigram)):
        yield Metric(name=f"perplexity_{name}", value=value)
    yield Metric(name="perplexity_uniform", value=float(len(data.alphabet)))
    yield from _samples(params, models, text)
    yield from _contexts(models)
    yield from _free(params, models)
    yield Finished()
    return models[0].subject()


def _shown(moment: Moment, model: CharLM) -> Iterator[AnyEvent]:
    if moment.perplexity is not None:
        yield Scalar(panel="perplexity", series="lstm", x=float(moment.step), y=moment.perplexity)
    if moment.frame is not None:
        trace, ruler, sample = moment.frame
        yield gates_event("gates", trace, moment.step, model.tokens, ruler=ruler)
        yield Text(
            panel="sample",
            tokens=["↵" if char == "\n" else char for char in sample.text],
            values=[round(value, 3) for value in sample.values],
            step=moment.step,
            caption=Bilingual(
                f"第 {moment.step} 步的样本，T = 0.8；底色：单元 {sample.unit} 的 tanh(c)",
                f"a sample after step {moment.step}, T = 0.8; colour: tanh(c) of unit {sample.unit}",
            ),
        )


def _samples(params: CharLMParams, models: list[CharLM], text: str) -> Iterator[AnyEvent]:
    """A table of the first seed's samples; each seed judged at a low, a plain and a high temperature."""
    from app.network.studies import char_lm as study
    from app.network.train import generator

    def sampled(model: CharLM, seed: int, choice: Choice) -> tuple[str, float, float]:
        made = model.sample(study.SAMPLE, choice, generator(seed, 4)).text
        return made.replace("\n", " ↵ "), study.distinct(made), study.known(made, text)

    own = study.Choice(params.temperature, params.top_k, params.top_p)
    choices = {
        f"* T = {figures(own.temperature)}, k = {own.k}, p = {figures(own.p)}": own,
        "T = 0": study.Choice(0.0),
        "T = 0.3": study.Choice(0.3),
        "T = 0.7": study.Choice(0.7),
        "T = 1": study.Choice(1.0),
        "T = 1.5": study.Choice(1.5),
        "T = 1, k = 5": study.Choice(1.0, 5),
        "T = 1, p = 0.9": study.Choice(1.0, 0, 0.9),
    }
    rows: list[list[Cell]] = [
        [name, *sampled(models[0], params.seed, choice)] for name, choice in choices.items()
    ]
    yield Table(
        panel="samples",
        columns=[
            Bilingual("怎样选（* 是你的设置）", "how it is chosen (* is yours)"),
            Bilingual("样本", "sample"),
            Bilingual("不同四字串的比例", "share of distinct 4-grams"),
            Bilingual("语料里有的四字串的比例", "share of 4-grams found in the text"),
        ],
        rows=rows,
        caption=Bilingual(
            f"第一个种子，每份 {study.SAMPLE} 个字符，用同一串随机数。第三列低是重复，第四列低是胡写。",
            f"First seed, {study.SAMPLE} characters each, from the same random numbers. A low third column is repetition, a low fourth gibberish.",
        ),
    )
    for name, cell in zip(("distinct_4grams", "known_4grams"), rows[0][2:], strict=True):
        yield Metric(name=name, value=cell if isinstance(cell, float) else None)
    agreed, shares = 0, []
    for place, model in enumerate(models):
        low, plain, high = (sampled(model, params.seed + place, study.Choice(t)) for t in (0.0, 1.0, 2.0))
        agreed += low[1] < plain[1] and high[2] < plain[2]
        shares.append(low[1])
    n = len(models)
    yield Metric(
        name="distinct_4grams_at_T=0", value=median(shares), claim="temperature", solved=agreed, seeds=n,
        verdict="holds" if agreed == n else "fails" if agreed == 0 else "depends",
    )  # fmt: skip


def _contexts(models: list[CharLM]) -> Iterator[AnyEvent]:
    from app.network.studies.char_lm import NEAR

    enough = []
    for place, model in enumerate(models):
        found = model.contexts()
        if place == 0:
            for k, value in found:
                yield Scalar(panel="context", series="lstm", x=float(k), y=value)
        enough.append(next(k for k, value in found if value <= NEAR * found[-1][1]))
    used = median(enough)
    yield Metric(
        name="context_used", value=float(used), unit="characters", claim="context",
        solved=sum(k > LONG for k in enough), seeds=len(enough), verdict=reach(used),
    )  # fmt: skip


def reach(used: float) -> Verdict:
    """Is a context of `used` characters long?"""
    return "holds" if used > LONG else "fails" if used < SHORT else "depends"


def _free(params: CharLMParams, models: list[CharLM]) -> Iterator[AnyEvent]:
    grew, early, late = [], [], []
    for place, model in enumerate(models):
        forced, free = model.free_run(params.free)
        if place == 0:
            for k, (a, b) in enumerate(zip(forced, free, strict=True), 1):
                yield Scalar(panel="free", series="forced", x=float(k), y=float(a))
                yield Scalar(panel="free", series="own", x=float(k), y=float(b))
        surplus = free - forced  # 0 at the first character: the prefix is still true
        early.append(float(surplus[:FIRST].mean()))
        late.append(float(surplus[-max(1, params.free // 3) :].mean()))
        grew.append(late[-1] > early[-1] + GROWN)
    yield Metric(name="surplus_error_first_3", value=fmean(early))
    yield Metric(
        name="surplus_error_last_third", value=fmean(late), claim="exposure", solved=sum(grew), seeds=len(grew),
        verdict="holds" if all(grew) else "depends" if any(grew) else "fails",
    )  # fmt: skip


# fmt: off
demo = Demo(
    slug="char-lm",
    title=Bilingual("字符语言模型", "A character language model"),
    summary=Bilingual("从头训练一个逐字预测的 LSTM，边训练边读它写的东西：困惑度怎样降到二元模型以下，温度、top-k、top-p 怎样改变文风，没有正确的前文时错误怎样累积。", "Train an LSTM that predicts text one character at a time and read what it writes meanwhile: how perplexity falls below a bigram model’s, what temperature, top-k and top-p do to the style, and how errors pile up once the true prefix is gone."),
    params=CharLMParams,
    run=surgical(train),
    panels=(
        Panel("sample", "text", Bilingual("训练中写出的文字（第一个种子）", "What it writes while it trains (first seed)"),
            note=Bilingual("拖动训练步，看乱码怎样变成像样的拼写。底色是一个单元的细胞状态：看它是否在行首换色、随行内位置变深。", "Scrub the training steps and see noise turn into spelling. The colour is one unit’s cell state: does it change at line breaks and deepen along the line?"),
        ),
        Panel("perplexity", "curves", Bilingual("留出文字上的困惑度（第一个种子）", "Perplexity on held-out text (first seed)"),
            note=Bilingual("虚线是二元、三元模型；它们的平滑系数在留出文字上挑过，占了便宜。曲线若先降后升，就是在背书。", "Dashed: bigram and trigram models, whose smoothing was chosen on the held-out text in their favour. A curve that falls and rises again is learning by heart."),
            x=Bilingual("训练步", "training step"),
            y=Bilingual("困惑度", "perplexity"),
            series=(
                Series("lstm", Bilingual("LSTM", "LSTM")),
                Series("bigram", Bilingual("二元模型", "bigram model"), baseline=True),
                Series("trigram", Bilingual("三元模型", "trigram model"), baseline=True),
            ),
        ),
        Panel("samples", "table", Bilingual("温度、top-k、top-p", "Temperature, top-k, top-p")),
        Panel("free", "curves", Bilingual("猜错的比例：喂真前文，还是喂自己写的", "Share of wrong guesses: true prefix or its own"),
            note=Bilingual("两条线从同一段 32 个字符的真前文出发。喂真前文的线是平的，喂自己写的往上走，两线之差是曝光偏差加上“换一种写法也算错”。", "Both start from the same 32 true characters. Fed the truth, the line stays level; fed its own output, it climbs. The gap is exposure bias plus the fact that another good continuation counts as wrong."),
            x=Bilingual("前文之后第几个字符", "characters after the prefix"),
            y=Bilingual("猜错的比例", "share wrong"),
            series=(
                Series("own", Bilingual("自由运行", "free-running")),
                Series("forced", Bilingual("教师强制", "teacher-forced"), baseline=True),
            ),
        ),
        Panel("context", "curves", Bilingual("只给最近 k 个字符（第一个种子）", "Only the last k characters given (first seed)"),
            note=Bilingual("看曲线在哪里变平：再往前的字对预测没有帮助。", "See where the line goes flat: what lies further back does not help the prediction."),
            x=Bilingual("k", "k"),
            y=Bilingual("困惑度", "perplexity"),
            series=(Series("lstm", Bilingual("LSTM", "LSTM")),),
        ),
        Panel("gates", "gates", Bilingual("读留出文字时的门，训练中", "Gates on held-out text while it trains"),
            note=Bilingual("在换行处看遗忘门 f：学会一行一条的文字之后，不少单元在那里清空。", "Look at the forget gate f at line breaks: once it has learnt that a line is a unit, many units clear there."),
        ),
        Panel("strip", "seeds", Bilingual("每个种子：第几步低于二元模型", "Every seed: below the bigram model after how many steps"),
            note=Bilingual("以训练结束时为准；“未解”只说明这么多步之后没有低于它。", "Judged at the end of training; ‘not’ means not below it after that many steps, no more."),
            series=(Series("lstm", Bilingual("LSTM", "LSTM")),),
        ),
    ),
    claims=(
        Claim("bigram", Bilingual("LSTM 语言模型能预测下一个字符，而且不只是看前一个字", "An LSTM language model predicts the next character, and from more than the one before"),
            Bilingual("LSTM 逐步预测就能生成有长程结构的序列", "Predicting one step at a time, LSTMs generate sequences with long-range structure"),
            "S36", measured=Bilingual("LSTM 的困惑度（中位数）", "the LSTM’s perplexity, median"),
        ),
        Claim("context", Bilingual("LSTM 能捕捉长序列中的长期依赖", "LSTMs capture long-term dependencies in long sequences"),
            Bilingual("LSTM 语言模型约用 200 个词的上文，50 个词以外几乎不管词序", "An LSTM language model uses about 200 tokens of context and hardly minds order beyond 50"),
            "S23", measured=Bilingual("够用的上文长度（中位数）", "length of context that suffices, median"),
        ),
        Claim("exposure", Bilingual("自由运行时错误会累积（曝光偏差）", "Errors pile up in a free run (exposure bias)"),
            Bilingual("训练与推理的前文不一致，错误会很快累积", "Training and inference see different prefixes, and mistakes can build up quickly"),
            "S35", measured=Bilingual("自由运行末段多猜错的比例", "extra wrong guesses late in the free run"),
        ),
        Claim("temperature", Bilingual("温度低则重复，温度高则胡写", "A low temperature repeats itself, a high one writes gibberish"),
            Bilingual("取概率最大的文本单调重复，不截尾的采样不连贯", "Maximising probability gives dull repetition; sampling from the whole tail gives incoherence"),
            "S56", measured=Bilingual("T = 0 时不同四字串的比例", "at T = 0, share of distinct 4-grams"),
        ),
    ),
    questions=(5, 16, 28),
    proves=Bilingual("几秒钟的训练足以让一个小 LSTM 的困惑度低于二元模型；同一个网络，只换选字的办法，写出来的就从原地打转变成胡言乱语；没有真前文时错误确实累积。它用到的上文只有几个字符。", "Seconds of training take a small LSTM below a bigram model’s perplexity; the same network goes from loops to gibberish by the way characters are chosen alone; without the true prefix errors do pile up. The context it uses is a handful of characters."),
    not_proves=Bilingual("用到的上文短，一半是因为语料小、训练窗口只有 40 个字符，不能推到大模型。自由运行里“猜错”只看逐字相同，好的改写也算错。困惑度只能在同一份语料、同一套字符之间比较。", "The short context owes much to small texts and training windows of 40 characters; do not carry it over to large models. In the free run ‘wrong’ means not the same character, so a good rewording counts as an error. Perplexities compare only on the same text and alphabet."),
    presets=(
        Preset("default", Bilingual("人名，T = 0.8", "Names, T = 0.8"), {}),
        Preset("sonnets", Bilingual("莎士比亚十四行诗", "Shakespeare’s sonnets"),
            {"corpus": "sonnets", "steps": 500},
        ),
        Preset("greedy", Bilingual("总取最可能的：T = 0", "Always the likeliest: T = 0"), {"temperature": 0}),
        Preset("hot", Bilingual("很热：T = 2", "Hot: T = 2"), {"temperature": 2}),
        Preset("break", Bilingual("弄坏它：只有 45 首唐诗", "Break it: only 45 Tang quatrains"),
            {"corpus": "tang", "steps": 150},
        ),
    ),
    quick={"steps": 30, "seeds": 1, "hidden": 12, "free": 8},
    seconds=300.0,
)
