"""Search over both languages: every word must occur; titles weigh most."""

from __future__ import annotations

import unicodedata

from app.content.models import Library, Question
from app.content.render import plain_text


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


_INDEX: dict[int, list[tuple[Question, str, str]]] = {}


def _index(library: Library) -> list[tuple[Question, str, str]]:
    found = _INDEX.get(id(library))
    if found is None:
        found = [_entry(library, question) for question in library.questions]
        _INDEX.clear()
        _INDEX[id(library)] = found
    return found


def _entry(library: Library, question: Question) -> tuple[Question, str, str]:
    topic = library.topic(question.topic).title
    titles = " ".join([str(question.number), question.slug, *(page.title for page in question.text.values())])
    parts = [topic.zh, topic.en]
    for page in question.text.values():
        parts += [page.source, page.review]
        for item in page.items:
            parts += [item.prompt, item.sentence, item.code, item.explanation, *(o.text for o in item.options)]
    return question, _fold(titles), _fold(plain_text(" ".join(parts)))


def search(library: Library, query: str) -> list[Question]:
    """Questions in which every word of `query` occurs, those with words in the title first."""
    words = _fold(query).split()
    hits = []
    for question, titles, body in _index(library):
        if all(word in titles or word in body for word in words):
            in_title = sum(word in titles for word in words)
            hits.append((-in_title, question.number, question))
    return [question for _, _, question in sorted(hits, key=lambda hit: hit[:2])]
