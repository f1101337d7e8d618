"""Which key points a spoken answer seems to contain: a suggestion with its evidence, never a mark.

Writing first and then ticking each idea against the evidence makes self-marking reliable
(Dunlosky et al. 2011; Sanchez et al. 2017), so the learner confirms every tick. A phrasing counts
where it stands in the answer, whatever its inflections and little words, and its clause does not
negate it: similarity measures miss negation.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from app.content import KeyPoint

_CLAUSE_END = re.compile(
    r"[。！？!?；;\n]|[.](?=\s|$)|(?<=[一-鿿])[，,]|，|[，,](?=(?:但|而|却|所以|因此))"
    r"|,(?=\s*(?:but|yet|so|while|whereas|which|because|since|instead|it|they|there|you|we|i|the|that|this|(?:and|then) (?:it|they|you|we|i|there|the))\b)"
)
_ZH_NOT = re.compile(
    r"误以为|误认为|错以为|谈不上|不|没|无法|无(?!论|界|穷|限|关紧要|非)|未(?!来|知|必)|并非|绝非|非(?=[^常线])|(?<![区识类特分级性差辨判个])别|勿|难以|避免不了"
)
# "not only", "不仅", "不断" and the like contain a negator and negate nothing.
_ZH_HARMLESS = re.compile(
    r"不仅|不但|不只|不光|不断|不同|不过|不少|不论|不管(?=[^，。]{0,8}(?:多|怎|如何|是不是|是否|什么|哪))|不妨|不等|差不多|没错|不难|不得不|不可避免"
    r"|不一样|不平衡|不均衡|不够的话|不行的话|不然|要不|别忘|除非"
)
_EN_NOT = re.compile(
    r"\b(?:not|no|never|cannot|can't|don't|doesn't|didn't|isn't|aren't|won't|wouldn't|haven't|hasn't|nobody|nor|neither|without|hardly|fails? to|"
    r"unable to|instead of|rather than|contrary to|(?:myth|wrong|false|untrue|incorrect|mistaken|nonsense) (?:that|to say|to think|to believe))\b"
)
_EN_HARMLESS = re.compile(
    r"\bnot (?:only|just|merely|necessarily only)\b|\bno (?:longer than|more than|matter|doubt)\b|\bwithout (?:doubt|question)\b"
)
_DENIED_AFTER = re.compile(
    r"^[^。！？!?；;]{0,12}?(?:是错的|是错误的|不对|不成立|是误解|是误区|不正确|说法有误|没有道理|没有必要|不是它的事)|"
    r"^[^.!?;]{0,40}?\b(?:(?:is|are|was) (?:wrong|false|incorrect|a myth|not true|not right|not needed|a misconception|untrue|unnecessary)|isn't (?:needed|necessary|true|right))\b"
)
# Words that carry no idea: "keeps its direction" and "keeps the direction" say the same.
_EN_LITTLE = frozenset(
    re.findall(
        r"\w+",
        "a an the its it their this that these those of to so then just really very also does do your our my",
    )
)
_ZH_LITTLE = frozenset("的了地得着就都也很会在把被那这其它")
_SUFFIXES = ("ations", "ation", "ings", "ing", "edly", "ed", "ies", "es", "s", "ly", "e")
_DROPPED = set('$*`“”"')
_WORD = re.compile(r"[a-z0-9']+|[^a-z0-9'\s]")
_GAP = 40  # characters that a "…" of a phrasing may stand for
_BETWEEN = r"((?:(?![。！？!?；;\n]|[.](?=\s|$)).){0,%d}?)" % _GAP  # noqa: UP031 - the pattern is full of braces
_ZH_REACH, _EN_REACH = 8, 32  # characters before a phrase in which a negator still governs it


@dataclass(frozen=True)
class Suggestion:
    """Whether point `index` seems said, and where: [start, end) in the answer, None where nothing was found."""

    index: int
    said: bool
    evidence: tuple[int, int] | None
    negated: bool = False


def suggest(answer: str, points: Sequence[KeyPoint]) -> list[Suggestion]:
    """One suggestion for each key point, in their order."""
    folded = _Folded(answer)
    return [_look(index, point, folded) for index, point in enumerate(points)]


def score(points: Sequence[KeyPoint], ticked: Sequence[int]) -> float:
    """Share of the weight that was ticked, in [0, 1]. Unknown indexes raise ValueError."""
    for index in ticked:
        if not 0 <= index < len(points):
            raise ValueError(f"point {index}")
    total = sum(point.weight for point in points)
    return sum(points[index].weight for index in set(ticked)) / total if total else 0.0


def _look(index: int, point: KeyPoint, answer: _Folded) -> Suggestion:
    refused: tuple[int, int] | None = None
    for phrasing in (point.text, *point.phrasings):
        for found in _occurrences(answer.text, phrasing):
            evidence = answer.original(found.start(), found.end())
            if not _negated(answer, found):
                return Suggestion(index, True, evidence)
            refused = refused or evidence
    return Suggestion(index, False, refused, negated=refused is not None)


def _occurrences(folded: str, phrasing: str) -> list[re.Match[str]]:
    """Where a phrasing stands; "…" in it spans up to _GAP characters of one sentence, which are groups."""
    pieces = [_pattern(_Folded(piece).text) for piece in phrasing.split("…")]
    return list(re.finditer(_BETWEEN.join(pieces), folded)) if all(pieces) else []


@functools.lru_cache(maxsize=20_000)
def _pattern(phrase: str) -> str:
    """A regular expression for a folded phrase at word bounds."""
    if not phrase:
        return ""
    left = r"(?<![a-z0-9])" if phrase[0].isascii() and phrase[0].isalnum() else ""
    right = r"(?![a-z0-9])" if phrase[-1].isascii() and phrase[-1].isalnum() else ""
    return left + re.escape(phrase) + right


def _negated(answer: _Folded, found: re.Match[str]) -> bool:
    """Whether the clause denies what was found; negators that belong to the phrasing itself do not count."""
    text = answer.plain
    start, end = answer.place(found.start()), answer.place(found.end() - 1) + 1
    begin = max((clause.end() for clause in _CLAUSE_END.finditer(text, 0, start)), default=0)
    before = text[begin:start]
    count = _negators(_ZH_HARMLESS.sub("", before)[-_ZH_REACH:], _EN_HARMLESS.sub("", before)[-_EN_REACH:])
    for group in range(1, len(found.groups()) + 1):
        gap = text[answer.place(found.start(group)) : answer.place(found.end(group))]
        count += _negators(_ZH_HARMLESS.sub("", gap), _EN_HARMLESS.sub("", gap))
    return count % 2 == 1 or _DENIED_AFTER.search(text[end : end + 60]) is not None


def _negators(zh: str, en: str) -> int:
    return len(_ZH_NOT.findall(zh)) + len(_EN_NOT.findall(en))


class _Folded:
    """A text twice: `plain`, normalised but with every word, and `text`, folded to what carries ideas."""

    def __init__(self, text: str) -> None:
        self.plain, self._where = _normalise(text)
        self.text, self._place = _fold(self.plain)

    def place(self, folded: int) -> int:
        """The index in `plain` of a character of `text`; one past the end gives the end."""
        return self._place[folded] if folded < len(self._place) else len(self.plain)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """[start, end) of `text` as a span of the text that was given."""
        return self._where[self.place(start)], self._where[self._last(end - 1)] + 1

    def _last(self, folded: int) -> int:
        """The last character in `plain` of the word that holds a folded character."""
        at = self._place[folded]
        while at + 1 < len(self.plain) and _latin(self.plain[at]) and _latin(self.plain[at + 1]):
            at += 1
        return at


def _latin(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "'")


def _fold(plain: str) -> tuple[str, list[int]]:
    """(`plain` without little words and endings, the index in `plain` of each of its characters)."""
    out: list[str] = []
    place: list[int] = []
    for found in _WORD.finditer(plain):
        word = found[0]
        if word == "." and plain[found.end() : found.end() + 1].strip() == "":
            word = "。"  # a full stop, whatever follows once spaces are gone
        if word in _EN_LITTLE or word in _ZH_LITTLE:
            continue
        stem = _stem(word)
        if out and _latin(stem[0]) and _latin(out[-1]):
            out.append(" ")
            place.append(found.start())
        out += stem
        place += range(found.start(), found.start() + len(stem))
    return "".join(out), place


@functools.lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """An English word without its ending, where at least four letters stay; doubled consonants become one."""
    if not word.isascii() or not word.isalpha():
        return word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            word = word[: -len(suffix)]
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word


def _normalise(text: str) -> tuple[str, list[int]]:
    """(normalised text, index in `text` of each of its characters): NFKC, casefold, no LaTeX dollars,
    one space between words and none beside a Chinese character."""
    out: list[str] = []
    where: list[int] = []
    for index, raw in enumerate(text):
        for each in unicodedata.normalize("NFKC", raw).casefold():
            if each in _DROPPED:
                continue
            char = "'" if each in "’‘" else " " if each.isspace() or each in "-‐‑–" else each
            if char == " " and (not out or out[-1] == " "):
                continue
            out.append(char)
            where.append(index)
    kept = [
        position
        for position, char in enumerate(out)
        if char != " "
        or not (_cjk(out[position - 1]) or (position + 1 < len(out) and _cjk(out[position + 1])))
    ]
    while kept and out[kept[-1]] == " ":
        kept.pop()
    return "".join(out[position] for position in kept), [where[position] for position in kept]


def _cjk(char: str) -> bool:
    return "一" <= char <= "鿿"
