"""What every demo says, before and during a run: in both languages, in good Chinese typography."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

from app.content.typography import faults
from app.protocol import (
    AnyEvent,
    Bilingual,
    Demo,
    Table,
)
from tests.demos.playing import (
    DEMOS,
    every_demo,
    played,
)

pytestmark = [pytest.mark.torch]


def words_of(demo: Demo) -> Iterator[tuple[str, Bilingual]]:
    """(where, words) of everything that a demo says before a run."""
    for name in ("title", "summary", "proves", "not_proves"):
        yield name, getattr(demo, name)
    for panel in demo.panels:
        yield f"panel {panel.id}", panel.title
        for series in panel.series:
            yield f"series {series.key}", series.title
        for where in ("note", "x", "y"):
            if any(getattr(panel, where)):
                yield f"panel {panel.id} {where}", getattr(panel, where)
    for claim in demo.claims:
        yield f"claim {claim.id}", claim.text
        yield f"claim {claim.id} published", claim.published
    for preset in demo.presets:
        yield f"preset {preset.id}", preset.title
    fields = demo.params.model_json_schema()["properties"]
    for name, field in fields.items():
        yield f"param {name}", Bilingual(field.get("title_zh", ""), field.get("title_en", ""))
        if "help_zh" in field or "help_en" in field:
            yield f"help of {name}", Bilingual(field.get("help_zh", ""), field.get("help_en", ""))


def said_in(events: tuple[AnyEvent, ...]) -> Iterator[tuple[str, Bilingual]]:
    """(where, words) of everything said during a run."""
    for event in events:
        kind = type(event).__name__
        for name in ("caption", "note", "message"):
            if isinstance(words := getattr(event, name, None), Bilingual):
                yield f"{kind} {name}", words
        if isinstance(event, Table):
            for column in event.columns:
                yield f"{kind} {event.panel} column", column
            for cell in itertools.chain.from_iterable(event.rows):
                if isinstance(cell, Bilingual):
                    yield f"{kind} {event.panel} cell", cell


QUOTED = re.compile("“[^”]*”|‘[^’]*’")  # what a learner may type is quoted as it is typed, in either language


def is_chinese(text: str) -> bool:
    return any("\u3400" <= char <= "\u9fff" for char in text)


@every_demo
def test_words_stand_in_both_languages(slug: str) -> None:
    demo = DEMOS[slug]
    for where, words in [*words_of(demo), *said_in(played(slug))]:
        assert words.zh.strip(), where
        assert words.en.strip(), where
    for where, words in words_of(demo):
        assert not is_chinese(QUOTED.sub("", words.en)), (where, words.en)
    for name in ("title", "summary", "proves", "not_proves"):
        assert is_chinese(getattr(demo, name).zh)
    for preset in demo.presets:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", preset.id)
    assert any(panel.note.zh for panel in demo.panels)


@every_demo
def test_chinese_words_obey_the_style_guide(slug: str) -> None:
    found = [
        f"{where}: {fault}"
        for where, words in [*words_of(DEMOS[slug]), *said_in(played(slug))]
        if not where.endswith("caption")  # captions quote what was read: data, written as it comes
        for _, fault, _ in faults(QUOTED.sub("“”", words.zh))
    ]
    assert sorted(set(found)) == []
