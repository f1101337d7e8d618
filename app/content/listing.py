"""The counting report: what every question holds and what it still lacks."""

from __future__ import annotations

from collections import Counter

from app.content.models import Library, Question


def overview(library: Library) -> list[str]:
    """One line a question: number, slug, topic, level, items by kind, and what is missing."""
    lines = []
    for question in library.questions:
        kinds = Counter(str(item.kind) for item in question.items)
        head = f"{question.number:2} {question.slug:27} {question.topic:11} L{question.level}"
        lacks = ", ".join(missing(question))
        tail = f" · without {lacks}" if lacks else ""
        lines.append(f"{head} {sum(kinds.values()):2} items: {_counts(kinds)}{tail}")
    return lines


def totals(library: Library) -> str:
    """The sums over all questions."""
    kinds = Counter(str(item.kind) for question in library.questions for item in question.items)
    return f"{len(library.questions)} questions, {sum(kinds.values())} items: {_counts(kinds)}"


def _counts(kinds: Counter[str]) -> str:
    return " ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))


def missing(question: Question) -> list[str]:
    """What a complete question has and this one has not, in any of its languages."""
    pages = question.text.values()
    kinds = {item.kind for item in question.items}
    wanted = {
        "review": question.beyond or all(page.review for page in pages),
        "model answer": all(page.model_answer for page in pages),
        "key points": all(page.key_points for page in pages),
        "follow-ups": all(page.follow_ups for page in pages),
        "free item": "free" in kinds,
        "predict item": "predict" in kinds,
    }
    return [name for name, there in wanted.items() if not there]
