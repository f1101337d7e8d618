"""Words as ideas: a text folded to what carries ideas, and the wordings that a phrasing stands for.

Folding drops endings, spelling variants and little words, so “clipped by its norm” and “clipping by
the norm” read the same. In a phrasing `…` leaves a gap and `{clip, cap}` gives alternatives.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata

MOST_WORDINGS = 60  # of one piece: what more alternatives multiply to is no longer read by anyone
_ALTERNATIVES = re.compile(r"\{([^{}]*[,，][^{}]*)\}")  # h_{t-1} has no comma and stands for itself
# Words that carry no idea: "keeps its direction" and "keeps the direction" say the same.
_EN_LITTLE = frozenset(
    re.findall(
        r"\w+",
        "a an the its it their this that these those of to so then just really very also does do your our my",
    )
)
_ZH_LITTLE = frozenset("的了地得着就都也很会在把被那这其它")
# What a phrasing may shrink to unseen (不了 folds to 不) and would then be found in any answer.
BARE_NEGATORS = frozenset(
    {"不", "没", "没有", "无", "非", "未", "not", "no", "never", "don't", "doesn't", "can't"}
)
_DROPPED = set('$*`“”"')
_WORD = re.compile(r"[a-z0-9']+|[^a-z0-9'\s]")
# Short stems: "tun" and "us" of "tuned" and "using" want their e back, "add" and "ask" do not;
# "spe" of "speed" and "emb" of "embed" are no stems.
_SHORT_E = re.compile(r"[^aeiou]?[aeiouy][^aeiouywx]")
_SHORT = re.compile(r"[^aeiou][aeiouy][wx]|[aeiou][^aeiouy](?!b)[^aeiouy]")
_NO_PLURAL = re.compile(r"ss$|ias$|[aeiouy].*(?:us|is)$")  # loss, bias, focus, basis; but GRUs
_BRITISH_OUR = re.compile(r"(?<=[lbvmnd])(i?)our(?=(?:s|ed|ing|able|al|ful)*$)")
_AS_THEY_ARE = frozenset({"biased", "unbiased"})  # an estimate is biased, a gate has a bias


class Folded:
    """A text twice: `plain`, normalised but with every word, and `text`, folded to what carries ideas."""

    def __init__(self, text: str) -> None:
        self.plain, self._where = _normalise(text)
        self.text, self._place = _fold(self.plain)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """[start, end) of `text` as a span of whole words of `plain`."""
        last = self._place[end - 1]
        while last + 1 < len(self.plain) and is_latin(self.plain[last]) and is_latin(self.plain[last + 1]):
            last += 1
        return self._place[start], last + 1

    def original(self, start: int, end: int) -> tuple[int, int]:
        """[start, end) of `plain` as a span of the text that was given."""
        return self._where[start], self._where[end - 1] + 1


@functools.lru_cache(maxsize=20_000)
def wordings(phrasing: str) -> tuple[tuple[str, ...], ...]:
    """The folded wordings of each piece of a phrasing; pieces are parted by "…".

    ValueError where its braces cannot be read."""
    return tuple(
        tuple(dict.fromkeys(Folded(each).text for each in spelled_out(piece)))
        for piece in phrasing.split("…")
    )


def spelled_out(piece: str) -> list[str]:
    """`{clip, cap} the norm` as two texts. ValueError where there are too many or a brace is left open."""
    if piece.count("{") != piece.count("}"):
        raise ValueError(f"{piece.strip()!r} leaves a brace open: a gap cannot stand between braces")
    parts = [_listed(part) if index % 2 else [part] for index, part in enumerate(_ALTERNATIVES.split(piece))]
    found = ["".join(chosen) for chosen in itertools.islice(itertools.product(*parts), MOST_WORDINGS + 1)]
    if len(found) > MOST_WORDINGS:
        raise ValueError(f"{piece.strip()!r} has more than {MOST_WORDINGS} wordings")
    return found


def check_braces(phrasing: str) -> None:
    """ValueError where the braces of a phrasing cannot be read."""
    if "{" in phrasing:
        for piece in phrasing.split("…"):
            spelled_out(piece)


def alternatives(phrasing: str) -> list[str]:
    """All that stands between braces."""
    return [each for part in _ALTERNATIVES.findall(phrasing) for each in _listed(part)]


def _listed(part: str) -> list[str]:
    return [each.strip() for each in re.split("[,，]", part)]


def is_latin(char: str) -> bool:
    """Whether a character of a folded text belongs to a Latin word or number."""
    return char.isascii() and (char.isalnum() or char == "'")


def _fold(plain: str) -> tuple[str, list[int]]:
    """(`plain` without little words and endings, the index in `plain` of each of its characters)."""
    out: list[str] = []
    place: list[int] = []
    for found in _WORD.finditer(plain):
        word = found[0]
        if word == "." and plain[found.end() : found.end() + 1].strip() == "":
            word = "。"  # a full stop, whatever follows once spaces are gone
        bare = word.removesuffix("'s").removesuffix("'")
        if bare in _EN_LITTLE or word in _ZH_LITTLE:
            continue
        stem = _stem(bare or word)
        if out and is_latin(stem[0]) and is_latin(out[-1]):
            out.append(" ")
            place.append(found.start())
        out += stem
        place += range(found.start(), found.start() + len(stem))
    return "".join(out), place


@functools.lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """An English word in one form for all its inflections and both spellings; anything else as it is."""
    if not (word.isascii() and word.isalpha()) or len(word) < 4 or word in _AS_THEY_ARE:
        return word
    word = _BRITISH_OUR.sub(r"\1or", word)
    word = _uninflected(word)
    if word.endswith("ly") and len(word) > 5:
        word = _uninflected(word[:-2])
    for suffix in ("ation", "e"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            word = word[: -len(suffix)]
            break
    if word.endswith("at") and len(word) >= 7:  # saturate as saturation
        word = word[:-2]
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeiou":
        word = word[:-1]
    if len(word) > 5 and word.endswith(("is", "ys")):  # normalise, analyse
        word = word[:-1] + "z"
    return word


def _uninflected(word: str) -> str:
    """Without the ending of a plural or of a verb."""
    if word.endswith("ies") and len(word) > 5:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "xes", "ches", "shes")):
        word = word[:-2]
    elif word.endswith("s") and len(word) > 3 and not _NO_PLURAL.search(word):
        word = word[:-1]
    if word.endswith("ied") and len(word) > 5:
        return word[:-3] + "y"
    for suffix in ("ing", "ed"):
        rest = word.removesuffix(suffix)
        if rest == word:
            continue
        if _SHORT_E.fullmatch(rest):
            return rest + "e"
        if _SHORT.fullmatch(rest):
            return rest
        if len(rest) >= 4:
            return rest[:-1] if rest[-1] == rest[-2] and rest[-1] not in "aeioulsfz" else rest
    return word


def _normalise(text: str) -> tuple[str, list[int]]:
    """(normalised text, index in `text` of each of its characters): NFKC, casefold, no LaTeX dollars,
    one space between words and none beside a Chinese character."""
    out: list[str] = []
    where: list[int] = []
    for index, raw in enumerate(text):
        for char in _plain(raw):
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


@functools.lru_cache(maxsize=20_000)
def _plain(raw: str) -> str:
    """What one character given becomes: often one, none where it is dropped, several for some."""
    return "".join(
        "'" if each in "’‘" else " " if each.isspace() or each in "-‐‑–" else each
        for each in unicodedata.normalize("NFKC", raw).casefold()
        if each not in _DROPPED
    )


def _cjk(char: str) -> bool:
    return "一" <= char <= "鿿"
