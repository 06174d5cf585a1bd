"""The section of the report with what `energy-collector measure` has measured in its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector_core import CollectorError, describe, quantity
from collector_plugins.performance.report import MAX_ROWS, cell, moment

if TYPE_CHECKING:
    from collector_core.energy import KeptMeasurement

_FIGURES = (("energy_joules", "J"), ("duration_seconds", "s"))


def measurements_table(start: float, end: float) -> str:
    """The measurements that began in a period, as a section in Markdown; empty where there are none."""
    from collector_core.energy import measurements_between  # noqa: PLC0415 - with SQLite

    try:
        found = measurements_between(start, end)
    except CollectorError as error:
        return f"\n## Measurements\n\nThey cannot be read: {cell(describe(error))}\n"
    if not found:
        return ""
    rows = [_row(each) for each in found[-MAX_ROWS:]]
    head = ["| when | what | energy | method | duration |", "| --- | --- | ---: | --- | ---: |"]
    return "\n".join(["", "## Measurements", "", *head, *rows]) + "\n"


def _row(kept: KeptMeasurement) -> str:
    energy, duration = (_amount(kept.figure(name), unit) for name, unit in _FIGURES)
    method = cell(kept.result.get("method") or "–")
    return f"| {moment(kept.started_at)} | {cell(kept.label)} | {energy} | {method} | {duration} |"


def _amount(value: float | None, unit: str) -> str:
    return "–" if value is None else quantity(value, unit)
