"""Questions beyond the source: an answer of ours in place of the source, and out of the way unless asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.content import ContentErrors, load
from tests.content.samples import QUESTION, ZH, english, write

BEYOND = ZH.replace("item: 07-", "item: 31-")
TABLE = QUESTION.replace("number = 7", "number = 31")


def test_it_has_an_answer_and_no_source(tmp_path: Path) -> None:
    zh = BEYOND.replace("## 原文", "## 解答")
    en = english(BEYOND).replace("## Source", "## Answer")
    write(tmp_path, slug="31-sample", zh=zh, en=en, question=TABLE)
    library = load(tmp_path)
    (question,) = library.questions
    assert question.beyond
    assert library.of_source == ()
    assert question.text["en"].answer
    assert question.text["en"].source == ""


def test_a_source_is_refused_there_and_an_answer_among_the_thirty(tmp_path: Path) -> None:
    write(tmp_path, slug="31-sample", zh=BEYOND, question=TABLE)
    with pytest.raises(ContentErrors, match=r"zh\.md:3: '## 原文' does not belong here; write '## 解答'"):
        load(tmp_path)


def test_an_answer_is_refused_among_the_thirty(tmp_path: Path) -> None:
    write(tmp_path, zh=ZH.replace("## 原文", "## 解答"))
    with pytest.raises(ContentErrors, match="'## 解答' does not belong here; write '## 原文'"):
        load(tmp_path)
