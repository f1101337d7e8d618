"""Make stocks.json: monthly prices of five firms, January 2000 to March 2010.

Run by hand, never in the project's environment:

    python3 -m venv /tmp/stocks && /tmp/stocks/bin/pip install --no-deps vega_datasets==0.9.0
    /tmp/stocks/bin/python app/network/datasets/make_stocks.py

The file is read straight out of the installed package. Origin and licence: stocks.LICENCE.txt.
"""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def month(date: str) -> str:
    """'2004-08' of 'Aug 1 2004'."""
    name, _, year = date.split()
    return f"{year}-{MONTHS.index(name) + 1:02d}"


if __name__ == "__main__":
    found = importlib.util.find_spec("vega_datasets")
    assert found is not None
    assert found.submodule_search_locations
    file = Path(found.submodule_search_locations[0]) / "_data/stocks.csv"
    firms: dict[str, dict[str, list[float] | str]] = {}
    with file.open(encoding="utf-8-sig", newline="") as rows:
        for row in csv.DictReader(rows):
            firm = firms.setdefault(row["symbol"], {"first": month(row["date"]), "last": "", "values": []})
            firm["last"] = month(row["date"])
            values = firm["values"]
            assert isinstance(values, list)
            values.append(float(row["price"]))
    text = json.dumps(dict(sorted(firms.items())), separators=(",", ":"))
    (Path(__file__).parent / "stocks.json").write_text(text + "\n", encoding="utf-8")
