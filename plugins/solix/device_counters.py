"""The devices' own energy counters, made fit to be published: they may be told as 0 once, and restart."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from collector_core import ForeignCounter
from collector_plugins.solix.series import Series

# Far above what any device of this maker can pass on: the coarse steps in which devices count fit into a second.
MOST_WATTS = 1e6

Key = tuple[str, Series]


class DeviceCounters:
    """A `ForeignCounter` for each counter of each device; times are monotonic seconds."""

    def __init__(self) -> None:
        self._counters: dict[Key, ForeignCounter] = {}

    def correct(self, device: str, values: Mapping[Series, float], now: float) -> dict[Series, float]:
        """The values of one message that arrived at `now`, counters by their corrected total."""
        return {
            series: self._record((device, series), value, now) if series.metric.kind == "counter" else value
            for series, value in values.items()
        }

    def keep_devices(self, devices: Collection[str]) -> None:
        """Drop all other devices."""
        for key in [key for key in self._counters if key[0] not in devices]:
            del self._counters[key]

    def _record(self, key: Key, value: float, now: float) -> float:
        return self._counters.setdefault(key, ForeignCounter(MOST_WATTS)).record(value, now)
