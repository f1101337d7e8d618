"""Cut the maths font down to what the pages use: python -m app.web.fonts OUT.woff2

STIX Two Math (OFL 1.1) arrives inside the package ziamath; the result is made at set-up, never committed.
"""

import sys
from importlib.resources import as_file, files
from pathlib import Path

from fontTools import subset

# Latin, Greek, arrows, operators, the letters of mathematical italic and bold; U+210E is italic h.
RANGES = (
    (0x20, 0x7E),
    (0xA0, 0xB7),
    (0xD7, 0xD7),
    (0xF7, 0xF7),
    (0x131, 0x131),
    (0x237, 0x237),
    (0x2C6, 0x2DC),
    (0x300, 0x308),
    (0x391, 0x3C9),
    (0x2010, 0x2044),
    (0x2061, 0x2064),
    (0x20D6, 0x20D7),
    (0x2102, 0x2102),
    (0x210E, 0x210F),
    (0x2113, 0x2113),
    (0x2115, 0x2115),
    (0x211D, 0x211D),
    (0x2190, 0x2195),
    (0x21A6, 0x21A6),
    (0x21D2, 0x21D4),
    (0x2200, 0x2265),
    (0x226A, 0x226B),
    (0x2282, 0x2287),
    (0x2295, 0x2299),
    (0x22A4, 0x22A5),
    (0x22C5, 0x22C6),
    (0x22EE, 0x22F1),
    (0x2308, 0x230B),
    (0x23DE, 0x23DF),
    (0x27E8, 0x27E9),
    (0x1D400, 0x1D467),
    (0x1D6A4, 0x1D6A5),
    (0x1D6FC, 0x1D714),
)


def make(out: Path) -> int:
    """Write the subset as WOFF2 with its MATH table; its size in bytes."""
    options = subset.Options(
        flavor="woff2", layout_features=["ssty"], hinting=False, notdef_outline=True, drop_tables=["DSIG"]
    )
    with as_file(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf") as path:
        font = subset.load_font(str(path), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    cutter.subset(font)
    out.parent.mkdir(parents=True, exist_ok=True)
    subset.save_font(font, str(out), options)
    return out.stat().st_size


if __name__ == "__main__":
    make(Path(sys.argv[1]))
