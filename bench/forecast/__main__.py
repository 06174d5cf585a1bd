"""`python -m bench.forecast [scores] [batteries]`: measures, and writes what it finds into docs/forecast-scores.md."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import report
from bench.effort import FULL
from bench.figures import Figure, Table
from bench.forecast.comparison import compare
from bench.forecast.empty_at import measure_homes

DOCUMENT = Path(__file__).parents[2] / "docs" / "forecast-scores.md"
PARTS: dict[str, Callable[[], list[Figure | Table]]] = {
    "scores": lambda: compare(FULL.forecasts),
    "batteries": lambda: measure_homes(FULL.homes),
}


def main(names: Sequence[str]) -> None:
    """Replace figures and tables, all or those that are named, and leave the words around them."""
    for name in names or PARTS:
        found = report.body(PARTS[name]())
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        text = DOCUMENT.read_text(encoding="utf-8")
        before, after = text.split(start)[0], text.split(end)[1]
        DOCUMENT.write_text(f"{before}{start}\n\n{found}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
