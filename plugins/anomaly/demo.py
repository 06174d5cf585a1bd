"""For `energy-collector run --demo`: the real thing with rows of seconds, and an example that comes and goes."""

from __future__ import annotations

from collector_core import Context, Readings
from collector_plugins.anomaly import Anomaly
from collector_plugins.anomaly.anomalies import Record
from collector_plugins.anomaly.config import Config
from collector_plugins.anomaly.topics import actions_for
from collector_plugins.anomaly.watching import Watching
from collector_plugins.anomaly.words import Finding, sentence

QUICK = {"row": 10.0, "warm_up_days": 0.0, "history_days": 0, "model_file": None}
PERIOD = 1800.0  # seconds from example to example
LASTING = 600.0
SERIES = 'nvidia_gpu_power_watts{gpu="0"}'


class DemoAnomaly(Anomaly):
    """Learns from the simulated collectors, keeps no files, and shows an example in ten of every thirty minutes."""

    keeps_files = False

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config.model_copy(update=QUICK), ctx)
        self._example: Record | None = None

    def collect(self, out: Readings) -> None:
        """Begin or end the example, then do as always."""
        self.open()
        assert self._watching is not None  # noqa: S101 - open has made it
        self._play(self._watching)
        super().collect(out)

    def _play(self, watching: Watching) -> None:
        now = self.ctx.clock.time()
        shown = now % PERIOD < LASTING
        if shown and self._example is None:
            self._example = example(now)
            watching.records.add(self._example)
        elif not shown and self._example is not None:
            self._example.ended, self._example = now, None
        watching.shown = (self._example,) if self._example else ()
        self._records = watching.records.newest_first()


def example(when: float) -> Record:
    """What an anomaly of a GPU looks like."""
    finding = Finding("GPU power (gpu=0)", "watts", 338.0, 142.0, 9.5, days_watched=6.0, days_unseen=6)
    record = Record(when, "level", 4, "gpu", SERIES, sentence("level", finding), 0.93, 338.0, 142.0)
    record.actions = actions_for("gpu", "level")
    record.relate(['nvidia_gpu_temperature_celsius{gpu="0"}', 'nvidia_gpu_utilization_ratio{gpu="0"}'])
    return record
