"""The code of bug items, executed: one entry an item, one module a topic.

An entry says what the code is given to work with, what its fault looks like when it runs, and how the line that
the key names is mended. The code itself is read from the Markdown.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

Edit = tuple[str, str]  # what stands in a line, what should stand there


class Run:
    """A block of code; calling it with the names it needs executes it and returns the names it leaves."""

    def __init__(self, item_id: str, text: str) -> None:
        self.file = f"<{item_id}>"
        self.code = compile(text, self.file, "exec")

    def __call__(self, **names: Any) -> SimpleNamespace:
        exec(self.code, names)
        return SimpleNamespace(**names)

    def stopping(
        self, expected: type[Exception], **names: Any
    ) -> tuple[SimpleNamespace, Exception | None, int]:
        """The same where the code may stop: the names so far, the error and its line (None, 0 if it ran through)."""
        try:
            exec(self.code, names)
        except expected as error:
            lines = [
                frame.lineno
                for frame in traceback.extract_tb(error.__traceback__)
                if frame.filename == self.file
            ]
            return SimpleNamespace(**names), error, lines[-1] or 0
        return SimpleNamespace(**names), None, 0


@dataclass(frozen=True)
class Case:
    """How one item's code is run. `shows` says whether the stated fault shows; what it asserts holds either way."""

    shows: Callable[[Run], bool]
    mend: Edit  # within the line that the key names
    also: Mapping[int, Edit] = field(default_factory=dict)  # lines that must follow suit

    def mended(self, code: list[str], key: int) -> list[str]:
        """The code with the key's line mended. Raises ValueError where that line is not the one meant."""
        lines = list(code)
        for number, (old, new) in [(key, self.mend), *self.also.items()]:
            if lines[number - 1].count(old) != 1:
                raise ValueError(
                    f"line {number} is {lines[number - 1]!r}, in which {old!r} does not stand once"
                )
            lines[number - 1] = lines[number - 1].replace(old, new)
        return lines


CASES: dict[str, Case] = {}


def bug(
    item_id: str,
    old: str,
    new: str,
    *,
    also: Mapping[int, Edit] | None = None,
) -> Callable[[Callable[[Run], bool]], Callable[[Run], bool]]:
    """Enters a check for an item: `old` in the line of its key becomes `new`."""

    def enter(shows: Callable[[Run], bool]) -> Callable[[Run], bool]:
        if item_id in CASES:
            raise ValueError(f"{item_id} has two entries")
        CASES[item_id] = Case(shows, (old, new), also or {})
        return shows

    return enter
