"""A node as a whole: one snapshot of what all collectors say, its history and a report."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from collector_core import Collector, Context, NotAvailable, Readings, hookimpl
from collector_plugins.performance import metrics
from collector_plugins.performance.config import Config
from collector_plugins.performance.history import History, Incidents
from collector_plugins.performance.probes import Probe
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
        self._history = History(config.retention, MAX_SNAPSHOTS)
        self._incidents = Incidents()
        self._probes = {
            name: Probe(target, ctx.clock.monotonic, ctx.timeout / 3) for name, target in config.targets.items()
        }
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
        return Api(lambda: self._state).routes()

    async def collect(self, out: Readings) -> None:
        """Try the targets, all at once, then take down what everybody shows."""
        attempts = (probe.attempt() for probe in self._probes.values())
        results = await asyncio.gather(*attempts, return_exceptions=True)
        for (name, probe), result in zip(self._probes.items(), results, strict=True):
            with out.part(target=name):
                if isinstance(result, BaseException):
                    raise result
                out.add_row((metrics.LATENCY, metrics.LOSS), (probe.latency, probe.loss), target=name)
        self._take_down()
        out.add(metrics.SNAPSHOTS, len(self._state.snapshots))

    def _take_down(self) -> None:
        clock, published = self.ctx.clock, self.ctx.published()
        time, now = clock.time(), clock.monotonic()
        sections = self._reader.read(published, now)
        self._add_targets(sections)
        self._history.add({"node_id": self._node_id, "timestamp_seconds": time} | sections, time, now)
        self._incidents.see(published, time)
        self._state = State(self._history.all(), self._incidents.rows())

    def _add_targets(self, sections: Sections) -> None:
        """This run's own figures, which nobody has seen published yet."""
        latency = {name: probe.latency for name, probe in self._probes.items() if probe.latency is not None}
        if latency:
            sections.setdefault("network", {})["latency_seconds"] = latency
        if self._probes:
            sections.setdefault("network", {})["loss_ratio"] = {
                name: probe.loss for name, probe in self._probes.items()
            }


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Performance]


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """The same: it sums up what the others simulate, and has no targets unless it is given some."""
    return [Performance]
