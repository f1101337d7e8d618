"""Search over both languages: every word must occur; titles weigh most, then how often it is said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from app.content.items import plain_blanks
from app.content.models import Item, Library, Page, Question
from app.content.render import plain_text

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+|[^\s\u3040-\u30ff\u3400-\u9fff]+")


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def search(library: Library, query: str) -> list[Question]:
    """Questions in which every word of `query` occurs: words in the title first, then who says them most often.

    A number alone names its question. A change of script ends a word too: "LSTM梯度" asks for both.
    """
    words = _WORD.findall(_fold(query))
    hits = []
    for question, titles, whole in _index(library):
        if all(word in whole for word in words):
            titled, said = (sum(text.count(word) for word in words) for text in (titles, whole))
            named = words == [str(question.number)]
            hits.append((not named, -min(titled, len(words)), -said, question.number, question))
    return [hit[-1] for hit in sorted(hits, key=lambda hit: hit[:4])]


@lru_cache(maxsize=2)
def _index(library: Library) -> list[tuple[Question, str, str]]:
    """(question, its titles, everything that is said of it), folded."""
    return [(question, *_entry(library, question)) for question in library.questions]


def _entry(library: Library, question: Question) -> tuple[str, str]:
    topic = library.topic(question.topic).title
    pages = question.text.values()
    titles = _fold("\n".join([str(question.number), *(page.title for page in pages)]))
    named = [question.slug, topic.zh, topic.en, question.demo.slug if question.demo else ""]
    cited = [source.text for source in library.sources_of(question)]
    said = [plain_text("\n\n".join(_texts(page))) for page in pages]
    return titles, _fold("\n".join([titles, *named, *cited, *said]))


def _texts(page: Page) -> Iterator[str]:
    yield from (page.source, page.answer, page.review, page.model_answer)
    yield from (point.text for point in page.key_points)
    for follow_up in page.follow_ups:
        yield from (follow_up.question, follow_up.answer)
    for item in page.items:
        yield from _item_texts(item)


def _item_texts(item: Item) -> Iterator[str]:
    yield from (item.prompt, item.code, plain_blanks(item.sentence))
    yield from (option.text for option in item.options)
    yield from (point.text for point in item.points)
    yield item.explanation
