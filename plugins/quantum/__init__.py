"""What post-quantum cryptography costs on this machine, its random source, and quantum simulations that push."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collector_core import Collector, Context, NotAvailable, PushInbox, Readings, Reason, hookimpl
from collector_plugins.quantum import merkle, metrics
from collector_plugins.quantum.config import Config
from collector_plugins.quantum.demo import DemoQuantum
from collector_plugins.quantum.findings import find
from collector_plugins.quantum.measurement import Measurement, algorithms, measure
from collector_plugins.quantum.pushed import Simulation
from collector_plugins.quantum.security import strengths

if TYPE_CHECKING:
    from aiohttp import web

FIX = "add `quantum: {}` below `collectors:`"


class Quantum(Collector[Config]):
    """Measures now and then within a CPU budget; in between it shows what was found, and what was pushed."""

    name = "quantum"
    metrics = metrics.ALL
    config_type = Config
    default_timeout = 30.0

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._last: Measurement | None = None
        self._next_at = 0.0
        self._measured_at = 0.0
        self._cpu_seconds = 0.0
        push = config.push
        self._inbox = PushInbox("quantum", Simulation, push, ctx.clock, wake=ctx.wake) if push is not None else None
        known = strengths()
        self._strengths = {name: known[name] for name in config.algorithms or (*algorithms(config), merkle.HASH)}

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never there by itself: it takes CPU time, so that somebody has to want it."""
        del ctx
        return NotAvailable(Reason.NOT_FOUND, "takes CPU time and so runs only when it is configured", fix=FIX)

    def measure(self) -> Measurement:
        """Measure everything, on this thread."""
        return measure(self.config, self.ctx, time.thread_time, time.monotonic)

    def collect(self, out: Readings) -> None:
        """Measure if it is time to; show what was found last, and what was pushed."""
        now = self.ctx.clock.monotonic()
        if self._last is None or now >= self._next_at:
            self._next_at = now + self.config.measure_every
            self._last = self.measure()
            self._measured_at = self.ctx.clock.time()
            self._cpu_seconds += self._last.cpu_seconds
        self._last.publish(out)
        out.add(metrics.CPU, self._cpu_seconds)
        out.add(metrics.BUDGET, self.config.cpu_budget_seconds)
        out.add(metrics.MEASURED_AT, self._measured_at)
        for algorithm, strength in self._strengths.items():
            for kind, bits in strength._asdict().items():
                out.add(metrics.SECURITY, bits, algorithm=algorithm, kind=kind)
        pushed = self._inbox.current() if self._inbox else {}
        _publish_pushed(out, pushed)
        for (finding, subject), holds in find(self.config, self._strengths, self._last, pushed).items():
            out.add(metrics.ALERTS, holds, finding=finding.value, subject=subject)

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """Where simulations push, unless nobody may."""
        return self._inbox.routes() if self._inbox else []


def _publish_pushed(out: Readings, pushed: Mapping[str, Simulation]) -> None:
    for name, simulation in pushed.items():
        for metric, value in simulation.values().items():
            out.add(metric, value, simulation=name)
        if simulation.backend:
            out.add(metrics.INFO, simulation=name, backend=simulation.backend)


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Quantum]


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """A simulated machine."""
    return [DemoQuantum]
