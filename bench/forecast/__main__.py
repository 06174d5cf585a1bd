"""`python -m bench.forecast`: compares, and writes what it finds between the markers of docs/forecast-scores.md."""

from __future__ import annotations

from pathlib import Path

from bench import report
from bench.effort import FULL
from bench.forecast.comparison import compare

DOCUMENT = Path(__file__).parents[2] / "docs" / "forecast-scores.md"
START, END = "<!-- scores -->", "<!-- /scores -->"


def main() -> None:
    """Replace the figures and tables, and leave the words around them."""
    found = report.body(compare(FULL.forecasts))
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[1]
    DOCUMENT.write_text(f"{before}{START}\n\n{found}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
