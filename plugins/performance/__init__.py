"""A node as a whole: one snapshot of what all collectors say, its history and a report."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collector_core import Collector, Context, NotAvailable, Readings, Targets, hookimpl
from collector_plugins.performance import metrics
from collector_plugins.performance.config import Config
from collector_plugins.performance.kept_incidents import KeptIncidents
from collector_plugins.performance.probes import Probe, Reachability
from collector_plugins.performance.recent_snapshots import RecentSnapshots
from collector_plugins.performance.routes import Api, State
from collector_plugins.performance.snapshot import Sections, SnapshotReader

if TYPE_CHECKING:
    from aiohttp import web

MAX_SNAPSHOTS = 10_000


class Performance(Collector[Config]):
    """Sums up what the other collectors show, keeps it for a while and serves it as JSON and Markdown."""

    name = "performance"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 15.0
    default_timeout = 10.0
    needs_two_runs = True
    after_others = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._reader = SnapshotReader()
        self._recent = RecentSnapshots(config.retention, MAX_SNAPSHOTS)
        self._incidents = KeptIncidents(ctx)
        probes = {name: Probe(target, ctx.clock.monotonic, ctx.timeout / 3) for name, target in config.targets.items()}
        self._targets = Targets(ctx, probes, self._attempt)
        self._node_id = config.node_id or socket.gethostname()
        self._state = State()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Always there: it has no source of its own."""
        del ctx
        return None

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """`/api/v1/performance/…`."""
        return Api(lambda: self._state, self.ctx.history, self.config.retention, self.ctx.interval).routes()

    async def collect(self, out: Readings) -> None:
        """Try the targets, all at once, then take down what everybody shows."""
        reached = dict(await self._targets.poll(out, label="target", optional=True))
        for name, said in reached.items():
            out.add_row((metrics.LATENCY, metrics.LOSS), said, target=name)
            out.add(metrics.UP, said.latency is not None, target=name)
        for name in self._targets.failures.keys() - reached.keys():
            out.add(metrics.UP, 0, target=name)
        self._take_down(reached)
        out.add(metrics.SNAPSHOTS, len(self._state.snapshots))

    async def close(self) -> None:
        """Give up attempts that are under way."""
        await self._targets.close()

    async def _attempt(self, _: str, probe: Probe) -> Reachability:
        return await probe.attempt()

    def _take_down(self, reached: Mapping[str, Reachability]) -> None:
        clock, published = self.ctx.clock, self.ctx.published()
        time, now = clock.time(), clock.monotonic()
        sections = self._reader.read(published, now)
        _add_targets(sections, reached)
        snapshot = {"node_id": self._node_id, "timestamp_seconds": time} | sections
        self._recent.add(snapshot, time, now, is_alone=self.ctx.history.is_kept)
        incidents = self._incidents.record(published, time)
        labels = {each.source: frozenset(each.labels) for each in published}
        self._state = State(self._recent.all(), incidents, self._node_id, labels)


def _add_targets(sections: Sections, reached: Mapping[str, Reachability]) -> None:
    """This run's own figures, instead of those of the run before, which are published yet."""
    network = sections.setdefault("network", {})
    for figure, values in {
        "latency_seconds": {name: said.latency for name, said in reached.items() if said.latency is not None},
        "loss_ratio": {name: said.loss for name, said in reached.items()},
    }.items():
        network.pop(figure, None)
        if values:
            network[figure] = values
    if not network:
        del sections["network"]


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Performance]


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """The same with simulated targets."""
    from collector_plugins.performance.demo import DemoPerformance  # noqa: PLC0415 - nothing else needs it

    return [DemoPerformance]
