"""LaTeX to MathML, each gate in its colour, without a style attribute."""

from __future__ import annotations

import html
import re
import unicodedata
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from math_core import LatexError, LatexToMathML

GATES = frozenset("ifgoch")
_MATHML = LatexToMathML()
_TIMES = frozenset("tTk")  # indexes that run over time: h_t, c_{t-1}, h_T, h_k
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)\w+;")
_COLOURS = re.compile("\x1b\\[[0-9;]*m")
# What the converter writes as style, and the class that stands for it.
_CLASSES = {
    "text-align:right": "align-right",
    "text-align:left": "align-left",
    "text-align:center": "align-center",
    "justify-items:end": "",
    "justify-items:start": "",
    "justify-items:center": "",
    "padding-right:0": "flush-right",
    "padding-left:0": "flush-left",
    "padding-left:1em": "indented",
}


class MathError(ValueError):
    """LaTeX that cannot be rendered; `source` is the whole formula."""

    def __init__(self, source: str, fault: str) -> None:
        super().__init__(f"{source!r}: {fault}")
        self.source = source


def equation(source: str, *, display: bool) -> str:
    """MathML of a formula. Raises MathError naming the fault."""
    try:
        text = _MATHML.convert_with_local_state(source, displaystyle=display)
    except LatexError as error:
        raise MathError(source, _first_line(str(error))) from None
    text = _NAMED.sub(lambda found: html.unescape(found[0]), text)
    tree = ElementTree.fromstring(text)  # noqa: S314 - the converter's own output
    for element in tree.iter():
        _unstyle(source, element)
        _colour_state(element)
        _colour_product(element)
    return ElementTree.tostring(tree, encoding="unicode")


def _first_line(message: str) -> str:
    lines = [line.strip() for line in _COLOURS.sub("", message).splitlines() if line.strip()]
    return lines[0].removeprefix("Error:").strip() if lines else "not understood"


def _unstyle(source: str, element: Element) -> None:
    style = element.attrib.pop("style", "")
    for rule in filter(None, style.split(";")):
        name, _, value = rule.partition(":")
        found = _CLASSES.get(f"{name.strip()}:{value.strip()}")
        if found is None:
            raise MathError(source, f"it needs the style {rule!r}, which pages refuse")
        _add_class(element, found)


def _add_class(element: Element, name: str) -> None:
    if name:
        element.set("class", f"{element.get('class', '')} {name}".strip())


def _letter(element: Element) -> str:
    """The gate's letter that an element consists of, upright, italic or bold, or nothing."""
    text = unicodedata.normalize("NFKC", "".join(element.itertext()))
    return text if text in GATES else ""


def _colour_state(element: Element) -> None:
    """f_t, c_{t-1}, h_T, h_0: a gate's letter with an index of time."""
    if element.tag not in ("msub", "msubsup"):
        return
    letter = _letter(element[0])
    index = {part.text for part in element[1].iter() if part.tag == "mi"}
    numbered = any(part.tag == "mn" for part in element[1].iter())
    if letter and (index & _TIMES or (letter in "ch" and numbered and not index)):
        _add_class(element, f"gate-{letter}")


def _colour_product(element: Element) -> None:
    """Bare letters beside ⊙, as in f ⊙ c + i ⊙ g."""
    children = list(element)
    for place, child in enumerate(children):
        if child.tag == "mo" and child.text == "⊙":
            for other in children[max(0, place - 1) : place + 2]:
                if other.tag == "mi" and (letter := _letter(other)) and not other.get("class"):
                    _add_class(other, f"gate-{letter}")
