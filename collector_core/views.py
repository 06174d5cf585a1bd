"""What the status page, the JSON endpoints and the commands show of an app, as plain data."""

from __future__ import annotations

from typing import Any

from collector_core.app import App, Idle
from collector_core.discovery import Plugin
from collector_core.metrics import Metric
from collector_core.readings import Snapshot
from collector_core.runner import Runner
from collector_core.secrets import Redactor


def collectors(app: App) -> list[dict[str, Any]]:
    """Every collector, running or not, and every plugin that could not be loaded; by name."""
    rows = [_running(runner) for runner in app.runners.copy().values()]
    rows += [_idle(idle) for idle in app.idle]
    rows += [_broken(plugin) for plugin in app.plugins.broken]
    return sorted((_redacted(row, app.redactor) for row in rows), key=lambda row: str(row["name"]))


def snapshot(app: App) -> dict[str, Any]:
    """The readings that are shown now, by collector."""
    return {name: _readings(runner) for name, runner in sorted(app.runners.copy().items())}


def ready(app: App) -> bool:
    """Whether every collector has had its first result, good or bad."""
    return app.watchdog.alive and all(runner.last_report for runner in app.runners.copy().values())


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
        "labels": dict(instance.labels),
        "series": len(runner.snapshot),
        "runs": {result.value: count for result, count in health.runs.items()},
        "skipped_ticks": health.skipped_ticks,
        "last_success_timestamp_seconds": health.last_success,
        "hung": runner.hung,
    }
    if report:
        row |= {"duration_seconds": report.duration, "reason": report.reason, "error": report.error, "fix": report.fix}
        row["failed_parts"] = {failure.name: str(failure.error) for failure in report.part_failures}
    return row


def _idle(idle: Idle) -> dict[str, Any]:
    details = {"reason": idle.reason, "error": idle.detail, "fix": idle.fix}
    return {"name": idle.name, "plugin": idle.plugin, "state": "not running", "up": None, "series": 0, **details}


def _broken(plugin: Plugin) -> dict[str, Any]:
    details = {"reason": "bad_data", "error": plugin.error, "fix": f"pip install --upgrade {plugin.distribution}"}
    return {"name": plugin.name, "plugin": plugin.name, "state": "broken plugin", "up": None, "series": 0, **details}


def _readings(runner: Runner) -> dict[str, Any]:
    shown = runner.snapshot
    constant = dict(runner.instance.labels)
    return {metric.name: _metric(metric, shown, constant) for metric in shown.layout.metrics}


def _metric(metric: Metric, shown: Snapshot, constant: dict[str, str]) -> dict[str, Any]:
    samples = [
        {"labels": constant | dict(zip(metric.labels, key, strict=True)), "value": value}
        for key, value in shown.series(metric)
    ]
    return {"type": metric.kind, "unit": metric.unit.value, "help": metric.help, "series": samples}
