"""The headings every question file has, in their order."""

from __future__ import annotations

from app.content.blocks import Document, Section, split

HEADINGS = {
    "zh": {
        "原文": "source",
        "解答": "answer",
        "点评": "review",
        "示范回答": "model_answer",
        "要点": "key_points",
        "追问": "follow_ups",
        "自测": "items",
    },
    "en": {
        "Source": "source",
        "Answer": "answer",
        "Review": "review",
        "Model answer": "model_answer",
        "Key points": "key_points",
        "Follow-ups": "follow_ups",
        "Items": "items",
    },
}
ORDER = ("source", "answer", "review", "model_answer", "key_points", "follow_ups", "items")
# A question of the source has its text; one beyond it has an answer of ours in its place.
NEEDED = {False: ("source", "items"), True: ("answer", "items")}
REFUSED = {False: "answer", True: "source"}


def heading(lang: str, name: str) -> str:
    """The words of a section's heading in that language."""
    return next(title for title, each in HEADINGS[lang].items() if each == name)


def cut(document: Document, *, beyond: bool) -> tuple[str, dict[str, Section]]:
    """(title, section name → section). Raises ContentError for headings missing, unknown or out of order."""
    titles = [part for part in document.parts if part.kind == "heading" and part.depth == 1]
    if len(titles) != 1 or document.parts[0] is not titles[0]:
        line = titles[1].line if len(titles) > 1 else 1
        raise document.error(line, f"{len(titles)} '# ' titles", "begin the file with exactly one '# title'")
    before, found = split(document, document.parts[1:], 2)
    if before:
        raise document.error(before[0].line, "text before the first '## ' heading", "move it into a section")
    names = HEADINGS[document.lang]
    known = ", ".join(f"'## {title}'" for title in names)
    sections: dict[str, Section] = {}
    for section in found:
        name = names.get(section.title)
        if name is None:
            raise document.error(section.line, f"unknown heading '## {section.title}'", f"use one of {known}")
        if name in sections:
            raise document.error(section.line, f"'## {section.title}' stands twice", "join the two")
        if sections and ORDER.index(name) < ORDER.index(list(sections)[-1]):
            raise document.error(section.line, f"'## {section.title}' is out of order", f"keep to {known}")
        sections[name] = section
    if REFUSED[beyond] in sections:
        odd, wanted = sections[REFUSED[beyond]], heading(document.lang, NEEDED[beyond][0])
        raise document.error(odd.line, f"'## {odd.title}' does not belong here", f"write '## {wanted}'")
    for name in NEEDED[beyond]:
        if name not in sections:
            missing = heading(document.lang, name)
            raise document.error(len(document.lines), f"'## {missing}' is missing", "add the section")
    return titles[0].text, sections
