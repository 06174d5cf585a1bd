"""Simulated workloads, for trying dashboards without any: `energy-collector run --demo`."""

from __future__ import annotations

from typing import NamedTuple

from collector_core import Collector, Context, Readings
from collector_core.demo import Totals, daily, noise
from collector_plugins.workloads import metrics
from collector_plugins.workloads.config import Config


class _Workload(NamedTuple):
    """`low` and `high` are its dynamic watts by night and by day, `memory` its share of the memory's."""

    kind: str
    name: str
    low: float
    high: float
    memory: float
    namespace: str = ""
    part: str = ""
    image: str = ""
    runtime: str = ""
    owner: str = ""
    user: str = ""
    slice: str = "system.slice"


WORKLOADS = (
    _Workload("unit", "postgresql.service", 6, 14, 0.22),
    _Workload("unit", "nginx.service", 1, 5, 0.03),
    _Workload("container", "grafana", 1, 3, 0.04, image="grafana/grafana:12.1.0", runtime="docker"),
    _Workload("container", "builds", 2, 38, 0.12, image="ci-runner:4", runtime="podman", slice="machine.slice"),
    _Workload(
        "pod", "api-5d9c7b-x2x9z", 4, 18, 0.1, "shop", image="shop/api:3.2", owner="Deployment/api",
        slice="kubepods-burstable.slice",
    ),
    _Workload("pod", "db-0", 3, 9, 0.2, "shop", image="postgres:17", owner="StatefulSet/db", slice="kubepods.slice"),
    _Workload("slurm", "4711", 20, 45, 0.1, part="0", user="ada"),
    _Workload("guest", "windows-11", 3, 12, 0.12, slice="machine.slice"),
    _Workload("session", "ada", 0.5, 6, 0.05, user="ada", slice="user.slice"),
    _Workload("other", "other", 0.2, 0.5, 0.02, slice=""),
)  # fmt: skip
IDLE = {"cpu": 42.0, "dram": 9.0}
UNATTRIBUTED = {"cpu": 1.5, "dram": 0.8}
MEMORY_WATTS = 14.0


class DemoWorkloads(Collector[Config]):
    """Simulated workloads of the demo rack, whose joules add up as those of real ones do."""

    name = "workloads"
    metrics = metrics.ALL
    config_type = Config

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._totals = Totals()

    def collect(self, out: Readings) -> None:
        """Show each workload as it would be at this time of the day."""
        now = self.ctx.clock.time()
        sums = {
            component: self._grow("idle", component, IDLE[component], now)
            + self._grow("unattributed", component, UNATTRIBUTED[component], now)
            for component in IDLE
        }
        for each in WORKLOADS:
            watts = daily(now, each.low, each.high, peak_hour=15, weekend=0.5) * (1 + noise(now, each.name, 0.2))
            for component, share in (("cpu", watts), ("dram", MEMORY_WATTS * each.memory)):
                joules = self._grow(f"{each.kind} {each.name}", component, share, now)
                sums[component] += joules
                labels = {"kind": each.kind, "name": each.name, "namespace": each.namespace, "part": each.part}
                out.add(metrics.ENERGY, joules, **labels, component=component)
            self._describe(out, each)
        for component, measured in sums.items():
            out.add(metrics.IDLE, self._grow("idle", component, IDLE[component], now), component=component)
            unattributed = self._grow("unattributed", component, UNATTRIBUTED[component], now)
            out.add(metrics.UNATTRIBUTED, unattributed, component=component)
            out.add(metrics.ENDED, 0.0, component=component)
            out.add(metrics.MEASURED, measured, component=component)
            out.add(metrics.CONSERVATION, 1.0, component=component)

        self._show_process(out, now)

    def _show_process(self, out: Readings, now: float) -> None:
        watts = daily(now, 6, 14, peak_hour=15) * (1 + noise(now, "watched", 0.2))
        out.add(metrics.WORK, 0.35 * (1 + noise(now, "work", 0.15)), work="queries")
        out.add(metrics.WORK_INFO, work="queries", kind="unit", name="postgresql.service")
        out.add(metrics.PROCESS_MEMORY, 3.1e9 * (1 + noise(now, "memory", 0.05)), process="postgres")
        out.add(metrics.PROCESS_POWER, watts, process="postgres")

    def _grow(self, name: str, component: str, watts: float, now: float) -> float:
        return self._totals.grow((name, component), watts, now)

    def _describe(self, out: Readings, each: _Workload) -> None:
        if each.kind != "other":
            fields = {label: getattr(each, label) for label in metrics.INFO.labels}
            out.add(metrics.INFO, 1.0, **fields)
