"""A collector that reads a powercap tree whose energy the test decides."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector_core import Context, Metric, Readings
from collector_core.testing import FakeClock
from collector_plugins.rapl import Rapl
from tests.powercap import LIMITS, SERVER_DRAM, PowercapTree, readable_by_everybody, without_privileges


@dataclass
class Run:
    """What one run published."""

    families: dict[Metric, dict[tuple[str, ...], float]]
    failures: dict[str, Exception]

    def by_path(self, metric: Metric) -> dict[str, float]:
        place = metric.labels.index("path")
        return {key[place]: value for key, value in self.families.get(metric, {}).items()}

    def labels(self, metric: Metric) -> list[dict[str, str]]:
        return [dict(zip(metric.labels, key, strict=True)) for key in self.families.get(metric, {})]

    def roles(self) -> dict[str, str]:
        zones = next(metric for metric in Rapl.metrics if metric.name == "rapl_zone_info")
        return {labels["path"]: labels["role"] for labels in self.labels(zones)}

    def duplicates(self) -> dict[str, str]:
        metric = next(metric for metric in Rapl.metrics if metric.name == "rapl_zone_duplicate_info")
        return {labels["path"]: labels["of"] for labels in self.labels(metric)}


class Rig:
    """A tree, a clock and the collector that reads the one by the other."""

    def __init__(self, tree: PowercapTree) -> None:
        self.tree = tree
        self.clock = FakeClock()
        self.collector = self.new_collector()

    def context(self, interval: float = 1.0) -> Context:
        return Context(
            name="rapl", logger=logging.getLogger("test.rapl"), interval=interval, clock=self.clock, root=self.tree.root
        )

    def new_collector(self, interval: float = 1.0) -> Rapl:
        return Rapl(Rapl.config_type(), self.context(interval))

    def open(self) -> Run:
        self.collector.open()
        return self.run()

    def run(self) -> Run:
        out = Readings(Rapl.metrics, max_series=2000)
        self.collector.collect(out)
        snapshot = out.snapshot()
        families = {metric: dict(snapshot.series(metric)) for metric in snapshot.layout.metrics}
        return Run(families, {failure.labels["zone"]: failure.error for failure in out.part_failures})

    def step(self, seconds: float = 1.0) -> Run:
        """Let everything use energy for a while, then run."""
        self.tree.advance(seconds)
        self.clock.advance(seconds)
        return self.run()

    unprivileged = staticmethod(without_privileges)


@pytest.fixture
def public_directory() -> Iterator[Path]:
    with readable_by_everybody() as root:
        yield root


@pytest.fixture
def make_rig() -> type[Rig]:
    return Rig


@pytest.fixture
def rig(public_directory: Path) -> Rig:
    """A rig without any zone."""
    return Rig(PowercapTree(public_directory))


@pytest.fixture
def two_sockets(rig: Rig) -> Rig:
    """Two Xeons with core, dram, psys and the MMIO duplicates of package and dram."""
    tree = rig.tree
    for socket, watts in ((0, 140.0), (1, 120.0)):
        start = 1_000_000_000 + socket * 8_876_543_210
        tree.add(f"intel-rapl:{socket}", f"package-{socket}", watts, start=start, limits=LIMITS)
        tree.add(f"intel-rapl:{socket}:0", "core", watts * 0.6, start=start // 2)
        tree.add(f"intel-rapl:{socket}:1", "dram", 18.0 - 2 * socket, maximum=SERVER_DRAM)
    tree.add("intel-rapl:2", "psys", 360.0, start=55_000_000_000)
    for socket, watts in ((0, 140.0), (1, 120.0)):
        start = 1_000_000_000 + socket * 8_876_543_210
        tree.add(f"intel-rapl-mmio:{socket}", f"package-{socket}", watts, start=start, limits=LIMITS)
    tree.add("intel-rapl-mmio:0:0", "dram", 18.0, maximum=SERVER_DRAM)
    return rig
