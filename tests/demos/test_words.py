"""What every demo says, before and during a run: in both languages, in good Chinese typography."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

from app.content.typography import faults
from app.demos.surgery import PANELS
from app.protocol import (
    AnyEvent,
    Bilingual,
    Demo,
    Gates,
    Seed,
    Table,
    Trail,
    params_schema,
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
        yield f"claim {claim.id} measured", claim.measured
        yield f"claim {claim.id} tally", claim.tally
    for preset in demo.presets:
        yield f"preset {preset.id}", preset.title
    fields = demo.params.model_json_schema()["properties"]
    for name, field in fields.items():
        yield f"param {name}", Bilingual(field.get("title_zh", ""), field.get("title_en", ""))
        if "help_zh" in field or "help_en" in field:
            yield f"help of {name}", Bilingual(field.get("help_zh", ""), field.get("help_en", ""))
        for value, zh in field.get("choices_zh", {}).items():
            yield f"choice {value} of {name}", Bilingual(zh, field["choices_en"][value])


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


# Choices that are called what they are in either language, whatever the case.
PROPER = {"gru", "lstm", "ibm", "rob", "marcelo", "steph", "mike"}
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


@every_demo
def test_a_claim_says_in_a_few_words_what_was_measured(slug: str) -> None:
    for claim in DEMOS[slug].claims:
        assert 2 <= len(claim.measured.zh) <= 24, claim.measured.zh
        assert 1 <= len(claim.measured.en.split()) <= 9, claim.measured.en
        assert "_" not in claim.measured.zh + claim.measured.en
        assert not claim.measured.zh.endswith(("。", "：")), claim.measured.zh
        assert not re.search(r"\d$", claim.measured.zh + "\n" + claim.measured.en, re.M)  # a number follows
        for words in claim.tally:
            assert words.format(solved=2, seeds=3).count("2") == 1
            assert "3" in words.format(solved=2, seeds=3)


@every_demo
def test_every_choice_of_a_field_has_a_name(slug: str) -> None:
    for lang in ("zh", "en"):
        for name, field in params_schema(DEMOS[slug].params, lang)["properties"].items():
            assert set(field.get("choices", {})) == set(field.get("enum", [])), name
            for value, title in field.get("choices", {}).items():
                assert title.strip(), (name, value)
                assert title.casefold() != value.casefold() or value.casefold() in PROPER, (name, value)
            titles = list(field.get("choices", {}).values())
            assert len(set(titles)) == len(titles), titles


@every_demo
def test_every_lane_that_is_said_has_a_name(slug: str) -> None:
    named = {panel.id: {series.key for series in panel.series} for panel in (*DEMOS[slug].panels, *PANELS)}
    for event in played(slug):
        if isinstance(event, (Gates, Seed, Trail)) and event.lane:
            assert event.lane in named[event.panel], (event.panel, event.lane)


CODE = re.compile(r"\w+\[[^\]]*\]")  # an index such as output[:, -1]
CRUDE = re.compile(r"(?<![\w-])-\.?\d|\de[+-]?\d")  # -2.2 and 3.8e+02 for −2.2 and 3.8 × 10²


@every_demo
def test_numbers_are_written_as_people_write_them(slug: str) -> None:
    said = [text for _, words in said_in(played(slug)) for text in words]
    tables = [event for event in played(slug) if isinstance(event, Table)]
    said += [cell for table in tables for row in table.rows for cell in row if isinstance(cell, str)]
    assert [text for text in said if CRUDE.search(CODE.sub("", QUOTED.sub("", text)))] == []
