"""Simulated sources: signals that are plain functions of the time, for `run --demo`.

`when` is always the wall clock in seconds since 1970 (`ctx.clock.time()`), and days are days of UTC. Nothing is random
and nothing is remembered: a collector that starts again goes on where it was, and two collectors agree. A counter is
the one thing that begins anew, at 0, as those of real sources do: see `Totals`.

    from collector_core.demo import Totals, daily, noise, pick

    rate = daily(when, 2, 40, peak_hour=15, weekend=0.3) * (1 + noise(when, "requests", 0.2))
    out.add(REQUESTS_PER_SECOND, rate)
    out.add(REQUESTS, self._totals.grow("requests", rate, when))
"""

from collector_core.demo.signals import chance, daily, daylight, noise, pick, spikes
from collector_core.demo.totals import Totals

__all__ = [
    "Totals",
    "chance",
    "daily",
    "daylight",
    "noise",
    "pick",
    "spikes",
]
