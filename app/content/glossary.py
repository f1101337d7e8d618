"""The glossary: terms in both languages, and where a page first says one, a link to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from markupsafe import Markup

from app.content.models import ContentError, Term
from app.content.tables import line_of, read_toml
from app.protocol import Bilingual

_TAG = re.compile(r"(<[^>]+>)")
_CLOSED = ("a", "code", "pre", "math", "h1", "h2", "h3", "h4", "summary")  # no links inside these
_FIELDS = {"id": str, "zh": str, "en": str, "says_zh": str, "says_en": str, "question": int}
_MORE = {"pinyin": str, "find_zh": list, "find_en": list}


def read_glossary(path: Path) -> tuple[Term, ...]:
    """The terms of `path`, none where there is no file. Raises ContentError."""
    if not path.exists():
        return ()
    terms: list[Term] = []
    for number, given in enumerate(read_toml(path).get("term", ()), 1):
        for name, kind in (_FIELDS | _MORE).items():
            if (name in given or name in _FIELDS) and not isinstance(given.get(name), kind):
                line = line_of(path, "id", "term")
                raise ContentError(path, line, f"term {number}: {name} is not a {kind.__name__}", "write it")
        if unknown := given.keys() - _FIELDS.keys() - _MORE.keys():
            raise ContentError(path, 1, f"term {number}: unknown field {sorted(unknown)[0]}", "remove it")
        spellings = {
            lang: tuple(sorted({given[lang], *given.get(f"find_{lang}", ())}, key=len, reverse=True))
            for lang in ("zh", "en")
        }
        terms.append(
            Term(
                given["id"],
                Bilingual(given["zh"], given["en"]),
                Bilingual(given["says_zh"], given["says_en"]),
                given["question"],
                given.get("pinyin", ""),
                spellings,
            )
        )
    if len({term.id for term in terms}) < len(terms):
        raise ContentError(path, 1, "two terms have one id", "give each its own")
    return tuple(terms)


class Linker:
    """Links the first mention of each term on one page; texts are handed over in reading order."""

    def __init__(self, terms: Sequence[Term], lang: str) -> None:
        self._lang = lang
        self._left = {spelling.casefold(): term.id for term in terms for spelling in term.spellings[lang]}
        words = sorted(self._left, key=len, reverse=True)
        edge = ("", "") if lang == "zh" else (r"\b", r"\b")
        self._find = (
            re.compile(f"{edge[0]}({'|'.join(map(re.escape, words))}){edge[1]}", re.I) if words else None
        )

    def link(self, html: Markup) -> Markup:
        """`html` with links on terms that were not linked yet; never inside links, code, maths or headings."""
        if self._find is None:
            return html
        out: list[str] = []
        inside: list[str] = []
        for piece in _TAG.split(html):
            if piece.startswith("<"):
                name = re.match(r"</?([a-z0-9]+)", piece)
                if name and name[1] in _CLOSED:
                    if piece.startswith("</"):
                        inside = inside[:-1]
                    else:
                        inside.append(name[1])
                out.append(piece)
            else:
                out.append(piece if inside else self._find.sub(self._anchor, piece))
        return Markup("".join(out))  # noqa: S704 - only anchors were added to what was safe

    def _anchor(self, found: re.Match[str]) -> str:
        term = self._left.get(found[0].casefold())
        if term is None:
            return found[0]
        self._left = {spelling: other for spelling, other in self._left.items() if other != term}
        return f'<a class="term" href="/{self._lang}/glossary#{term}">{found[0]}</a>'


def glossary_faults(terms: Iterable[Term], numbers: set[int], path: Path) -> list[ContentError]:
    """Terms that name a question which is not there."""
    return [
        ContentError(
            path, 1, f"term {term.id}: there is no question {term.question}", "name the first that uses it"
        )
        for term in terms
        if term.question not in numbers
    ]
