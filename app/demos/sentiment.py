"""Real Chinese reviews, good or bad: a character LSTM against a bag of characters, gates on a sentence of your own.

The baseline is naive Bayes on which characters and pairs occur; it knows nothing of order. Repeated lines were taken
out before the split (leakage: Kapoor & Narayanan 2023). How far order is used at all is measured by shuffling the
characters of the test lines (after Khandelwal et al. 2018).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING, Literal

from pydantic import field_validator

from app.demos.frames import gates_event, shown_steps
from app.demos.surgery import TrainedParams, Training, surgical
from app.demos.wording import signed
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
    Text,
    param,
)

if TYPE_CHECKING:
    from app.network.studies.sentiment import Bayes, Sentiment

FRAMES, POINTS, SHOWN, CHANCE = 7, 15, 6, 0.5
FAVOURABLE, DAMNING = Bilingual("好评", "favourable"), Bilingual("差评", "unfavourable")
USED, UNUSED = 0.10, 0.03  # shuffling must cost so much for order to count as used; less, as unused
Verdict = Literal["holds", "fails", "depends"]


class SentimentParams(TrainedParams):
    """The sentence to look at and the network."""

    own: str = param(
        "房间很干净，但是服务员态度太差，不会再来。", "你写的一句评论", "A review of yours", min_length=2, max_length=60,
        help=Bilingual("中文，最多 60 个字", "in Chinese, at most 60 characters"),
    )  # fmt: skip
    limit: int = param(5600, "训练用多少条评论", "Reviews to train on", ge=100, le=5600)
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=4)
    steps: int = param(300, "训练步数", "Training steps", ge=20, le=1000)
    lr: float = param(
        0.01, "学习率（线性降到十分之一）", "Learning rate (falls linearly to a tenth)", ge=0.0001, le=0.1
    )
    hidden: int = param(32, "隐藏单元数", "Hidden units", ge=4, le=48)
    dropout: float = param(0.5, "读出层的丢弃率", "Dropout before the read-out", ge=0, le=0.8)

    @field_validator("own")
    @classmethod
    def _text(cls, text: str) -> str:
        text = "".join(text.split())
        if len(text) < 2:
            raise ValueError("own：至少 2 个非空白字符 | own: at least 2 characters that are no blanks")
        return text


def train(params: SentimentParams) -> Training:
    """Baselines first, then seeds one after the other; the first is drawn, all are judged."""
    from app.network.studies import sentiment as study
    from app.network.train import measured_steps

    yield Started(demo=demo.slug, params=params.model_dump())
    data = study.load(params.limit)
    bag = data.of_bags
    for step in (0, params.steps):
        for name, value in (*bag.items(), ("chance", CHANCE)):
            yield Scalar(panel="accuracy", series=name, x=float(step), y=value)
    yield _words(params, data.bags["pairs"])
    models: list[Sentiment] = []
    found: list[float] = []
    measures = measured_steps(params.steps, POINTS)
    for place in range(params.seeds):
        model = study.Sentiment(
            data, own=params.own, hidden=params.hidden, lr=params.lr, dropout=params.dropout,
            seed=params.seed + place,
        )  # fmt: skip
        models.append(model)
        frames = frozenset(shown_steps(params.steps, FRAMES) if place == 0 else ())
        accuracy, reached = 0.0, 0
        for moment in model.run(params.steps, measures if place == 0 else frozenset(), frames):
            if moment.measured is not None:
                accuracy, unseen, seen = moment.measured
                reached = moment.step if accuracy > bag["pairs"] and not reached else reached
                if place == 0:
                    yield Scalar(panel="accuracy", series="lstm", x=float(moment.step), y=accuracy)
                    yield Scalar(panel="loss", series="test", x=float(moment.step), y=unseen)
                    yield Scalar(panel="loss", series="train", x=float(moment.step), y=seen)
            if moment.frame is not None:
                yield gates_event(
                    "gates", moment.frame.trace, moment.step, model.tokens, ruler=moment.frame.ruler
                )
                yield _sentence(model, moment.step, moment.frame.chances)
            if moment.step % 5 == 0:
                yield Progress(done=place * params.steps + moment.step, total=params.seeds * params.steps)
        found.append(accuracy)
        yield Seed(
            panel="strip", lane="lstm", seed=params.seed + place, solved=accuracy > bag["pairs"],
            step=reached or params.steps, value=accuracy,
        )  # fmt: skip
    yield from _verdicts(params, models, data.bags["pairs"], found, bag)
    yield _mistakes(models[0])
    yield Finished()
    return models[0].subject()


def _words(params: SentimentParams, bag: Bayes) -> Text:
    score = signed(f"{bag.score(params.own):+.2f}")
    return Text(
        panel="bag",
        tokens=list(params.own),
        values=[round(math.tanh(bag.weight(char)), 3) for char in params.own],
        caption=Bilingual(
            f"词袋：每个字自己的分（正为好评）；单字和字对合计 {score}",
            f"bag: each character’s own score, above 0 favourable; with pairs {score} in all",
        ),
    )


def _sentence(model: Sentiment, step: int, chances: list[float]) -> Text:
    return Text(
        panel="sentence",
        tokens=model.tokens,
        values=[round(2 * chance - 1, 3) for chance in chances],
        step=step,
        caption=Bilingual(
            f"第 {step} 步：底色是读到此处为止的 2P − 1；读完 P（好评）= {chances[-1]:.2f}",
            f"after step {step}: colour is 2P − 1 as far as it has read; at the end P(favourable) = {chances[-1]:.2f}",
        ),
    )


def order_used(cost: float) -> Verdict:
    """Does the network live on order? `cost` is the accuracy that shuffling the characters takes away."""
    return "holds" if cost >= USED else "fails" if cost < UNUSED else "depends"


def _verdicts(
    params: SentimentParams, models: list[Sentiment], pairs: Bayes, found: list[float], bag: dict[str, float]
) -> Iterator[AnyEvent]:
    n = len(models)
    ahead = sum(accuracy > bag["pairs"] for accuracy in found)
    yield Metric(
        name="accuracy_lstm", value=median(found), claim="beats", solved=ahead, seeds=n,
        verdict="holds" if ahead == n else "fails" if ahead == 0 else "depends",
    )  # fmt: skip
    yield Metric(name="accuracy_bag_of_pairs", value=bag["pairs"])
    yield Metric(name="accuracy_bag_of_characters", value=bag["single"])
    shuffled = [model.shuffled() for model in models]
    cost = median(a - b for a, b in zip(found, shuffled, strict=True))
    used = sum(a - b >= USED for a, b in zip(found, shuffled, strict=True))
    yield Metric(name="accuracy_shuffled", value=median(shuffled))
    yield Metric(
        name="cost_of_shuffling", value=cost, claim="order", solved=used, seeds=n, verdict=order_used(cost)
    )
    own = [model.chances()[-1] for model in models]
    odds = signed(f"{pairs.score(params.own):+.2f}")
    yield Metric(name="own_P", value=median(own))
    yield Table(
        panel="table",
        columns=[
            Bilingual("模型", "model"),
            Bilingual("测试正确率", "test accuracy"),
            Bilingual("字序打乱后", "characters shuffled"),
            Bilingual("你的句子", "your sentence"),
        ],
        rows=[
            [
                "LSTM",
                median(found),
                median(shuffled),
                Bilingual(f"P（好评）= {median(own):.2f}", f"P(favourable) = {median(own):.2f}"),
            ],
            [Bilingual("朴素贝叶斯，单字", "naive Bayes, characters"), bag["single"], bag["single"], None],
            [
                Bilingual("朴素贝叶斯，单字和字对", "naive Bayes, characters and pairs"),
                bag["pairs"],
                None,
                Bilingual(f"对数几率 {odds}", f"log odds {odds}"),
            ],
            [Bilingual("乱猜", "chance"), CHANCE, CHANCE, None],
        ],
        caption=Bilingual(
            f"LSTM 是 {n} 个种子的中位数；每个种子：{', '.join(f'{accuracy:.3f}' for accuracy in found)}。测试 1200 条，标准误约 0.012。",
            f"LSTM: the median of {n} seeds; each: {', '.join(f'{accuracy:.3f}' for accuracy in found)}. 1,200 test lines, standard error about 0.012.",
        ),
    )


def _mistakes(model: Sentiment) -> Table:
    return Table(
        panel="mistakes",
        columns=[
            Bilingual("评论", "review"),
            Bilingual("标签", "label"),
            Bilingual("好评的概率", "P(favourable)"),
        ],
        rows=[
            [text, FAVOURABLE if label else DAMNING, chance]
            for text, label, chance in model.mistakes()[:SHOWN]
        ],
        caption=Bilingual(
            "第一个种子最有把握却判错的几条。先自己读：有的标签本身就可疑，这是正确率到不了 1 的原因之一。",
            "What the first seed got wrong with the greatest confidence. Read them yourself first: some labels are doubtful, one reason why accuracy stays below 1.",
        ),
    )


# fmt: off
demo = Demo(
    slug="sentiment",
    title=Bilingual("中文评论的情感", "Sentiment of Chinese reviews"),
    summary=Bilingual("真实的书籍、酒店、电脑评论，逐字读完判断好评还是差评。字符 LSTM 和不管字序的词袋比一比，再把字序打乱，看 LSTM 到底用了多少顺序。写一句自己的评论，看判断怎样逐字变化。", "Real reviews of books, hotels and computers, read character by character: favourable or not? A character LSTM against a bag that knows no order; then shuffle the characters and see how much order the LSTM uses at all. Write a review of your own and watch the verdict change as it is read."),
    params=SentimentParams,
    run=surgical(train),
    panels=(
        Panel("sentence", "text", Bilingual("LSTM 读你的句子", "The LSTM reads your sentence"),
            note=Bilingual("看“但是”前后：训练之后，前半句的好评会不会被后半句拉回来？分类看的是各步状态的平均，所以前面的话始终算数。", "Look around a ‘but’: once trained, does the second half pull the first half’s verdict back? The classifier averages the states of all steps, so what came first keeps its vote."),
        ),
        Panel("bag", "text", Bilingual("词袋怎么看你的句子", "The bag reads your sentence"),
            note=Bilingual("每个字有一个固定的分，放在哪里都一样。", "Every character has one score, wherever it stands."),
        ),
        Panel("accuracy", "curves", Bilingual("没见过的评论上的正确率（第一个种子）", "Accuracy on unseen reviews (first seed)"),
            note=Bilingual("虚线是两种词袋和乱猜。LSTM 未必能越过上面那条：短评论里，有哪些字比字的顺序更要紧。", "Dashed: two bags and chance. The LSTM need not pass the upper one: in short reviews which characters occur matters more than their order."),
            x=Bilingual("训练步", "training step"),
            y=Bilingual("正确率", "accuracy"),
            series=(
                Series("lstm", Bilingual("LSTM", "LSTM")),
                Series("pairs", Bilingual("词袋：单字和字对", "bag of characters and pairs"), baseline=True),
                Series("single", Bilingual("词袋：单字", "bag of characters"), baseline=True),
                Series("chance", Bilingual("乱猜 0.5", "chance 0.5"), baseline=True),
            ),
        ),
        Panel("loss", "curves", Bilingual("损失：见过的和没见过的（第一个种子）", "Loss, seen and unseen (first seed)"),
            note=Bilingual("两条线分开的地方开始过拟合。", "Where the two part, overfitting begins."),
            x=Bilingual("训练步", "training step"),
            y=Bilingual("交叉熵", "cross-entropy"),
            series=(Series("test", Bilingual("没见过的", "unseen")), Series("train", Bilingual("见过的", "seen"))),
        ),
        Panel("table", "table", Bilingual("数字", "The numbers")),
        Panel("strip", "seeds", Bilingual("每个种子：是否超过词袋", "Every seed: ahead of the bag?"),
            note=Bilingual("“未解”指训练结束时测试正确率没有超过单字加字对的词袋。", "‘Not’: at the end its test accuracy is not above that of the bag of characters and pairs."),
            series=(Series("lstm", Bilingual("LSTM", "LSTM")),),
        ),
        Panel("mistakes", "table", Bilingual("判错的评论", "Reviews it gets wrong")),
        Panel("gates", "gates", Bilingual("读你的句子时每个字的门，训练中", "Gates on your sentence, character by character, while it trains"),
            note=Bilingual("找褒贬鲜明的字：输入门 i 和候选 g 在那里是否动得最厉害？", "Find the characters that praise or damn: do the input gate i and the candidate g move most there?"),
        ),
    ),
    claims=(
        Claim("beats", Bilingual("LSTM 在情感分析中表现出色（比不管顺序的词袋好）", "LSTMs perform excellently at sentiment analysis (better than a bag without order)"),
            Bilingual("对较远的上文，LSTM 只粗略记得出现过哪些词", "Of distant context an LSTM keeps roughly which words occurred"), "S23", measured=Bilingual("LSTM 的测试正确率（中位数）", "the LSTM’s test accuracy, median")),
        Claim("order", Bilingual("它靠的是序列中的依赖，也就是字的顺序", "It relies on dependencies in the sequence, that is, on order"),
            Bilingual("50 个词以外，打乱词序几乎没有影响", "Beyond 50 words, shuffling the order has next to no effect"), "S23", measured=Bilingual("打乱字序丢掉的正确率", "accuracy lost by shuffling the characters")),
    ),
    questions=(5,),
    proves=Bilingual("在同一份去过重的评论上，几千条数据、几秒训练，字符 LSTM 就学得会情感分类；但它能不能胜过数一遍就有的词袋，要看图上那条虚线；把字序打乱后正确率掉多少，就是它从顺序里得到的全部好处。", "A few thousand reviews without repeats and some seconds of training teach a character LSTM sentiment. Whether it beats a bag that counts once is read off the dashed line; and what shuffling the characters costs is all that it gains from their order."),
    not_proves=Bilingual("这不说明 LSTM 的上限就在这里：没有预训练的词向量，没有双向，数据少，句子短。数据多了，字序可能更值钱。标签来自网站，有噪声。", "It does not show the LSTM’s ceiling: no pretrained embeddings, one direction, few data, short lines. With more data order may be worth more. The labels come from a website and are noisy."),
    presets=(
        Preset("default", Bilingual("5600 条评论", "5,600 reviews"), {}),
        Preset("irony", Bilingual("一句反话", "Some irony"), {"own": "真是太好了，住一晚蚊子咬了三十个包。"}),
        Preset("negation", Bilingual("否定：没有什么不好", "Negation: nothing bad about it"), {"own": "没有什么不好的地方"}),
        Preset("few", Bilingual("只有 500 条", "Only 500 reviews"), {"limit": 500}),
        Preset("break", Bilingual("弄坏它：不丢弃，背 300 条", "Break it: no dropout, 300 lines by heart"), {"limit": 300, "dropout": 0, "steps": 500, "seeds": 1}),
    ),
    quick={"limit": 400, "steps": 20, "seeds": 1, "hidden": 8},
    seconds=200.0,
)
