"""Which key points a spoken answer seems to contain: a suggestion with its evidence, never a mark.

Writing first and then ticking each idea against the evidence makes self-marking reliable
(Dunlosky et al. 2011; Sanchez et al. 2017), so the learner confirms every tick. A phrasing counts
where it stands in the answer and its clause does not negate it: similarity measures miss negation.
"""

from __future__ import annotations

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
    r"|不够的话|不行的话|不然|要不|别忘|除非"
)
_EN_NOT = re.compile(
    r"\b(?:not|no|never|cannot|can't|don't|doesn't|didn't|isn't|aren't|won't|wouldn't|nor|neither|without|hardly|fails? to|"
    r"unable to|instead of|rather than|contrary to|(?:myth|wrong|false|untrue|incorrect|mistaken|nonsense) (?:that|to say|to think|to believe))\b"
)
_EN_HARMLESS = re.compile(r"\bnot (?:only|just|merely|necessarily only)\b|\bno (?:longer than|more than|matter|doubt)\b|\bwithout (?:doubt|question)\b")
_DENIED_AFTER = re.compile(
    r"^[^。！？!?；;]{0,12}?(?:是错的|是错误的|不对|不成立|是误解|是误区|不正确|说法有误|没有意义|没有道理|没有必要|不是它的事)|"
    r"^[^.!?;]{0,40}?\b(?:(?:is|are|was) (?:wrong|false|incorrect|a myth|not true|not right|not needed|a misconception|untrue|unnecessary)|isn't (?:needed|necessary|true|right))\b"
)
_DROPPED = set('$*`“”"')
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
    text, where = _normalise(answer)
    return [_look(index, point, text, where) for index, point in enumerate(points)]


def score(points: Sequence[KeyPoint], ticked: Sequence[int]) -> float:
    """Share of the weight that was ticked, in [0, 1]. Unknown indexes raise ValueError."""
    for index in ticked:
        if not 0 <= index < len(points):
            raise ValueError(f"point {index}")
    total = sum(point.weight for point in points)
    return sum(points[index].weight for index in set(ticked)) / total if total else 0.0


def _look(index: int, point: KeyPoint, text: str, where: list[int]) -> Suggestion:
    refused: tuple[int, int] | None = None
    for phrasing in (point.text, *point.phrasings):
        for found in _occurrences(text, phrasing):
            evidence = (where[found.start()], where[found.end() - 1] + 1)
            if not _negated(text, found):
                return Suggestion(index, True, evidence)
            refused = refused or evidence
    return Suggestion(index, False, refused, negated=refused is not None)


def _occurrences(text: str, phrasing: str) -> list[re.Match[str]]:
    """Where a phrasing stands; "…" in it spans up to _GAP characters of one sentence, which are groups."""
    pieces = [_pattern(_normalise(piece)[0]) for piece in phrasing.split("…")]
    return list(re.finditer(_BETWEEN.join(pieces), text)) if all(pieces) else []


def _pattern(phrase: str) -> str:
    """A regular expression for a normalised phrase at word bounds, in the singular or the plural."""
    if not phrase:
        return ""
    left = r"(?<![a-z0-9])" if phrase[0].isascii() and phrase[0].isalnum() else ""
    right = r"(?![a-z0-9])" if phrase[-1].isascii() and phrase[-1].isalnum() else ""
    plural = r"(?:s|es)?" if right and phrase[-1].isalpha() else ""
    return left + re.escape(phrase) + plural + right


def _negated(text: str, found: re.Match[str]) -> bool:
    """Whether the clause denies what was found; negators that belong to the phrasing itself do not count."""
    start, end = found.span()
    begin = max((clause.end() for clause in _CLAUSE_END.finditer(text, 0, start)), default=0)
    before = text[begin:start]
    count = _negators(_ZH_HARMLESS.sub("", before)[-_ZH_REACH:], _EN_HARMLESS.sub("", before)[-_EN_REACH:])
    for gap in found.groups():
        count += _negators(_ZH_HARMLESS.sub("", gap), _EN_HARMLESS.sub("", gap))
    return count % 2 == 1 or _DENIED_AFTER.search(text[end : end + 60]) is not None


def _negators(zh: str, en: str) -> int:
    return len(_ZH_NOT.findall(zh)) + len(_EN_NOT.findall(en))


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
