"""Other collectors' readings, as text in Prometheus' format; what a plugin declares is published as declared."""

from pathlib import Path

import pytest

from collector_core import Counter, Gauge, Published, Unit
from collector_core.testing import Harness
from collector_plugins.performance import Performance
from tests.shown import Shown

GREENHOUSE = Gauge(
    "shelly_power_watts",
    "Power.",
    Unit.WATTS,
    ("plug",),
    topic="power",
    of="greenhouse",
    title="Greenhouse power",
)
OTHER_GPU = Gauge("other_gpu_power_watts", "Power.", Unit.WATTS, ("card",), topic="power", of="gpu", title="GPU power")
WATERED = Counter("shelly_waterings_total", "Waterings.", topic="waterings", of="greenhouse", title="Waterings")


class _Others(Shown):
    """Shows metrics of a plugin that nobody knows, too."""

    metrics = (*Shown.metrics, GREENHOUSE, OTHER_GPU, WATERED)


class Node:
    """The plugin beside a collector that shows `text`."""

    def __init__(self, root=Path("/"), **options):
        self.others = Harness(_Others)
        self.harness = Harness(Performance, root, published=self._published, **options)
        self.collector = self.harness.collector

    def _published(self):
        return [Published("others", {}, self.others.snapshot)]

    def run(self, text="", advance=0.0):
        self.others.collector.text = text
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
