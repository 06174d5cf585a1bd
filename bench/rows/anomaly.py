"""What watching series costs: the whole path of the plugin, from finished runs to saved state, in this process."""

from __future__ import annotations

import logging
import tempfile
import time
from pathlib import Path
from random import Random

from bench.effort import Effort
from bench.figures import Figure, Goal
from collector_core import Collector, Gauge, Readings, Unit
from collector_core.testing import FakeClock, Harness
from collector_plugins.anomaly import Anomaly

SERIES = 2000
INTERVAL = 10.0  # seconds between two runs of the source and of the plugin
ROW = 60.0
VALUE = Gauge("bench_power_watts", "Of many things.", Unit.WATTS, ("thing",))


class Source(Collector):
    """Many series with noise."""

    name = "bench"
    metrics = (VALUE,)

    def collect(self, out: Readings) -> None:
        """All of them."""
        rows = {(f"thing-{number}",): (100.0 + 5.0 * RANDOM.gauss(0, 1),) for number in range(SERIES)}
        out.add_table((VALUE,), ("thing",), rows)


RANDOM = Random(1)


def measure(effort: Effort) -> list[Figure]:
    """CPU of the plugin by the time that it stands for, once its series are known."""
    with tempfile.TemporaryDirectory() as folder:
        clock = FakeClock()
        source = Harness(Source, clock=clock)
        options = {"series": ["bench_power_watts"], "state_dir": folder, "warm_up_days": 0.0}
        plugin = Harness(Anomaly, Path(folder), clock=clock, **options)
        logging.getLogger("collector.anomaly").setLevel(logging.ERROR)
        _run(source, plugin, 180)  # minutes, until all is learnt
        shares = [_run(source, plugin, effort.anomaly_minutes) for _ in range(effort.pairs)]
        plugin.close()
    title = f"CPU of watching {SERIES} series, rows of {ROW:.0f} s"
    note = f"a run every {INTERVAL:.0f} s; rules, components, publishing and saving included"
    return [Figure("anomaly", title, "% of a core", shares, goal=Goal(0.5, 0.2), note=note)]


def _run(source: Harness, plugin: Harness, minutes: int) -> float:
    """Let minutes pass; returns the plugin's CPU as a percentage of them."""
    busy = 0.0
    for _ in range(int(minutes * 60 / INTERVAL)):
        source.run(advance=INTERVAL)
        report = source.report()
        before = time.process_time()
        plugin.hear(report)
        plugin.run()
        busy += time.process_time() - before
    return 100 * busy / (minutes * 60)
