"""A node's history → a report in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

from collector_plugins.performance.past import Period, flat

TITLES = {"cpu": "CPU", "gpu": "GPU", "gpu_cluster": "GPU cluster", "gpu_host": "GPU hosts", "vm": "Virtual machines"}
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = re.compile(r"[&<>\\|`*\[\]]")
MINUTE = 60.0
MAX_ROWS = 200  # of one section's table; a cluster has more GPUs than a report has room


def markdown(period: Period, incidents: Sequence[Mapping[str, Any]]) -> str:
    """The report of at least one snapshot: what each figure is at the end, its mean, least and most over the time."""
    first, last = period.all[0], period.all[-1]
    lines = [
        f"# Performance of {cell(last['node_id'])}",
        "",
        f"{moment(first['timestamp_seconds'])} to {moment(last['timestamp_seconds'])}, {_basis(period)}.",
        *_anomalies(incidents),
    ]
    for section in _sections(period.all):
        lines += [
            "",
            f"## {TITLES.get(section) or section.replace('_', ' ').capitalize()}",
            "",
            *_table(section, period),
        ]
    return "\n".join(lines) + "\n"


def _basis(period: Period) -> str:
    number = f"{len(period.all)} snapshots"
    if period.step <= MINUTE:
        return number
    return (
        f"{number}, each the mean of {period.step / MINUTE:g} minutes; least and most of sums are those of such means"
    )


def _sections(snapshots: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those that any snapshot has, in the order of the newest that has them."""
    names = (name for each in reversed(snapshots) for name, value in each.items() if isinstance(value, Mapping))
    return list(dict.fromkeys(names))


def _table(section: str, period: Period) -> Iterator[str]:
    columns: dict[str, list[float]] = {}
    now = dict(flat(period.all[-1].get(section, {})))
    extremes = period.extremes.get(section, {})
    for snapshot in period.snapshots:
        for name, value in flat(snapshot.get(section, {})):
            columns.setdefault(name, []).append(value)
    columns |= {name: [value] for name, value in now.items() if name not in columns}
    yield "| figure | now | mean | least | most |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for name, values in list(columns.items())[:MAX_ROWS]:
        known = [*values, *extremes.get(name, ()), now.get(name, values[0])]
        numbers = (now.get(name), fmean(values), min(known), max(known))
        yield f"| {cell(name)} | {' | '.join(map(_number, numbers))} |"
    if len(columns) > MAX_ROWS:
        yield f"\n… and {len(columns) - MAX_ROWS} more figures."


def _anomalies(incidents: Sequence[Mapping[str, Any]]) -> list[str]:
    if not incidents:
        return ["", "No anomaly was seen."]
    rows = [
        f"| {moment(row['since'])} | {moment(row['until']) if row['until'] else 'still active'} "
        f"| {cell(row['component'])} | {cell(row['type'])} | {cell(row['severity'])} "
        f"| {cell(row['description'] or '–')} | {cell('; '.join(row['suggested_actions']) or '–')} |"
        for row in reversed(incidents)
    ]
    head = [
        "| since | until | component | type | severity | what | what to do |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return ["", "## Anomalies", "", *head, *rows]


def moment(seconds: float) -> str:
    """A time in UTC, for people."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _number(value: float | None) -> str:
    """Four digits, and no exponent where people expect none."""
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def cell(text: object) -> str:
    """A text as one cell of a table: no line break, and nothing that Markdown or HTML would interpret."""
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), " ".join(str(text).split()))
