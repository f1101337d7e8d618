"""What we ask: questions in two languages, read from Markdown, checked, rendered, searched."""

from __future__ import annotations

from app.content.glossary import Linker
from app.content.items import plain_blanks
from app.content.loader import load
from app.content.models import (
    Blank,
    ContentError,
    ContentErrors,
    DemoLink,
    Item,
    KeyPoint,
    Kind,
    Library,
    Numeric,
    Option,
    Page,
    Predict,
    Question,
    Source,
    Topic,
)
from app.content.render import render, render_inline
from app.content.search import search

__all__ = [
    "Blank",
    "ContentError",
    "ContentErrors",
    "DemoLink",
    "Item",
    "KeyPoint",
    "Kind",
    "Library",
    "Linker",
    "Numeric",
    "Option",
    "Page",
    "Predict",
    "Question",
    "Source",
    "Topic",
    "load",
    "plain_blanks",
    "render",
    "render_inline",
    "search",
]
