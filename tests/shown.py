"""A collector that shows what a text in Prometheus' format says, for plugins that work with others' readings."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client.parser import text_string_to_metric_families

from collector_core import Collector, Metric, Readings
from collector_core.plugins.discovery import discover


def declared_metrics() -> tuple[Metric, ...]:
    """Those of all bundled plugins."""
    types = discover().types.values()
    return tuple({metric.name: metric for cls in types for metric in cls.metrics}.values())


class Shown(Collector):
    """Publishes a declared metric as declared, with the labels that the text leaves out empty; any other as it is."""

    name = "others"
    metrics: Sequence[Metric] = declared_metrics()
    text = ""

    def collect(self, out: Readings) -> None:
        declared = {metric.name: metric for metric in self.metrics}
        for family in text_string_to_metric_families(self.text):
            if not all(sample.name in declared for sample in family.samples):
                out.add_families([family], merge=True)
                continue
            for sample in family.samples:
                metric = declared[sample.name]
                labels = {label: sample.labels.get(label, "") for label in metric.labels}
                out.add(metric, None if metric.kind == "info" else sample.value, **labels)
