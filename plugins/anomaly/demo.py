"""For `energy-collector run --demo`: the real thing with short rows, and an example that comes and goes."""

from __future__ import annotations

from collector_core import Context, Readings
from collector_plugins.anomaly import Anomaly
from collector_plugins.anomaly.config import Config
from collector_plugins.anomaly.incidents.catalogue import actions_for
from collector_plugins.anomaly.incidents.incident import Incident
from collector_plugins.anomaly.incidents.messages import Observation, describe_anomaly
from collector_plugins.anomaly.watcher import Watcher

# It judges after half an hour of learning: what is usual is not known well by then.
DEMO_OPTIONS = {"row": 10.0, "warm_up_days": 0.0, "history_days": 0, "model_file": None, "level": 5.0}
PERIOD = 1800.0  # seconds between two examples
DURATION = 600.0
FIRST = 20.0  # seconds after the start until the first one
SERIES = 'nvidia_gpu_power_watts{gpu="0"}'


class DemoAnomaly(Anomaly):
    """Learns from the simulated collectors, keeps no files, and shows an example for ten of every thirty minutes."""

    keeps_files = False

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config.model_copy(update=DEMO_OPTIONS), ctx)
        self._example: Incident | None = None
        self._began = ctx.clock.monotonic()

    def collect(self, out: Readings) -> None:
        """Begin or end the example, then do as always."""
        self._show_example(self.watcher)
        super().collect(out)

    def _show_example(self, watcher: Watcher) -> None:
        now = self.ctx.clock.time()
        is_shown = FIRST <= (self.ctx.clock.monotonic() - self._began) % PERIOD < FIRST + DURATION
        if is_shown and self._example is None:
            self._example = example_incident(now)
            watcher.incidents.store.add(self._example)
        elif not is_shown and self._example is not None:
            self._example.ended, self._example = now, None
        watcher.shown = (self._example,) if self._example else ()
        self._latest = watcher.incidents.store.newest_first()


def example_incident(when: float) -> Incident:
    """What an anomaly of a GPU looks like."""
    seen = Observation("GPU power (gpu=0)", "watts", 338.0, 142.0, 9.5, days_watched=6.0, days_unseen=6)
    description = describe_anomaly("level", seen)
    incident = Incident(when, "level", 4, "gpu", SERIES, description, 0.93, 338.0, 142.0)
    incident.actions = actions_for("gpu", "level")
    incident.add_related(['nvidia_gpu_temperature_celsius{gpu="0"}', 'nvidia_gpu_utilization_ratio{gpu="0"}'])
    return incident
