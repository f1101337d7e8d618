"""What templates are given for items: every word rendered, every mark decided."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import Any

from markupsafe import Markup, escape

from app.content import Item, Question, render, render_inline
from app.content.expressions import ExpressionError, value_of
from app.demos.wording import figures
from app.quiz import rubric
from app.quiz.grading import Grade, shown_order
from app.web.item_view import ItemView, OptionView, Piece, ResultView
from app.web.marking import Marked

KINDS = {
    "single": ("单选", "One right"),
    "multi": ("多选", "Several right"),
    "order": ("排序", "Put in order"),
    "cloze": ("填空", "Fill in"),
    "numeric": ("计算", "A number"),
    "free": ("口述", "Say it"),
    "bug": ("找错", "Find the bug"),
    "predict": ("先猜后跑", "Predict, then run"),
}
_BLANK = re.compile(r"\{\{c\d+::.*?\}\}")


def asked(
    question: Question,
    item: Item,
    lang: str,
    *,
    selftest: str = "",
    error: str = "",
    marked: Marked | None = None,
    draft: str | None = None,
    key: str | None = None,
) -> ItemView:
    """The view of an item: fresh, refused (`error`), marked, or (free, `draft`) waiting for its ticks.

    `key` is the form's idempotency key, a new one where it is None. A page that is kept for everybody carries
    none: its script makes one when the page opens.
    """
    zh = lang == "zh"
    grade = marked.grade if marked else None
    given = marked.attempt.response if marked else None
    kind_of_input = shape(item)
    text = _draft(item, given, draft)
    points = (
        _points(item, text, grade, given)
        if kind_of_input == "free" and (grade or draft is not None)
        else None
    )
    here = f"/{lang}/questions/{question.slug}"
    return ItemView(
        id=item.id,
        kind=item.kind,
        kind_name=KINDS[item.kind][0 if zh else 1],
        shape=kind_of_input,
        prompt=render(item.prompt, lang),
        action=f"/{lang}/items/{item.id}/attempts",
        submit=_submit(item, points is not None)[0 if zh else 1],
        key=secrets.token_urlsafe(12) if key is None else key,
        code=render(item.code, lang) if item.code else None,
        hint=render(item.hint, lang) if item.hint else None,
        many=item.kind == "multi",
        options=_options(item, lang, grade, given) if kind_of_input in ("choice", "order") else [],
        pieces=_pieces(item, lang, grade, given) if kind_of_input == "cloze" else [],
        points=points,
        unit=item.numeric.unit if item.numeric else "",
        given=text if kind_of_input == "free" else "" if given is None else _typed(given),
        evidence=_highlight(text, item) if points is not None else Markup(),
        suggested_score=_suggested(item, text) if grade and kind_of_input == "free" else 0.0,
        selftest=selftest,
        asks_confidence=item.kind not in ("free", "predict"),
        result=_result(question, item, marked, lang) if marked else None,
        error=error,
        demo_href=_demo_href(item, lang),
        again="" if selftest else f"{here}#item-{item.id}",
        again_fragment=f"/{lang}/items/{item.id}",
    )


def left_blank(question: Question, item: Item, lang: str) -> ItemView:
    """An item of a finished self-test that was not answered: its key and its explanation, nothing chosen."""
    view = asked(question, item, lang, selftest="-")
    by_place = dict(enumerate(item.options))
    shown = shown_order(item)
    options = [
        replace(
            each,
            mark="missed" if item.kind != "order" and by_place[shown[each.index]].right else "",
            feedback=render(text, lang) if (text := by_place[shown[each.index]].feedback) else None,
        )
        for each in sorted(view.options, key=lambda each: each.place if item.kind == "order" else 0)
    ]
    pieces = [
        piece
        if piece.blank is None
        else replace(piece, mark="wrong", answer=item.blanks[piece.blank].alternatives[0])
        for piece in view.pieces
    ]
    result = ResultView(
        score=0.0,
        correct=False,
        headline="未作答 · 0 / 1" if lang == "zh" else "Not answered · 0 / 1",
        explanation=render(item.explanation, lang),
        answer=_answer(item) if item.numeric else None,
    )
    return replace(view, options=options, pieces=pieces, result=result)


def _submit(item: Item, confirming: bool) -> tuple[str, str]:
    if item.kind == "predict":
        return "先猜，再跑", "Predict, then run"
    if item.kind == "free":
        return (
            ("确认并计分", "Confirm and mark") if confirming else ("对照要点", "Compare with the key points")
        )
    return "提交", "Submit"


def shape(item: Item) -> str:
    if item.kind == "predict":
        return "numeric" if item.numeric else "choice"
    return {"single": "choice", "multi": "choice", "bug": "choice"}.get(item.kind, item.kind)


def _typed(given: object) -> str:
    """A number as people type it: 5, not 5.0."""
    return str(int(given)) if isinstance(given, float) and given.is_integer() else str(given)


def _options(item: Item, lang: str, grade: Grade | None, given: object) -> list[OptionView]:
    notes = {note.index: note for note in grade.notes} if grade else {}
    chosen: list[Any] = list(given) if isinstance(given, list) else [given]
    shown = shown_order(item)
    order = chosen if item.kind == "order" and grade else range(len(shown))
    views = []
    for index in order:
        option, note = item.options[shown[index]], notes.get(index)
        views.append(
            OptionView(
                index=index,
                text=render_inline(option.text, lang),
                feedback=render(note.text, lang) if note and note.text else None,
                mark=note.mark if note else "",
                chosen=grade is not None and index in chosen,
                place=shown[index] + 1,
            )
        )
    return views


def _pieces(item: Item, lang: str, grade: Grade | None, given: object) -> list[Piece]:
    texts = _BLANK.split(item.sentence)
    given = [given] if isinstance(given, str) else given
    pieces = []
    for index, text in enumerate(texts):
        if text:
            pieces.append(Piece(html=render_inline(text, lang)))
        if index < len(item.blanks):
            note = grade.notes[index] if grade else None
            pieces.append(
                Piece(
                    blank=index,
                    given=str(given[index]) if isinstance(given, list) else "",
                    mark=note.mark if note else "",
                    answer=item.blanks[index].alternatives[0],
                )
            )
    return pieces


# ── spoken answers ──


def _draft(item: Item, given: object, draft: str | None) -> str:
    if item.kind != "free":
        return ""
    return str(given.get("text", "")) if isinstance(given, dict) else draft or ""


def _points(item: Item, text: str, grade: Grade | None, given: object) -> list[OptionView]:
    suggestions = rubric.suggest(text, item.points)
    ticked = (
        given.get("confirmed", []) if isinstance(given, dict) else [s.index for s in suggestions if s.said]
    )
    return [
        OptionView(
            index=i,
            text=render_inline(point.text, ""),
            mark=grade.notes[i].mark if grade else "",
            chosen=i in ticked,
            essential=point.essential,
            suggested=suggestions[i].said,
            negated=suggestions[i].negated,
        )
        for i, point in enumerate(item.points)
    ]


def _suggested(item: Item, text: str) -> float:
    return rubric.score(item.points, [s.index for s in rubric.suggest(text, item.points) if s.said])


def _highlight(text: str, item: Item) -> Markup:
    """The learner's own words with the evidence marked."""
    spans = sorted(s.evidence for s in rubric.suggest(text, item.points) if s.said and s.evidence)
    out, at = Markup(), 0
    for start, end in spans:
        if start >= at:
            out += escape(text[at:start]) + Markup("<mark>") + escape(text[start:end]) + Markup("</mark>")
            at = end
    return out + escape(text[at:])


# ── results ──


def _result(question: Question, item: Item, marked: Marked, lang: str) -> ResultView:
    zh = lang == "zh"
    score, correct = marked.attempt.score, marked.attempt.correct
    if correct:
        headline = "答对了" if zh else "Right"
    elif score > 0:
        headline = "部分正确" if zh else "Partly right"
    else:
        headline = "还不对" if zh else "Not yet"
    points = f"{score:.2f}".rstrip("0").rstrip(".")
    wrong = next((note.text for note in marked.grade.notes if item.numeric and note.text), "")
    return ResultView(
        score=score,
        correct=correct,
        headline=f"{headline} · {points} / 1",
        explanation=render(item.explanation, lang),
        answer=_answer(item)
        if item.numeric and not (item.kind == "predict" and marked.measured is not None)
        else None,
        said=render(wrong, lang) if wrong else None,
        measured=_measured(item, marked, zh) if item.kind == "predict" else "",
        verified=_verified(item, zh) if item.check else None,
        model_answer=_model_answer(question, lang) if item.kind == "free" else None,
    )


def _model_answer(question: Question, lang: str) -> Markup | None:
    text = question.text[lang].model_answer
    return render(text, lang) if text else None


def _answer(item: Item) -> Markup:
    assert item.numeric is not None
    return escape(f"{item.numeric.written} {item.numeric.unit}".strip())


def _verified(item: Item, zh: bool) -> Markup | None:
    """What the expression beside the key gives; None for one that the content check refuses."""
    try:
        value = figures(value_of(item.check), 6)
    except ExpressionError:
        return None
    lead = "经运行核实：" if zh else "Verified by a run: "
    return Markup("{}<code>{}</code> = {}").format(lead, item.check, value)


def _measured(item: Item, marked: Marked, zh: bool) -> str:
    assert item.predict is not None
    if marked.measured is None:
        return (
            "实验引擎没有及时给出结果，这次按事先验证过的答案判分。"
            if zh
            else "The engine gave no result in time; marked by the key that a test verifies."
        )
    value = figures(marked.measured, 4)
    name = item.predict.metric
    return (
        f"经运行核实：刚才测得 {name} = {value}，按它判分。"
        if zh
        else f"Verified by a run: just now it measured {name} = {value}; you were marked by it."
    )


def _demo_href(item: Item, lang: str) -> str:
    if item.predict is None:
        return ""
    query = "&".join(f"{name}={value}" for name, value in item.predict.params.items())
    return f"/{lang}/demos/{item.predict.demo}" + (f"?{query}" if query else "")
