"""What will the visitor do next? Counting and an LSTM on shop sessions whose best possible answer is known.

Sessions are drawn from a second-order chain; in the default world the action after a checkout depends on how the
visitor came, however long ago that was. Popularity, Markov models of order one and two, a model that counts exactly
what matters, an LSTM (after GRU4Rec, Hidasi et al. 2016) and the ceiling, by HR@1, HR@3 and MRR. That simple models
keep up when they look at the right thing: Ludewig & Jannach 2018.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import field_validator, model_validator

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
    from app.network.studies.actions import Score, Shop

FRAMES, NEAR, LEVEL = 30, 0.95, 0.01
WORK = 150_000  # T · steps · seeds that fit into the budget
Verdict = Literal["holds", "fails", "depends"]
NAMES = tuple(
    Bilingual(*pair)
    for pair in (
        ("广告", "ad"), ("搜索引擎", "engine"), ("好友链接", "friend"),  # entries
        ("搜索", "search"), ("商品", "item"), ("评论", "reviews"), ("加购", "cart"), ("结算", "checkout"),
        ("领券", "coupon"), ("付款", "pay"), ("分享", "share"),
    )
)  # fmt: skip
ENTRIES = 3  # as app.network.studies.actions has it
MODELS = {
    "popularity": Bilingual("流行度", "popularity"),
    "markov1": Bilingual("一阶马尔可夫", "Markov, order 1"),
    "markov2": Bilingual("二阶马尔可夫", "Markov, order 2"),
    "right": Bilingual("计数，看对了变量：入口 + 前两步", "counting the right thing: entry + last two"),
    "lstm": Bilingual("LSTM", "LSTM"),
    "oracle": Bilingual("上限（真实的链）", "ceiling (the true chain)"),
}
_KNOWN = {word: token for token, pair in enumerate(NAMES) for word in pair}


class NextActionParams(TrainedParams):
    """The world, the training and a session of one's own."""

    world: Literal["long", "order2"] = param(
        "long", "结算之后做什么", "What follows a checkout",
        choices={
            "long": Bilingual("由入口决定", "the entry decides"),
            "order2": Bilingual("由前两步决定", "the last two steps decide"),
        },
    )  # fmt: skip
    order: Literal["kept", "shuffled"] = param(
        "kept", "训练会话内的次序", "Order within training sessions",
        choices={"kept": Bilingual("保持原样", "as they happened"), "shuffled": Bilingual("打乱", "shuffled at random")},
    )  # fmt: skip
    sessions: int = param(2000, "训练会话数", "Training sessions", ge=50, le=4000)
    T: int = param(20, "每次会话的动作数", "Actions in a session", ge=5, le=40)
    steps: int = param(240, "训练步数", "Training steps", ge=20, le=800)
    seeds: int = param(3, "种子个数", "Seeds", ge=1, le=5)
    hidden: int = param(32, "隐藏单元数", "Hidden units", ge=4, le=64)
    lr: float = param(0.02, "学习率", "Learning rate", ge=0.0001, le=0.2)
    session: str = param(
        "ad search item reviews item cart checkout", "你的会话", "Your session", max_length=200, widget="lines",
        help=Bilingual(
            f"先写入口（{'、'.join(n.zh for n in NAMES[:ENTRIES])}），再写动作（{'、'.join(n.zh for n in NAMES[ENTRIES:])}），用空格隔开",
            f"an entry ({', '.join(n.en for n in NAMES[:ENTRIES])}), then actions ({', '.join(n.en for n in NAMES[ENTRIES:])}), with spaces between",
        ),
    )  # fmt: skip

    @field_validator("session")
    @classmethod
    def _known(cls, text: str) -> str:
        words = [word for word in re.split(r"[\s,，、>→]+", text.strip().lower()) if word]
        for word in words:
            if word not in _KNOWN:
                raise ValueError(f"session：不认识“{word}” | session: ‘{word}’ is not known")
        if not 2 <= len(words) <= 40:
            raise ValueError("session：要有 2 到 40 个词 | session: 2 to 40 words are needed")
        if _KNOWN[words[0]] >= ENTRIES or any(_KNOWN[word] < ENTRIES for word in words[1:]):
            raise ValueError(
                "session：须以一个入口开头，其后都是动作 | session: one entry first, then actions only"
            )
        return " ".join(words)

    @model_validator(mode="after")
    def _bounded(self) -> NextActionParams:
        if self.T * self.steps * self.seeds > WORK:
            raise ValueError(f"T × steps × seeds 最多 {WORK:,} | T × steps × seeds must be at most {WORK:,}")
        return self


def train(params: NextActionParams) -> Training:
    """Seed by seed: a world and its sessions, counted at once, then learnt by the LSTM."""
    from app.network.studies.actions import MODELS as models
    from app.network.studies.actions import Shop

    yield Started(demo=demo.slug, params=params.model_dump())
    own = [_KNOWN[word] for word in params.session.split()]
    tokens = [f"{NAMES[token].zh} {NAMES[token].en}" for token in own]
    shops: list[Shop] = []
    scores: list[dict[str, Score]] = []
    for place in range(params.seeds):
        shop = Shop(
            params.world, count=params.sessions, length=params.T, hidden=params.hidden, lr=params.lr,
            mixed=params.order == "shuffled", seed=params.seed + place, own=own,
        )  # fmt: skip
        shops.append(shop)
        counted = {model: shop.score(model) for model in models if model != "lstm"}
        if place == 0:
            for model, score in counted.items():
                for x in (0.0, float(params.steps)):
                    yield Scalar(panel="hr", series=model, x=x, y=score.hr1)
        frames = frozenset(shown_steps(params.steps, FRAMES) if place == 0 else ())
        reached: int | None = None
        for moment in shop.train(params.steps, frames):
            if moment.hr1 is not None:
                if reached is None and moment.hr1 >= NEAR * counted["oracle"].hr1:
                    reached = moment.step
                if place == 0:
                    yield Scalar(panel="hr", series="lstm", x=float(moment.step), y=moment.hr1)
                yield Progress(done=place * params.steps + moment.step, total=params.seeds * params.steps)
            if moment.frame is not None:
                trace, ruler = moment.frame
                yield gates_event("gates", trace, moment.step, tokens, ruler=ruler)
        scores.append(counted | {"lstm": shop.score("lstm")})
        yield from _strip(params, scores[-1], params.seed + place, reached)
        yield _table(scores)
        if place == 0:
            yield _own(shop)
    yield from _verdicts(scores)
    yield Finished()
    return shops[0].subject([f"{name.zh} {name.en}" for name in NAMES[ENTRIES:]], tokens)


def _strip(
    params: NextActionParams, scores: dict[str, Score], seed: int, reached: int | None
) -> Iterator[AnyEvent]:
    """Who comes within 95 % of the ceiling; counting needs no training steps."""
    for model in MODELS:
        if model != "oracle":
            near = scores[model].hr1 >= NEAR * scores["oracle"].hr1
            step = (reached or params.steps) if model == "lstm" else 0
            met = Bilingual("达到", "reached") if near else Bilingual("未达到", "not reached")
            yield Seed(
                panel="strip", lane=model, seed=seed, solved=near, step=step, value=scores[model].hr1,
                said=None if model == "lstm" else met,
            )  # fmt: skip


def _mean(scores: list[dict[str, Score]], model: str, field: str) -> float | None:
    """The mean over seeds; None where no seed has a number."""
    values = [value for score in scores if math.isfinite(value := getattr(score[model], field))]
    return sum(values) / len(values) if values else None


def _table(scores: list[dict[str, Score]]) -> Table:
    return Table(
        panel="table",
        columns=[
            Bilingual("模型", "model"),
            *(Bilingual(name, name) for name in ("HR@1", "HR@3", "MRR")),
            Bilingual("结算之后的 HR@1", "HR@1 after a checkout"),
        ],
        rows=[
            [title] + [_mean(scores, model, field) for field in ("hr1", "hr3", "mrr", "after")]
            for model, title in MODELS.items()
        ],
        step=len(scores),
        caption=Bilingual(
            f"{len(scores)} 个种子的平均，每个种子 500 个没见过的会话。在 8 个动作里排名，并列算输。",
            f"Mean over {len(scores)} seeds of 500 unseen sessions each. Ranked among all 8 actions; a tie counts against the model.",
        ),
    )


def _own(shop: Shop) -> Table:
    rows: list[list[Cell]] = []
    for model, title in MODELS.items():
        chances = shop.own(model)
        best = sorted(range(len(chances)), key=lambda k: -chances[k])[:3]
        names = [(NAMES[ENTRIES + k], chances[k]) for k in best]
        cells = [Bilingual(f"{name.zh} {p:.2f}", f"{name.en} {p:.2f}") for name, p in names]
        rows.append([title, *cells])
    return Table(
        panel="own",
        columns=[
            Bilingual(*words)
            for words in (("模型", "model"), ("第一", "first"), ("第二", "second"), ("第三", "third"))
        ],
        rows=rows,
        caption=Bilingual(
            "读完你的会话之后，最可能的三个下一步和各自的概率（第一个种子的世界）。",
            "The three likeliest next actions after your session, with their probabilities (in the first seed’s world).",
        ),
    )


def _verdicts(scores: list[dict[str, Score]]) -> Iterator[AnyEvent]:
    n = len(scores)
    for model in MODELS:
        for field in ("hr1", "hr3", "mrr"):
            yield Metric(name=f"{field}_{model}", value=_mean(scores, model, field))
    yield Metric(name="after_checkout_lstm", value=_mean(scores, "lstm", "after"))
    yield Metric(name="after_checkout_markov2", value=_mean(scores, "markov2", "after"))
    ratios = [score["lstm"].hr1 / score["oracle"].hr1 for score in scores]
    near = sum(ratio >= NEAR for ratio in ratios)
    yield Metric(
        name="hr1_lstm / hr1_oracle", value=sum(ratios) / n, claim="predict", solved=near, seeds=n,
        verdict=all_some_none(near, n),
    )  # fmt: skip
    ahead = [score["lstm"].hr1 - score["markov2"].hr1 for score in scores]
    better = sum(gap > LEVEL for gap in ahead)
    yield Metric(
        name="hr1_lstm − hr1_markov2", value=sum(ahead) / n, claim="beyond", solved=better, seeds=n,
        verdict=all_some_none(better, n),
    )  # fmt: skip
    behind = [score["right"].hr1 - score["lstm"].hr1 for score in scores]
    level = sum(gap >= -LEVEL for gap in behind)
    yield Metric(
        name="hr1_right − hr1_lstm", value=sum(behind) / n, claim="simple", solved=level, seeds=n,
        verdict=all_some_none(level, n),
    )  # fmt: skip


def all_some_none(count: int, of: int) -> Verdict:
    """The verdict on a claim that is meant for every seed."""
    return "holds" if count == of else "fails" if count == 0 else "depends"


FRIEND = {"session": "friend search item reviews item cart checkout"}

# fmt: off
demo = Demo(
    slug="next-action",
    title=Bilingual("下一步会做什么", "The next action"),
    summary=Bilingual("购物会话里的下一步：流行度、一阶和二阶马尔可夫、看对了变量的计数、LSTM，还有已知的上限。写一段你自己的会话，看看换掉入口之后谁会改口。", "The next step of a shop session: popularity, Markov models of order one and two, counting of the right thing, an LSTM, and the known ceiling. Write a session of your own and see whose answer changes with the entry."),
    params=NextActionParams,
    run=surgical(train),
    panels=(
        Panel("hr", "curves", Bilingual("HR@1，没见过的会话（第一个种子）", "HR@1 on unseen sessions (first seed)"),
            note=Bilingual("虚线都是数出来的，不用训练；最高的那条是上限。看 LSTM 先追上一阶、再追上二阶，最后停在“看对了变量的计数”旁边。", "All dashed lines are counted, without training; the highest is the ceiling. Watch the LSTM pass order one, then order two, and settle beside the counting of the right thing."),
            x=Bilingual("训练步", "training step"),
            y=Bilingual("HR@1", "HR@1"),
            series=tuple(Series(key, title, baseline=key != "lstm") for key, title in MODELS.items()),
        ),
        Panel("table", "table", Bilingual("六个模型，三种指标", "Six models, three metrics")),
        Panel("own", "table", Bilingual("你的会话：接下来呢", "Your session: what next?"),
            note=Bilingual("把开头的“广告”换成“好友链接”再跑一次：二阶马尔可夫的答案一字不变，LSTM 的变了。", "Change the ‘ad’ at the start to ‘friend’ and run again: order-two Markov answers just the same, the LSTM does not."),
        ),
        Panel("gates", "gates", Bilingual("读你的会话时的门，训练中", "Gates on your session while it trains"),
            note=Bilingual("入口只在第一步出现，结算时却要用到。找细胞状态 c 里从第一步起几乎不变的单元：记住入口的就是它们；把它们的遗忘门在中途钳到 0，再看答案。", "The entry appears at step one and is needed at the checkout. Look for units whose cell state c hardly changes from step one on: they keep the entry. Hold their forget gate at 0 half-way and see the answer."),
        ),
        Panel("strip", "seeds", Bilingual("每个种子：HR@1 达到上限的 95 % 吗", "Every seed: HR@1 within 95 % of the ceiling?"),
            note=Bilingual("计数不用训练，只说达到没有。", "Counting needs no training steps, so its cells only say whether it got there."),
            series=tuple(Series(key, title) for key, title in MODELS.items() if key != "oracle"),
        ),
    ),
    claims=(
        Claim("predict", Bilingual("LSTM 学到序列的时间依赖，能预测用户的下一步", "An LSTM learns the dependencies of a sequence and predicts the user’s next action"),
            Bilingual("GRU4Rec 用循环网络读整个会话（用的是 GRU）", "GRU4Rec reads the whole session with a recurrent network (a GRU)"),
            "S50",
            measured=Bilingual("LSTM 的 HR@1 与上限之比", "the LSTM’s HR@1 over the ceiling’s"),
        ),
        Claim("beyond", Bilingual("LSTM 胜过只看前两步的马尔可夫模型", "It beats a Markov model that sees two steps"),
            Bilingual("循环网络用上整个会话，而不只是最后一次点击", "Recurrent networks use the whole session rather than the last click"),
            "S50",
            measured=Bilingual("HR@1 比二阶马尔可夫高出", "HR@1, LSTM minus order-two Markov"),
        ),
        Claim("simple", Bilingual("看对了变量的简单模型与 LSTM 不相上下", "A simple model that sees the right thing is level with it"),
            Bilingual("简单的近邻方法常与神经网络持平或更好", "Simple nearest-neighbour methods are often level with neural ones, or better"),
            "S51",
            measured=Bilingual("简单模型的 HR@1 比 LSTM 高出", "HR@1, simple model minus LSTM"),
        ),
    ),
    questions=(27,),
    proves=Bilingual("没有人告诉它，LSTM 就找到了规律，连隔了很久的入口也用上了，HR@1 贴近上限；只看前两步的模型在结算之后猜不准。但数对了变量的简单模型一样好：没有它作基线，LSTM 的分数说明不了什么。", "Nobody tells the LSTM the rule; it finds it, the long-past entry included, and comes close to the ceiling in HR@1; a model of the last two steps misses what follows a checkout. Yet counting the right thing does just as well: without it as a baseline the LSTM’s score means little."),
    not_proves=Bilingual("数据是从一条已知的链里抽的，动作之间的习惯随种子而定，不像真的顾客。“看对了变量”在这里是因为我们知道答案；在真实数据上，找到该看什么正是难处。八个动作也说不清百万商品的情形。", "The data come from a known chain whose habits are drawn with the seed; they are not real customers. ‘The right thing’ is known here because we made it; on real data finding it is the hard part. And eight actions say little about a million items."),
    presets=(
        Preset("default", Bilingual("入口决定结局", "The entry decides"), {}),
        Preset("friend", Bilingual("换个入口：好友链接", "Another entry: a friend’s link"), FRIEND),
        Preset("order2", Bilingual("只看前两步的世界", "A world of two steps"), {"world": "order2"}),
        Preset("few", Bilingual("只有 100 个会话", "Only 100 sessions"), {"sessions": 100}),
        Preset("break", Bilingual("弄坏它：打乱训练会话", "Break it: shuffle the sessions"), {"order": "shuffled"}),
    ),
    quick={"sessions": 200, "T": 10, "steps": 40, "seeds": 1, "hidden": 8},
    seconds=150.0,
)
