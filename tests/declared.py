"""Every metric that a panel or rule may use, with its labels: of plugins, the collector, Prometheus and rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from collector_core.engine import process_metrics as processmetrics
from collector_core.engine import self_metrics as selfmetrics
from collector_core.history import metrics as history
from collector_core.outputs import health as outputs
from collector_core.plugins.discovery import discover
from tests import promql

ROOT = Path(__file__).parents[1]
RULES = sorted((ROOT / "prometheus/rules").glob("*.yaml"))

OF_PROMETHEUS = {
    "up": frozenset[str](),
    "scrape_duration_seconds": frozenset[str](),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
}


def of_the_collector() -> dict[str, frozenset[str]]:
    """Name → labels of all metrics that the program and its plugins declare."""
    own = (*selfmetrics.HEALTH, *selfmetrics.APP, *processmetrics.METRICS, *outputs.METRICS, *history.METRICS)
    types = discover().types.values()
    metrics = (*own, *(metric for each in types for metric in each.metrics))
    return {metric.name: frozenset(metric.labels) for metric in metrics}


def rules(files: list[Path] = RULES) -> Iterator[tuple[Path, dict[str, object]]]:
    """All rules, each with its file."""
    for file in files:
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            yield from ((file, rule) for rule in group["rules"])


def everything() -> dict[str, frozenset[str]]:
    """Name → labels of all that may be asked for; recording rules are worked out in their order, by files."""
    known = of_the_collector() | OF_PROMETHEUS
    for _, rule in rules():
        if "record" in rule:
            known[str(rule["record"])] = promql.labels_of(str(rule["expr"]), known)
    return known
