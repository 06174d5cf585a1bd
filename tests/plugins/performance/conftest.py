"""Other collectors' readings, as text in Prometheus' format; what a plugin declares is published as declared."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector_core import Collector, Counter, Gauge, Published, Unit
from collector_core.plugins.discovery import discover
from collector_core.testing import Harness
from collector_plugins.performance import Performance

DECLARED = {metric.name: metric for cls in discover().types.values() for metric in cls.metrics}
GREENHOUSE = Gauge(
    "shelly_power_watts",
    "Power.",
    Unit.WATTS,
    ("plug",),
    topic="power",
    of="greenhouse",
    title="Power of the greenhouse",
)
OTHER_GPU = Gauge("other_gpu_power_watts", "Power.", Unit.WATTS, ("card",), topic="power", of="gpu", title="GPU power")
WATERED = Counter("shelly_waterings_total", "Waterings.", topic="waterings", of="greenhouse", title="Waterings")


class _Others(Collector):
    """Shows what a text says; labels that it leaves out are empty."""

    name, metrics = "others", (*DECLARED.values(), GREENHOUSE, OTHER_GPU, WATERED)
    text = ""

    def collect(self, out):
        declared = {metric.name: metric for metric in self.metrics}
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                metric = declared[sample.name]
                out.add(metric, sample.value, **{label: sample.labels.get(label, "") for label in metric.labels})


class Node:
    """The plugin beside a collector that shows `text`."""

    def __init__(self, root=Path("/"), **options):
        self.others = Harness(_Others)
        self.harness = Harness(Performance, root, published=self._published, **options)
        self.collector = self.harness.collector

    def _published(self):
        return [Published("others", {}, self.others.snapshot)]

    def run(self, text="", advance=0.0):
        _Others.text = text
        self.others.run(advance=advance)
        self.harness.run(advance=advance)
        return self.harness


@pytest.fixture
def node():
    made = []

    def make(root=Path("/"), **options):
        made.append(Node(root, **{"node_id": "rack-7"} | options))
        return made[-1]

    yield make
    for each in made:
        each.harness.close()
        each.others.close()
