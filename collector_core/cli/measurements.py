"""`energy-collector measurements …`: what was measured, and what it says together."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from collector_core.cli.common import Common, common_options
from collector_core.cli.database import database_option, opened
from collector_core.cli.table import table
from collector_core.measure.kept import KeptMeasurement
from collector_core.measure.operations import Operation, by_operation, figures
from collector_core.measure.report import markdown_report
from collector_core.measure.report import report as report_data
from collector_core.measure.statistics import summarize
from collector_core.measure.store import NotAStoreError
from collector_core.model.quantities import quantity

FIGURES = {"energy_joules": "J", "duration_seconds": "s", "cpu_seconds": "s", "memory_bytes": "B"}
_FIRST = ("id", "started_at", "label", "command", "exit_code", "method", "level")


@click.group("measurements")
def command() -> None:
    """Work with the measurements that `measure` has stored."""


def _label_option(function: Any) -> Any:
    return click.option("--label", help="Only measurements with this label.")(function)


@command.command("list", short_help="List measurements, newest last.")
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="Maximum number to list.")
@_label_option
@database_option
@common_options(default_level="error")
def list_(common: Common, last: int, label: str | None, db: Path | None) -> None:
    """List the latest measurements, newest last."""
    del common
    rows = [_line(each) for each in _kept(db, label, last)]
    click.echo(table(("when", "energy", "method", "duration", "CPU time", "label"), rows))


@command.command("stats", short_help="Show count, minimum, mean, maximum and deviation by label.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in base units.")
@_label_option
@database_option
@common_options(default_level="error")
def stats(common: Common, as_json: bool, label: str | None, db: Path | None) -> None:
    """Show count, minimum, mean, maximum and deviation of energy, duration, CPU time and memory, by label.

    What was measured by different methods, or of different parts of the machine, is never averaged.
    """
    del common
    found = [row for operation, kept in by_operation(_kept(db, label)).items() for row in _statistics(operation, kept)]
    if as_json:
        click.echo(json.dumps([{key: value for key, value in row.items() if value is not None} for row in found]))
        return
    keys = ("minimum", "mean", "maximum", "deviation")
    rows = [
        (
            *(row[key] for key in ("label", "figure")),
            str(row["count"]),
            *(quantity(row[key], FIGURES[row["figure"]]) for key in keys),
            *(row[key] for key in ("method", "scope", "host")),
        )
        for row in found
    ]
    columns = ("label", "figure", "count", "min", "mean", "max", "deviation", "method", "of", "host")
    click.echo(table(columns, rows))


@command.command("export", short_help="Write all measurements as CSV or JSON.")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@_label_option
@database_option
@common_options(default_level="error")
def export(common: Common, form: str, label: str | None, db: Path | None) -> None:
    """Write measurements to stdout, in base units; unknown values are empty or absent."""
    del common
    rows = [each.to_dict() for each in _kept(db, label)]
    click.echo(json.dumps(rows, ensure_ascii=False, indent=1) if form == "json" else _csv(rows), nl=form == "json")


@command.command("report", short_help="Write a report in Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in base units.")
@_label_option
@database_option
@common_options(default_level="error")
def report(common: Common, as_json: bool, label: str | None, db: Path | None) -> None:
    """Write totals, the average of each operation, methods, confidence and suggestions, in Markdown.

    What was measured by different methods, of different parts of the machine or on another host is never averaged; of
    each label one way is marked as the one to quote: measured before estimated, then the whole before its parts.
    """
    del common
    kept = _kept(db, label)
    click.echo(
        json.dumps(report_data(kept), ensure_ascii=False, indent=1) if as_json else markdown_report(kept), nl=as_json
    )


@command.command("merge", short_help="Add the measurements of another machine's database.")
@click.argument("other", type=click.Path(path_type=Path))
@database_option
@common_options(default_level="error")
def merge(common: Common, other: Path, db: Path | None) -> None:
    """Add the measurements in OTHER that are not here yet. Merging a file again adds nothing, and changes it never.

    Exit code 0: merged; 1: OTHER is no database of measurements; 2: the own database cannot be used.
    """
    del common
    with opened(db) as store:
        try:
            added = store.merge(other)
        except NotAStoreError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{added} measurements added")


def _kept(db: Path | None, label: str | None, last: int | None = None) -> list[KeptMeasurement]:
    with opened(db) as store:
        return store.measurements(label, last)


def _line(kept: KeptMeasurement) -> tuple[str, ...]:
    energy = quantity(kept.figure("energy_joules"), "J")
    return (
        datetime.fromtimestamp(kept.started_at, UTC).isoformat(" ", "seconds").removesuffix("+00:00"),
        f"≈ {energy}" if energy and kept.result.get("estimated") else energy,
        str(kept.result.get("method", "")),
        quantity(kept.figure("duration_seconds"), "s"),
        quantity(kept.figure("cpu_seconds"), "s"),
        kept.label,
    )


def _statistics(operation: Operation, kept: Sequence[KeptMeasurement]) -> list[dict[str, Any]]:
    """A row for each figure that is known of at least one."""
    rows = []
    for figure in FIGURES:
        if values := figures(kept, figure):
            found = summarize(values)
            rows.append({**operation._asdict(), "figure": figure, **vars(found)})
    return rows


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    """A column for each figure of any row; components have one each."""
    flat = [_flat(row) for row in rows]
    names = {name: None for row in flat for name in row}
    columns = [*(name for name in _FIRST if name in names), *(name for name in names if name not in _FIRST)]
    with closing(io.StringIO()) as text:
        writer = csv.DictWriter(text, columns or _FIRST)
        writer.writeheader()
        writer.writerows(flat)
        return text.getvalue()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in row.items() if not isinstance(value, dict | list)}
    components = {f"{name}_joules": value for name, value in row.get("components", {}).items()}
    others = {
        f"{other['name']}_{name}": value
        for other in row.get("others", [])
        for name, value in other.items()
        if name != "name"
    }
    problems = {"problems": "; ".join(row["problems"])} if row.get("problems") else {}
    return {**plain, **components, **others, **problems}
