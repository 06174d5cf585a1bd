"""Other collectors' readings, as text in Prometheus' format."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector_core import Collector, Published
from collector_core.testing import Harness
from collector_plugins.performance import Performance


class _Others(Collector):
    """Shows what a text says."""

    name, metrics = "others", ()
    text = ""

    def collect(self, out):
        out.add_families(text_string_to_metric_families(self.text), merge=True)


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
