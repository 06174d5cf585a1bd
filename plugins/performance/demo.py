"""For `energy-collector run --demo`: the real thing, and targets that are simulated."""

from __future__ import annotations

from collector_core import Context
from collector_core.demo import noise, spikes
from collector_plugins.performance import Performance
from collector_plugins.performance.config import Config, Target
from collector_plugins.performance.probes import Probe, Reachability

TARGETS = {"gateway": 0.0008, "storage": 0.0004, "peer": 0.021}  # seconds of a connection


class DemoPerformance(Performance):
    """Sums up what the others simulate, and connects to nobody."""

    def __init__(self, config: Config, ctx: Context) -> None:
        targets = {name: Target("demo.invalid", 443) for name in TARGETS}
        super().__init__(config.model_copy(update={"targets": targets}), ctx)

    async def _attempt(self, name: str, probe: Probe) -> Reachability:
        del probe
        when = self.ctx.clock.time()
        latency = TARGETS[name] * (1 + noise(when, f"{name} latency", 0.3, 60.0))
        return Reachability(latency, spikes(when, f"{name} loss", 0.1, every=1800.0))
