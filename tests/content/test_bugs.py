"""The code of bug items is executed: the broken version shows the stated fault, the mended one does not."""

from __future__ import annotations

import io
import random
import tokenize
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from app.content import Item, Library
from app.content.items import code_line
from app.protocol import LANGS
from tests.content.bugs import (
    CASES,
    Run,
    comparison,
    forecasting,
    gates,
    gradients,
    nlp,
    sequences,
    tuning,
    vision,
)

pytestmark = [pytest.mark.torch]

TOPICS = (comparison, forecasting, gates, gradients, nlp, sequences, tuning, vision)  # they fill CASES

NOT_RUN: dict[str, str] = {}  # item → why its code cannot run as it stands


EACH = pytest.mark.parametrize("item_id", sorted(CASES))


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """The same draws in every test, and none taken from the tests that follow."""
    before = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        yield
    random.setstate(before[0])
    np.random.set_state(before[1])


def bugs(library: Library, lang: str) -> dict[str, Item]:
    items = [item for question in library.questions for item in question.text[lang].items]
    return {item.id: item for item in items if item.kind == "bug"}


def lines(item: Item) -> list[str]:
    """The code between the fences."""
    first, *code, last = item.code.split("\n")
    assert first == "```python"
    assert last == "```"
    return code


def key(item: Item) -> int:
    """The line that the item calls faulty."""
    (right,) = [option for option in item.options if option.right]
    return code_line(right.text)


def bare(code: list[str]) -> list[str]:
    """The code without its comments."""
    kept = list(code)
    for token in tokenize.generate_tokens(io.StringIO("\n".join(code)).readline):
        if token.type == tokenize.COMMENT:
            kept[token.start[0] - 1] = kept[token.start[0] - 1][: token.start[1]]
    return [line.rstrip() for line in kept]


def test_every_bug_item_is_executed(library: Library) -> None:
    assert set(CASES).isdisjoint(NOT_RUN)
    for lang in LANGS:
        assert set(bugs(library, lang)) == set(CASES) | set(NOT_RUN)


def test_the_languages_hold_the_same_code(library: Library) -> None:
    mine, *others = (bugs(library, lang) for lang in LANGS)
    for item_id, item in mine.items():
        for other in others:
            assert bare(lines(other[item_id])) == bare(lines(item)), item_id
            assert key(other[item_id]) == key(item), item_id


@EACH
def test_the_fault_shows(library: Library, item_id: str) -> None:
    for lang in LANGS[:1]:  # the others hold the same code
        code = lines(bugs(library, lang)[item_id])
        assert CASES[item_id].shows(Run(item_id, "\n".join(code)))


@EACH
def test_the_mended_code_has_no_fault(library: Library, item_id: str) -> None:
    item = bugs(library, LANGS[0])[item_id]
    code = CASES[item_id].mended(lines(item), key(item))
    assert not CASES[item_id].shows(Run(item_id, "\n".join(code)))


@pytest.mark.parametrize("item_id", sorted(CASES))
def test_only_the_line_of_the_key_can_be_mended(library: Library, item_id: str) -> None:
    item = bugs(library, LANGS[0])[item_id]
    for number in range(1, len(lines(item)) + 1):
        if number != key(item):
            with pytest.raises(ValueError, match="does not stand once"):
                CASES[item_id].mended(lines(item), number)
