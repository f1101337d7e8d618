"""Match reports into one line in plain PyTorch: an encoder–decoder with attention and one without.

Run:  python summarise.py               (the demo's defaults; a minute or so)
      python summarise.py language=en steps=500 seeds=1

Reports come from templates; every tenth match is held out in all its wordings. Prints one JSON line a metric: exact
match (greedy) and teacher-forced loss on held-out matches, medians over seeds. Needs torch only.
"""

import json
import statistics
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

PARAMS = {"language": "zh", "fillers": 3, "seeds": 3, "steps": 400, "lr": 0.015, "hidden": 64, "seed": 0}
BATCH, TESTED, PLACES, MOST_GOALS = 32, 200, 10, 5

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


def generator(*seed):
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def vocabulary(language):
    """Report words → 1 …; summary words, the first being padding."""
    names = [*TEAMS[language], *PLAYERS[language], *VENUES[language]]
    lines = [line for table in (OPENING, RESULT, DRAWN, STAR, FILLER) for line in table[language]]
    plain = sorted({word for line in lines for word in line.split() if "{" not in word})
    read = {word: k for k, word in enumerate([*names, *map(str, range(91)), *plain], 1)}
    said = sorted({word for line in SUMMARY[language] for word in line.split() if "{" not in word})
    goals = [str(n) for n in range(MOST_GOALS + 1)]
    return read, ["", *TEAMS[language], *PLAYERS[language], *goals, *said]


def draw_match(source, held):
    """(home, away, best player, goals, goals) of the held-out part or of the other."""
    while True:
        home, away, star = torch.randint(0, 10, (3,), generator=source).tolist()
        a, b = torch.randint(0, MOST_GOALS + 1, (2,), generator=source).tolist()
        number = (((home * 10 + away) * 10 + star) * 6 + a) * 6 + b
        if home != away and ((number * 7919 + number // 97) % 10 == 7) == held:
            return home, away, star, a, b


def pair(match, fillers, language, source):
    """The words of a report and of its summary."""

    def one(choices):
        return choices[int(torch.randint(0, len(choices), (1,), generator=source))]

    (home, away, star, a, b), teams, players = match, TEAMS[language], PLAYERS[language]
    first, second = (home, away) if a >= b else (away, home)
    facts = {"W": teams[first], "L": teams[second], "x": max(a, b), "y": min(a, b), "S": players[star]}
    both = [teams[home], teams[away]]
    sentences = [one((RESULT if a != b else DRAWN)[language]), one(STAR[language])]
    for _ in range(fillers):
        minute = int(torch.randint(6, 90, (1,), generator=source))
        sentences.append(one(FILLER[language]).format(P=one(players), T=one(both), M=minute))
    order = torch.randperm(len(sentences), generator=source).tolist()
    lines = " ".join([one(OPENING[language]), *(sentences[k] for k in order)])
    report = lines.format(A=both[0], B=both[1], V=one(VENUES[language]), **facts).split()
    return report, SUMMARY[language][a == b].format(**facts).split()


def batch_of(size, p, words, source, held):
    """Reports (B, S) padded with 0, their lengths, summaries (B, PLACES) padded with 0."""
    read, write = words
    rows, said = [], []
    for _ in range(size):
        match = draw_match(source, held)
        fillers = int(torch.randint(1, p["fillers"] + 1, (1,), generator=source))
        report, line = pair(match, fillers, p["language"], source)
        rows.append(torch.tensor([read[word] for word in report]))
        said.append([write.index(word) for word in line] + [0] * (PLACES - len(line)))
    x = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return x, torch.tensor([len(row) for row in rows]), torch.tensor(said)


class Model(nn.Module):
    def __init__(self, inputs, outputs, hidden, attention, source):
        super().__init__()
        self.attention, size = attention, max(2, hidden // 2)
        self.read = nn.Parameter(torch.randn(inputs, size, generator=source))
        self.write = nn.Parameter(torch.randn(outputs + 1, size, generator=source))
        self.encoder = nn.LSTM(size, hidden, batch_first=True)
        self.decoder = nn.LSTM(size, hidden, batch_first=True)
        self.head = nn.Linear(2 * hidden, outputs)
        with torch.no_grad():
            for layer in (self.encoder, self.decoder):
                for weight in layer.parameters():
                    weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)
                layer.bias_ih_l0[hidden : 2 * hidden] = 1.0  # forget bias 1: PyTorch adds two biases
                layer.bias_hh_l0[hidden : 2 * hidden] = 0.0
            for weight in self.head.parameters():
                weight.uniform_(-((2 * hidden) ** -0.5), (2 * hidden) ** -0.5, generator=source)

    def encode(self, x, lengths):
        packed = pack_padded_sequence(self.read[x], lengths, batch_first=True, enforce_sorted=False)
        memory, state = self.encoder(packed)
        return pad_packed_sequence(memory, batch_first=True, total_length=x.shape[1])[0], state

    def decode(self, tokens, state, memory, lengths):
        h, state = self.decoder(self.write[tokens], state)
        seen = torch.zeros_like(h)
        if self.attention:
            past = torch.arange(memory.shape[1]) >= lengths[:, None]
            likeness = (h @ memory.transpose(1, 2)).masked_fill(past[:, None], float("-inf"))
            seen = likeness.softmax(-1) @ memory
        return self.head(torch.cat([h, seen], -1)), state

    def loss(self, x, lengths, y):
        memory, state = self.encode(x, lengths)
        before = torch.cat([torch.zeros_like(y[:, :1]), y[:, :-1] + 1], 1)
        scores, _ = self.decode(before, state, memory, lengths)
        return nn.functional.cross_entropy(scores.flatten(0, 1), y.flatten())

    @torch.no_grad()
    def exact(self, x, lengths, y):
        memory, state = self.encode(x, lengths)
        now, said = torch.zeros(len(x), 1, dtype=torch.int64), []
        for _ in range(y.shape[1]):
            scores, state = self.decode(now, state, memory, lengths)
            said.append(scores.argmax(-1))
            now = said[-1] + 1
        return float((torch.cat(said, 1) == y).all(1).double().mean())


def train(p, attention, seed):
    """(exact match, loss) on held-out matches."""
    words, draws = vocabulary(p["language"]), generator(seed, 2)
    model = Model(len(words[0]) + 1, len(words[1]), p["hidden"], attention, generator(seed, 1))
    adam = torch.optim.Adam(model.parameters(), lr=p["lr"], fused=True)
    for step in range(p["steps"]):
        for group in adam.param_groups:
            group["lr"] = p["lr"] * (1.0 - 0.9 * step / p["steps"])
        adam.zero_grad(set_to_none=True)
        model.loss(*batch_of(BATCH, p, words, draws, False)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
    test = batch_of(TESTED, p, words, generator(seed, 3), True)
    with torch.no_grad():
        return model.exact(*test), float(model.loss(*test))


def main():
    p = dict(PARAMS)
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    for name, attention in (("attention", True), ("plain", False)):
        found = [train(p, attention, p["seed"] + k) for k in range(p["seeds"])]
        for k, metric in enumerate(("exact", "loss")):
            value = statistics.median(each[k] for each in found)
            print(json.dumps({"metric": f"{metric}_{name}", "value": value}))


if __name__ == "__main__":
    main()
