"""Figures → Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import Figure, Table

RESULTS = Path(__file__).parent / "results"
_HEAD = ("figure", "ours", "theirs", "ratio", "min – max", "bar", "stretch", "reached", "note")


GROWTH = 0.1  # of what is counted; less is another version of a library


class Report:
    """What was found so far, on disk after every row."""

    def __init__(self, facts: Mapping[str, Any], folder: Path) -> None:
        self.results: list[Figure | Table] = []
        self._skipped: list[str] = []
        self._facts = facts
        self._folder = folder

    @property
    def text(self) -> str:
        """As it is printed."""
        return markdown(self.results, self._skipped, self._facts)

    def add(self, found: Sequence[Figure | Table]) -> None:
        """Keep a row; raises whatever its figures raise, and then keeps nothing of it."""
        markdown(found, [], {})
        self.results += found
        self._write()

    def skip(self, reason: str) -> None:
        """Note why a row is missing."""
        self._skipped.append(reason)
        self._write()

    def _write(self) -> None:
        write(self.text, data(self.results, self._skipped, self._facts), self._folder)


def grown(results: Iterable[Figure | Table], stored: Path, python: str) -> list[str]:
    """What is counted and has become more than in a report that was kept, a line each.

    Times are never compared, and nothing is where the report is of another Python than 3.x as `python` says.
    """
    kept = json.loads(stored.read_text(encoding="utf-8"))
    if kept["machine"]["python"].split(".")[:2] != python.split(".")[:2]:
        return []
    before = {figure["title"]: figure["value"] for figure in kept["figures"] if figure["counted"]}
    return [
        f"{figure.title}: {figure.value:.0f} {figure.unit}, and {before[figure.title]:.0f} before"
        for figure in results
        if isinstance(figure, Figure) and figure.counted and figure.title in before
        if figure.value > before[figure.title] * (1 + GROWTH)
    ]


def write(text: str, data: Mapping[str, Any], folder: Path = RESULTS) -> None:
    """Keep the latest report."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latest.md").write_text(text, encoding="utf-8")
    (folder / "latest.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def markdown(results: Sequence[Figure | Table], skipped: Iterable[str], facts: Mapping[str, Any]) -> str:
    """The report as it is printed."""
    parts = [
        "# Speed\n",
        ", ".join(f"{name} {value}" for name, value in facts.items()) + "\n",
        body(results),
        *(f"Skipped: {reason}\n" for reason in skipped),
    ]
    return "\n".join(parts)


def body(results: Sequence[Figure | Table]) -> str:
    """All figures in one table, then each table below its title."""
    figures = [_line(result) for result in results if isinstance(result, Figure)]
    tables = [result for result in results if isinstance(result, Table)]
    parts = [
        *([_table(_HEAD, figures)] if figures else []),
        *(f"## {table.title}\n\n{_table(table.head, _cells(table))}" for table in tables),
    ]
    return "\n".join(parts)


def data(results: Sequence[Figure | Table], skipped: Sequence[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The same with every sample."""
    figures = [
        {**asdict(result), "value": result.value, "reached": result.verdict}
        for result in results
        if isinstance(result, Figure)
    ]
    tables = [asdict(result) for result in results if isinstance(result, Table)]
    return {"machine": dict(facts), "figures": figures, "tables": tables, "skipped": list(skipped)}


def _line(figure: Figure) -> list[str]:
    spread = f"{_number(min(figure.samples))} – {_number(max(figure.samples))}"
    theirs = f"{_number(median(figure.theirs))} {figure.unit}" if figure.theirs else ""
    ratio = _number(figure.value) if figure.theirs else ""
    goal = figure.goal
    bar, stretch = (_number(goal.bar), _number(goal.stretch)) if goal else ("", "")
    ours = f"{_number(median(figure.ours))} {figure.unit}"
    return [figure.title, ours, theirs, ratio, spread, bar, stretch, figure.verdict, figure.note]


def _cells(table: Table) -> list[list[str]]:
    return [[cell if isinstance(cell, str) else _number(cell) for cell in line] for line in table.lines]


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _number(value: float) -> str:
    """Three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
