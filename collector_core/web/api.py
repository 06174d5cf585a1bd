"""What the status page, the JSON endpoints and the commands show of an app, as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

from collector_core.config.redactor import Redactor
from collector_core.engine.app import App, Idle
from collector_core.engine.runner import Runner
from collector_core.model.families import Family
from collector_core.model.metrics import Metric
from collector_core.model.readings import Snapshot, all_labels
from collector_core.plugins.discovery import Plugin


def collectors(app: App) -> list[dict[str, Any]]:
    """Every collector, running or not, and every plugin that could not be loaded; by name."""
    rows = [_running(runner) for runner in app.runners.copy().values()]
    rows += [_idle(idle) for idle in app.idle]
    told = {idle.plugin for idle in app.idle}
    rows += [_broken(plugin) for plugin in app.plugins.unloaded.values() if plugin.name not in told]
    return sorted((_redacted(row, app.redactor) for row in rows), key=lambda row: str(row["name"]))


def snapshot(app: App) -> dict[str, Any]:
    """The readings that are shown now, by collector."""
    return {name: _readings(runner) for name, runner in sorted(app.runners.copy().items())}


def ready(app: App) -> bool:
    """Whether every collector has had its first result, good or bad."""
    return not app.loading and app.watchdog.alive and all(runner.last_report for runner in app.runners.copy().values())


def _redacted(row: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    """A row whose texts from plugins repeat no secret."""
    parts = {name: redactor(error) for name, error in row.get("failed_parts", {}).items()}
    texts = {key: redactor(row[key]) for key in ("error", "fix") if key in row}
    return row | texts | ({"failed_parts": parts} if "failed_parts" in row else {})


def _running(runner: Runner) -> dict[str, Any]:
    report, health, instance = runner.last_report, runner.health, runner.instance
    row: dict[str, Any] = {
        "name": instance.name,
        "plugin": instance.type.name,
        "state": report.result.value if report else "starting",
        "up": health.up,
        "interval_seconds": instance.interval,
        "timeout_seconds": instance.timeout,
        "stale_after_seconds": instance.stale_after,
        "labels": runner.labels,
        "series": len(runner.snapshot),
        "runs": {result.value: count for result, count in health.runs.items()},
        "skipped_ticks": health.skipped_ticks,
        "last_success_timestamp_seconds": health.last_success,
        "hung": runner.hung,
    }
    if report:
        row |= {"duration_seconds": report.duration, "reason": report.reason, "error": report.error, "fix": report.fix}
        row["failed_parts"] = {failure.name: failure.text for failure in report.part_failures}
    return row


def _idle(idle: Idle) -> dict[str, Any]:
    details = {"reason": idle.reason, "error": idle.detail, "fix": idle.fix}
    state, up = ("cannot run", False) if idle.wanted else ("not running", None)
    return {"name": idle.name, "plugin": idle.plugin, "state": state, "up": up, "series": 0, **details}


def _broken(plugin: Plugin) -> dict[str, Any]:
    details = {"reason": plugin.reason, "error": plugin.error, "fix": plugin.remedy}
    return {"name": plugin.name, "plugin": plugin.name, "state": "broken plugin", "up": None, "series": 0, **details}


def _readings(runner: Runner) -> dict[str, Any]:
    shown = runner.snapshot
    constant = runner.labels
    declared = {metric.name: _metric(metric, shown, constant) for metric in shown.layout.metrics}
    return declared | {name: row for family in shown.families for name, row in _family(family, constant)}


def _metric(metric: Metric, shown: Snapshot, constant: dict[str, str]) -> dict[str, Any]:
    samples = [{"labels": all_labels(metric, constant, key), "value": value} for key, value in shown.series(metric)]
    about = {"topic": metric.topic, "of": metric.of, "title": metric.title}
    return {"type": metric.kind, "unit": metric.unit, "help": metric.help, **about, "series": samples}


def _family(family: Family, constant: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """One row for each name that a family's series have: a histogram has several."""
    for name in dict.fromkeys(sample.name for sample in family.samples):
        samples = [
            {"labels": constant | dict(sample.labels), "value": _json_value(sample.value)}
            for sample in family.samples
            if sample.name == name
        ]
        yield name, {"type": family.type, "unit": family.unit, "help": family.documentation, "series": samples}


def _json_value(value: float) -> float | str:
    """JSON has no infinity; Prometheus' own API writes it as text, too."""
    return value if isfinite(value) else f"{value:+}".title()
