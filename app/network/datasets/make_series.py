"""Make series.json: yearly sunspots, monthly airline passengers, daily maxima of Seattle.

Run by hand, never in the project's environment:

    python3 -m venv /tmp/series
    /tmp/series/bin/pip install --no-deps statsmodels==0.14.5 aeon==1.6.0 vega_datasets==0.9.0
    /tmp/series/bin/python app/network/datasets/make_series.py

Each file is read straight out of the installed package, so their heavy dependencies are not needed.
Origins and licences: series.LICENCE.txt.
"""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path

SERIES = {
    "sunspots": ("statsmodels", "datasets/sunspots/sunspots.csv", "YEAR", "SUNACTIVITY"),
    "airline": ("aeon", "datasets/data/Airline/Airline.csv", "Date", "Passengers"),
    "weather": ("vega_datasets", "_data/seattle-weather.csv", "date", "temp_max"),
}


def column(package: str, path: str, when: str, what: str) -> dict[str, list[float] | str]:
    """{"first", "last": the dates of both ends, "values"} of one column."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.submodule_search_locations
    file = Path(found.submodule_search_locations[0]) / path
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text))
    values = [float(row[what]) for row in rows]
    return {"first": rows[0][when], "last": rows[-1][when], "values": values}


if __name__ == "__main__":
    made = {name: column(*where) for name, where in SERIES.items()}
    text = json.dumps(made, separators=(",", ":"))
    (Path(__file__).parent / "series.json").write_text(text + "\n", encoding="utf-8")
