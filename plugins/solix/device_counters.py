"""The devices' own energy counters, made fit to be published: they may be told as 0 once, and restart."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from collector_core import ForeignCounter
from collector_plugins.solix.series import Series

MOST_WATTS = 1e5  # far above what any device of this maker can pass on


class DeviceCounters:
    """A `ForeignCounter` for each counter of each device; times are monotonic seconds."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, Series], ForeignCounter] = {}

    def correct(self, device: str, values: Mapping[Series, float], now: float) -> dict[Series, float]:
        """The values of one message that arrived at `now`, counters by their corrected total."""
        return {
            series: self._counter(device, series).record(value, now) if series.metric.kind == "counter" else value
            for series, value in values.items()
        }

    def keep_devices(self, devices: Collection[str]) -> None:
        """Drop all other devices."""
        for key in [key for key in self._counters if key[0] not in devices]:
            del self._counters[key]

    def _counter(self, device: str, series: Series) -> ForeignCounter:
        return self._counters.setdefault((device, series), ForeignCounter(MOST_WATTS))
