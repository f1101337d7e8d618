"""An item's blocks read into an Item: its kind is seen from its shape."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from app.content import keys
from app.content.blocks import Document, Part, Section
from app.content.models import Blank, Item, KeyPoint, Kind, Numeric, Option, Predict
from app.content.sections import heading

_COMMENT = re.compile(r"<!-- (item|predict|check): (.+) -->")
_ID = re.compile(r"\d\d-[a-z]")
_CODE_LINE = re.compile(r"(?:第 ?|[Ll]ine )(\d+)(?: ?行)?")
_SHAPES = "options '- [x]', steps '1.', a blank '{{c1::…}}', 'ANSWER:' or '#### ' key points"


@dataclass
class _Draft:
    """What has been read of an item so far."""

    id: str = ""
    prompt: list[str] = field(default_factory=list)
    hint: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    explanation: list[str] = field(default_factory=list)
    options: tuple[Option, ...] = ()
    steps: tuple[Option, ...] = ()
    sentence: str = ""
    blanks: tuple[Blank, ...] = ()
    numeric: Numeric | None = None
    points: tuple[KeyPoint, ...] = ()
    predict: Predict | None = None
    check: str = ""

    @property
    def keyed(self) -> bool:
        """Whether the key has been read: what follows explains."""
        return bool(self.options or self.steps or self.blanks or self.numeric or self.points)


def read_item(document: Document, section: Section) -> Item:
    """One item. Raises ContentError naming the line and the remedy."""
    draft = _Draft(prompt=[section.title])
    parts = list(section.parts)
    while parts:
        part = parts.pop(0)
        if part.kind == "html_block":
            _take_comment(document, draft, part)
        elif part.kind == "heading":
            parts = _take_points(document, draft, part, parts)
        elif draft.keyed:
            _take_explanation(document, draft, part)
        else:
            _take_question(document, draft, part)
    if not draft.id:
        raise document.error(
            section.line, "the item has no id", "write '<!-- item: NN-a -->' under its heading"
        )
    return Item(
        id=draft.id,
        kind=_kind(document, section, draft),
        prompt="\n\n".join(draft.prompt).strip(),
        line=section.line,
        hint="\n\n".join(draft.hint),
        code="\n\n".join(draft.code),
        sentence=draft.sentence,
        options=draft.options or draft.steps,
        blanks=draft.blanks,
        numeric=draft.numeric,
        points=draft.points,
        predict=draft.predict,
        check=draft.check,
        explanation="\n\n".join(draft.explanation),
    )


def _take_comment(document: Document, draft: _Draft, part: Part) -> None:
    found = _COMMENT.fullmatch(part.raw.strip())
    if not found:
        remedy = (
            "only '<!-- item: … -->', '<!-- predict: … -->' and '<!-- check: … -->' stand alone on a line"
        )
        raise document.error(part.line, f"cannot read {part.raw.strip()[:40]!r}", remedy)
    if found[1] == "item":
        if draft.id or not _ID.fullmatch(found[2]):
            raise document.error(part.line, f"item id {found[2]!r} cannot stand", "write one id such as 07-a")
        draft.id = found[2]
    elif found[1] == "predict":
        draft.predict = keys.read_predict(document, part.line, found[2])
    else:
        draft.check = found[2]


def _take_points(document: Document, draft: _Draft, head: Part, rest: list[Part]) -> list[Part]:
    """Reads the lists under '#### 要点'; returns the parts that follow them."""
    words = heading(document.lang, "key_points")
    if head.depth != 4 or head.text != words or draft.keyed:
        raise document.error(
            head.line, "a heading inside an item", f"only one '#### {words}' may stand there"
        )
    count = next((i for i, part in enumerate(rest) if part.kind != "bullet_list"), len(rest))
    draft.points = keys.read_points(document, rest[:count])
    if not draft.points:
        raise document.error(head.line, "no key points", "list them as '- [ ] (2!) text :: phrasing'")
    return rest[count:]


def _take_question(document: Document, draft: _Draft, part: Part) -> None:
    if part.kind == "blockquote":
        draft.hint.append(keys.quoted(document, part))
    elif part.kind == "fence":
        draft.code.append(part.raw)
    elif keys.is_task_list(part):
        draft.options = keys.read_options(document, part)
    elif part.kind == "ordered_list":
        draft.steps = keys.read_steps(document, part)
    elif part.kind == "paragraph" and part.text.startswith("ANSWER:"):
        draft.numeric = keys.read_numeric(document, part)
    elif part.kind == "paragraph" and keys.BLANK.search(part.text):
        draft.sentence, draft.blanks = part.raw, keys.read_blanks(document, part)
    else:
        draft.prompt.append(part.raw)


def _take_explanation(document: Document, draft: _Draft, part: Part) -> None:
    if keys.is_task_list(part) or part.raw.startswith("ANSWER:") or keys.BLANK.search(part.raw):
        raise document.error(part.line, "a second key", "an item has one; put the rest into another item")
    if part.raw.startswith("MISTAKE:"):
        raise document.error(part.line, "MISTAKE: away from ANSWER:", "put it on the line after ANSWER:")
    draft.explanation.append(part.raw)


def _kind(document: Document, section: Section, draft: _Draft) -> Kind:
    if not draft.keyed:
        raise document.error(section.line, "the item has no key", f"give {_SHAPES}")
    if draft.predict:
        if not (draft.options or draft.numeric):
            raise document.error(section.line, "a predict item without a guess", "give options or ANSWER:")
        return "predict"
    if draft.points:
        return "free"
    if draft.numeric:
        return "numeric"
    if draft.blanks:
        return "cloze"
    if draft.steps:
        return "order"
    if draft.code and all(code_line(option.text) for option in draft.options):
        return "bug"
    return "multi" if sum(option.right for option in draft.options) > 1 else "single"


def code_line(text: str) -> int:
    """The line that '第 3 行' or 'Line 3' names, or 0 where the text is no such thing."""
    found = _CODE_LINE.fullmatch(text)
    return int(found[1]) if found else 0


def plain_blanks(sentence: str) -> str:
    """A cloze sentence with its blanks as ____, for readers that must not see the key."""
    return keys.BLANK.sub("____", sentence)
