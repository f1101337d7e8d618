"""Match reports from templates into one line, by an encoder–decoder with attention and one without.

A report names the teams, the venue, filler events and, somewhere, the result and its best player; the summary says who
beat whom, by how much, and who shone. Reports differ in the number of filler sentences, so length can grow past what
was trained on. A fixed vector as bottleneck: Bahdanau, Cho & Bengio (2015); See, Liu & Manning (2017) on what such
summaries get wrong. Every tenth combination of teams, goals and player is held out, in all its wordings.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from app.network.ruler import memory_ruler
from app.network.studies.seq2seq import Pairs, Seq2Seq, padded
from app.network.surgery import Answer, Subject
from app.network.trace import Trace
from app.network.train import generator

Language = Literal["zh", "en"]
LANES = ("attention", "plain")
BATCH, TESTED, SOLVED, TENTH, FEWEST = 32, 200, 0.9, 7, 1
PLACES, MOST_GOALS = 10, 5  # words of the longest summary

# fmt: off
TEAMS = {
    "en": ["reds", "blues", "lions", "wolves", "rovers", "hawks", "giants", "sharks", "tigers", "bears"],
    "zh": ["红队", "蓝队", "雄狮", "野狼", "流浪者", "山鹰", "巨人", "鲨鱼", "猛虎", "黑熊"],
}
PLAYERS = {
    "en": ["miller", "smith", "jones", "brown", "taylor", "clark", "evans", "hall", "wood", "king"],
    "zh": ["张伟", "王强", "李明", "刘洋", "陈杰", "杨磊", "赵刚", "周涛", "吴勇", "徐亮"],
}
VENUES = {
    "en": ["riverside", "hillside", "parkside", "lakeside"],
    "zh": ["河滨球场", "山麓球场", "公园球场", "湖畔球场"],
}
# {A} home, {B} away, {W} winner with {x} goals, {L} loser with {y}, {S} best player, {V} venue; in fillers {P} is any
# player, {T} either team, {M} a minute. The words that single out S stand before it: the encoder reads forward only.
OPENING = {
    "en": ["{A} hosted {B} at {V} .", "at {V} , {A} met {B} .", "{B} visited {A} at {V} ."],
    "zh": ["{A} 在 {V} 迎战 {B} 。", "{V} ， {A} 主场 对阵 {B} 。", "{B} 做客 {V} 挑战 {A} 。"],
}
RESULT = {
    "en": ["{W} beat {L} {x} to {y} .", "the score was {x} : {y} for {W} against {L} .",
           "{L} went down {y} to {x} against {W} ."],
    "zh": ["{W} 以 {x} 比 {y} 击败 {L} 。", "比分 {x} ： {y} ， {W} 胜 {L} 。", "{L} 以 {y} 比 {x} 不敌 {W} 。"],
}
DRAWN = {
    "en": ["{W} and {L} drew {x} to {y} .", "{x} : {y} , neither {W} nor {L} won ."],
    "zh": ["{W} 和 {L} {x} 比 {y} 握手言和 。", "{x} ： {y} ， {W} 与 {L} 不分胜负 。"],
}
STAR = {
    "en": ["best on the pitch was {S} .", "the prize went to {S} .", "everybody praised {S} ."],
    "zh": ["全场 最佳 是 {S} 。", "最佳 球员 奖 归 {S} 。", "人人 称赞 {S} 。"],
}
FILLER = {
    "en": [
        "{P} shot wide after {M} minutes .", "the keeper of {T} saved from {P} .", "{P} of {T} saw yellow .",
        "the crowd of {T} sang .", "rain fell on the pitch .", "{T} won a corner after {M} minutes .",
        "{P} limped off after {M} minutes .",
    ],
    "zh": [
        "第 {M} 分钟 {P} 射门 偏出 。", "{T} 门将 扑出 {P} 的 射门 。", "{T} 的 {P} 吃到 黄牌 。",
        "{T} 球迷 高歌 。", "场上 下起 雨 。", "第 {M} 分钟 {T} 获得 角球 。", "第 {M} 分钟 {P} 受伤 下场 。",
    ],
}
SUMMARY = {
    "en": ("{W} beat {L} {x} - {y} , {S} shone", "{W} and {L} drew {x} - {y} , {S} shone"),
    "zh": ("{W} {x} - {y} 击败 {L} ， {S} 最佳", "{W} {x} - {y} 战平 {L} ， {S} 最佳"),
}
# fmt: on


class Match(NamedTuple):
    """Indexes of home, away and best player, and the goals of either side."""

    home: int
    away: int
    star: int
    goals: tuple[int, int]


class Vocabulary(NamedTuple):
    """Words of reports (from 1 on; 0 is padding) and of summaries (0 is padding behind a short one)."""

    read: dict[str, int]
    write: list[str]


class Translation(NamedTuple):
    """A summary and, with attention, its weights (N, S)."""

    said: list[str]
    attention: npt.NDArray[Any]


class Moment(NamedTuple):
    """After `step` updates of both lanes; `measured` where accuracies are new, a frame where one is due."""

    step: int
    measured: bool
    frame: tuple[Trace, Any, Translation] | None


@dataclass
class Lane:
    """One model: exact match and loss on held-out matches, by length at the end, and when it first reached SOLVED."""

    name: str
    model: Seq2Seq
    exact: float = 0.0
    loss: float = 0.0
    solved_at: int | None = None
    by_length: dict[int, float] = field(default_factory=dict)


@functools.cache
def vocabulary(language: Language) -> Vocabulary:
    """All words that any report or summary of a language can hold, in a fixed order."""
    names = [*TEAMS[language], *PLAYERS[language], *VENUES[language]]
    numbers = [str(n) for n in range(91)]
    lines = [*OPENING[language], *RESULT[language], *DRAWN[language], *STAR[language], *FILLER[language]]
    plain = sorted({word for line in lines for word in line.split() if "{" not in word})
    read = {word: k for k, word in enumerate([*names, *numbers, *plain], 1)}
    said = sorted({word for line in SUMMARY[language] for word in line.split() if "{" not in word})
    goals = [str(n) for n in range(MOST_GOALS + 1)]
    return Vocabulary(read, ["", *TEAMS[language], *PLAYERS[language], *goals, *said])


def is_held_out(match: Match) -> bool:
    """Whether training never sees a match of these teams, goals and best player."""
    number = match.home
    for part, base in ((match.away, 10), (match.star, 10), (match.goals[0], 6), (match.goals[1], 6)):
        number = number * base + part
    return (number * 7919 + number // 97) % 10 == TENTH


def draw_match(source: torch.Generator, *, held: bool) -> Match:
    """A match of the held-out part or of the other."""
    while True:
        home, away, star = torch.randint(0, 10, (3,), generator=source).tolist()
        a, b = torch.randint(0, MOST_GOALS + 1, (2,), generator=source).tolist()
        match = Match(home, away, star, (a, b))
        if home != away and is_held_out(match) == held:
            return match


def report(match: Match, fillers: int, language: Language, source: torch.Generator) -> list[str]:
    """The words of a report: opening, then result, best player and `fillers` more sentences in any order."""

    def one(choices: list[str]) -> str:
        return choices[int(torch.randint(0, len(choices), (1,), generator=source))]

    teams, players = TEAMS[language], PLAYERS[language]
    both = [teams[match.home], teams[match.away]]
    sentences = [one((RESULT if match.goals[0] != match.goals[1] else DRAWN)[language]), one(STAR[language])]
    for _ in range(fillers):
        minute = int(torch.randint(6, 90, (1,), generator=source))
        sentences.append(one(FILLER[language]).format(P=one(players), T=one(both), M=minute))
    order = torch.randperm(len(sentences), generator=source).tolist()
    lines = [one(OPENING[language]), *(sentences[k] for k in order)]
    return (
        " ".join(lines)
        .format(A=both[0], B=both[1], V=one(VENUES[language]), **facts(match, language))
        .split()
    )


def facts(match: Match, language: Language) -> dict[str, str]:
    """Winner W and loser L (home and away where drawn), their goals x and y, best player S."""
    (a, b), teams = match.goals, TEAMS[language]
    first, second = (match.home, match.away) if a >= b else (match.away, match.home)
    return {
        "W": teams[first], "L": teams[second], "x": str(max(a, b)), "y": str(min(a, b)),
        "S": PLAYERS[language][match.star],
    }  # fmt: skip


def summary(match: Match, language: Language) -> list[str]:
    """The words of the summary, the winner first; at most PLACES."""
    line = SUMMARY[language][match.goals[0] == match.goals[1]]
    return line.format(**facts(match, language)).split()


def encode(texts: list[list[str]], said: list[list[str]], language: Language) -> Pairs:
    """Reports and their summaries as numbers of words."""
    words = vocabulary(language)
    x, lengths = padded([[words.read[word] for word in text] for text in texts])
    rows = [[words.write.index(word) for word in line] for line in said]
    return Pairs(x, lengths, torch.tensor([row + [0] * (PLACES - len(row)) for row in rows]))


def batch(size: int, fillers: range, language: Language, source: torch.Generator, *, held: bool) -> Pairs:
    """Reports of one part, each with a number of fillers drawn from the range."""
    texts, said = [], []
    for _ in range(size):
        match = draw_match(source, held=held)
        count = int(torch.randint(fillers.start, fillers.stop, (1,), generator=source))
        texts.append(report(match, count, language, source))
        said.append(summary(match, language))
    return encode(texts, said, language)


@functools.lru_cache(maxsize=64)
def held_out(size: int, fillers: range, language: Language, *seed: int) -> Pairs:
    """Matches that training never sees; kept, since most are drawn in vain and each lane and run asks for the same."""
    return batch(size, fillers, language, generator(*seed), held=True)


class Reports:
    """Both lanes of one seed on the same batches; trained on FEWEST … `fillers` filler sentences."""

    def __init__(
        self, *, language: Language, fillers: int, shown: int, hidden: int, lr: float, seed: int
    ) -> None:
        self._language, self._range, self._seed = language, range(FEWEST, fillers + 1), seed
        self._words, self._draws = vocabulary(language), generator(seed, 2)
        self.lanes = [
            Lane(
                name,
                Seq2Seq(
                    len(self._words.read) + 1, len(self._words.write), hidden=hidden, lr=lr,
                    attention=name == "attention", reverse=False, source=generator(seed, 1),
                ),
            )
            for name in LANES
        ]  # fmt: skip
        self.test = held_out(TESTED, self._range, language, seed, 3)
        source = generator(seed, 4)
        match = draw_match(source, held=True)
        self.tokens = report(match, shown, language, source)
        self.truth = summary(match, language)
        self._own = encode([self.tokens], [self.truth], language)

    def run(self, limit: int, measures: frozenset[int], frames: frozenset[int]) -> Iterator[Moment]:
        """`limit` updates; the learning rate falls linearly to a tenth."""
        for step in range(1, limit + 1):
            pairs = batch(BATCH, self._range, self._language, self._draws, held=False)
            for lane in self.lanes:
                lane.model.learn(pairs, 1.0 - 0.9 * (step - 1) / limit)
            measured = step in measures or step == limit
            if measured:
                for lane in self.lanes:
                    lane.exact, lane.loss = lane.model.exact(self.test), lane.model.loss(self.test)
                    if lane.exact >= SOLVED and lane.solved_at is None:
                        lane.solved_at = step
            yield Moment(step, measured, self._frame() if step in frames else None)

    def lengths(self, counts: tuple[int, ...]) -> None:
        """Measure exact match of every lane on unseen matches with exactly so many fillers each."""
        for count in counts:
            test = held_out(100, range(count, count + 1), self._language, self._seed, 5, count)
            for lane in self.lanes:
                lane.by_length[count] = lane.model.exact(test)

    def guess(self) -> float:
        """The chance of an exact match for whoever knows the form and guesses teams, goals and player."""
        return 1.0 / (90 * 10 * (MOST_GOALS + 1) ** 2)

    def slips(self) -> dict[str, int]:
        """Wrong words of the lane without attention on held-out reports: those that state facts, and the others."""
        model = self.lanes[LANES.index("plain")].model
        said = model.greedy(self.test.x, self.test.lengths, PLACES).said
        language, words = self._language, self._words.write
        known = {*TEAMS[language], *PLAYERS[language], *(str(n) for n in range(MOST_GOALS + 1))}
        is_fact = torch.tensor([word in known for word in words])[self.test.y]
        wrong = said != self.test.y
        return {"facts": int((wrong & is_fact).sum()), "form": int((wrong & ~is_fact).sum())}

    def _frame(self) -> tuple[Trace, Any, Translation]:
        model = self.lanes[0].model
        with torch.no_grad():
            x = model.embed(self._own.x, self._own.lengths)
            _, _, trace = model.encoder(x)
        return trace, memory_ruler(model.encoder, x), self.own("attention")

    def own(self, name: str) -> Translation:
        """What a lane makes of the report that is shown."""
        model = self.lanes[LANES.index(name)].model
        said, weights = model.greedy(self._own.x, self._own.lengths, PLACES)
        looked = np.zeros((0, 0)) if weights is None else np.asarray(weights[0].double())
        return Translation([self._words.write[k] for k in said[0].tolist()], looked)

    def subject(self) -> Subject:
        """The attention lane's encoder on the report that is shown."""
        model, own = self.lanes[0].model, self._own
        x = model.embed(own.x, own.lengths).detach()
        return Subject(model.encoder, x, self.tokens, partial(_answer, model, own, self.truth))


def _answer(
    model: Seq2Seq, own: Pairs, truth: list[str], output: Tensor, state: tuple[Tensor, Tensor]
) -> Answer:
    scores = model.forced(output, state, own.y, own.lengths)[0]
    chances = scores.softmax(-1)[torch.arange(own.y.shape[1]), own.y[0]].tolist()
    loss = float(nn.functional.cross_entropy(scores, own.y[0]))
    rows = [(f"P({word}) [{k}]", p) for k, (word, p) in enumerate(zip(truth, chances, strict=False), 1)]
    return Answer(loss, rows)
