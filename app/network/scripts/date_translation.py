"""Dates into ISO 8601 in plain PyTorch: attention, none, and none but reading backwards.

Run:  python date_translation.py               (the demo's defaults; a minute or so)
      python date_translation.py seeds=1 steps=150

An LSTM encoder reads the text, an LSTM decoder writes ten symbols; every tenth day is held out. Prints one JSON line
a metric: exact match (greedy) and teacher-forced loss on held-out days, medians over seeds. Needs torch only.
"""

import datetime
import json
import statistics
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

PARAMS = {"language": "both", "seeds": 3, "steps": 400, "lr": 0.01, "hidden": 64, "seed": 0}
FIRST, DAYS, TENTH, OUT = datetime.date(1900, 1, 1), 73_049, 7, "0123456789-"
MONTHS = ["january", "february", "march", "april", "may", "june", "july"]
MONTHS += ["august", "september", "october", "november", "december"]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
NUMERALS = "〇一二三四五六七八九"
ALPHABET = sorted({*"0123456789, 年月日号公元星期，十theofstndrd", *NUMERALS, *"".join(MONTHS + WEEKDAYS)})
PLACE = {char: k + 1 for k, char in enumerate(ALPHABET)}  # 0 is padding


def zh(n):
    tens, ones = divmod(n, 10)
    return ("" if tens == 0 else ("" if tens == 1 else NUMERALS[tens]) + "十") + (
        NUMERALS[ones] if ones else ""
    )


def digits(n):
    return "".join(NUMERALS[int(digit)] for digit in str(n))


def th(n):
    return f"{n}" + ("th" if 10 < n % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th"))


SPELLINGS = {
    "zh": [
        lambda d: f"{d.year}年{d.month}月{d.day}日",
        lambda d: f"{digits(d.year)}年{zh(d.month)}月{zh(d.day)}日",
        lambda d: f"{digits(d.year)}年{zh(d.month)}月{zh(d.day)}号",
        lambda d: f"{d.year}年{d.month}月{d.day}号，星期{'一二三四五六日'[d.weekday()]}",
        lambda d: f"公元{d.year}年{zh(d.month)}月{zh(d.day)}日",
    ],
    "en": [
        lambda d: f"{MONTHS[d.month - 1]} {d.day}, {d.year}",
        lambda d: f"{d.day} {MONTHS[d.month - 1]} {d.year}",
        lambda d: f"{MONTHS[d.month - 1][:3]} {th(d.day)}, {d.year}",
        lambda d: f"{WEEKDAYS[d.weekday()]}, {d.day} {MONTHS[d.month - 1]} {d.year}",
        lambda d: f"the {th(d.day)} of {MONTHS[d.month - 1]} {d.year}",
    ],
}


def generator(*seed):
    """One stream of random numbers for each purpose."""
    mixed = 0
    for part in seed:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 25)
    return torch.Generator().manual_seed(mixed)


def batch_of(batch, language, source, held):
    """Texts (B, S) padded with 0, their lengths, ISO dates (B, 10)."""
    ways = (SPELLINGS["zh"] if language != "en" else []) + (SPELLINGS["en"] if language != "zh" else [])
    tens = torch.randint(0, DAYS // 10, (batch,), generator=source)
    ones = torch.randint(0, 9, (batch,), generator=source)
    way = torch.randint(0, len(ways), (batch,), generator=source).tolist()
    days = 10 * tens + (TENTH if held else torch.where(ones >= TENTH, ones + 1, ones))
    dates = [FIRST + datetime.timedelta(int(day)) for day in days]
    rows = [torch.tensor([PLACE[char] for char in ways[k](date)]) for k, date in zip(way, dates, strict=True)]
    y = torch.tensor([[OUT.index(char) for char in date.isoformat()] for date in dates])
    return nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows]), y


class Model(nn.Module):
    def __init__(self, hidden, attention, reverse, source):
        super().__init__()
        self.attention, self.reverse, size = attention, reverse, max(2, hidden // 2)
        self.read = nn.Parameter(torch.randn(len(ALPHABET) + 1, size, generator=source))
        self.write = nn.Parameter(torch.randn(len(OUT) + 1, size, generator=source))
        self.encoder = nn.LSTM(size, hidden, batch_first=True)
        self.decoder = nn.LSTM(size, hidden, batch_first=True)
        self.head = nn.Linear(2 * hidden, len(OUT))
        with torch.no_grad():
            for layer in (self.encoder, self.decoder):
                for weight in layer.parameters():
                    weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=source)
                layer.bias_ih_l0[hidden : 2 * hidden] = 1.0  # forget bias 1: PyTorch adds two biases
                layer.bias_hh_l0[hidden : 2 * hidden] = 0.0
            for weight in self.head.parameters():
                weight.uniform_(-((2 * hidden) ** -0.5), (2 * hidden) ** -0.5, generator=source)

    def encode(self, x, lengths):
        if self.reverse:
            place = torch.arange(x.shape[1])
            x = x.gather(1, torch.where(place < lengths[:, None], lengths[:, None] - 1 - place, place))
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


def train(p, attention, reverse, seed):
    """(exact match, loss) on held-out days."""
    model, draws = Model(p["hidden"], attention, reverse, generator(seed, 1)), generator(seed, 2)
    adam = torch.optim.Adam(model.parameters(), lr=p["lr"], fused=True)
    for step in range(p["steps"]):
        for group in adam.param_groups:
            group["lr"] = p["lr"] * (1.0 - 0.9 * step / p["steps"])
        adam.zero_grad(set_to_none=True)
        model.loss(*batch_of(32, p["language"], draws, False)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
    test = batch_of(300, p["language"], generator(seed, 3), True)
    with torch.no_grad():
        return model.exact(*test), float(model.loss(*test))


def main():
    p = dict(PARAMS)
    for argument in sys.argv[1:]:
        name, text = argument.split("=", 1)
        p[name] = type(p[name])(text)
    torch.set_num_threads(1)
    for name, attention, reverse in (
        ("attention", True, False),
        ("plain", False, False),
        ("backwards", False, True),
    ):
        found = [train(p, attention, reverse, p["seed"] + k) for k in range(p["seeds"])]
        for k, metric in enumerate(("exact", "loss")):
            value = statistics.median(each[k] for each in found)
            print(json.dumps({"metric": f"{metric}_{name}", "value": value}))


if __name__ == "__main__":
    main()
