"""The newest reading of every series, whichever source it came from, for as long as it is fresh."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from collector_plugins.solix.device_counters import DeviceCounters
from collector_plugins.solix.series import Series


class ReadingSource(StrEnum):
    """Where a reading came from; the values of the label `source`."""

    MQTT = "mqtt"
    REST = "rest"


class CachedReading(NamedTuple):
    """A value in the metric's base unit, when it was taken (monotonic seconds), and how long it is shown (seconds)."""

    value: float
    at: float
    limit: float


class ReadingCache:
    """Readings by device. A reading older than the limit of its source (seconds) is no longer shown.

    Of counters it keeps the corrected total.
    """

    def __init__(self, limits: Mapping[ReadingSource, float]) -> None:
        self._limits = limits
        self._readings: dict[str, dict[Series, CachedReading]] = {}
        self._newest: dict[str, dict[ReadingSource, float]] = {}
        self._counters = DeviceCounters()

    def put_values(
        self,
        device: str,
        source: ReadingSource,
        at: float,
        values: Mapping[Series, float],
        *,
        limit: float = 0.0,
        is_sign_of_life: bool = True,
    ) -> None:
        """Store values that were taken at `at`; newer ones stay.

        `limit` applies where it is longer than the source's. Values that are no sign of life leave the source's age
        unchanged.
        """
        if not values:
            return
        readings = self._readings.setdefault(device, {})
        for series, value in self._counters.correct(device, values, at).items():
            known = readings.get(series)
            if known is None or known.at <= at:
                readings[series] = CachedReading(value, at, max(limit, self._limits[source]))
        if is_sign_of_life:
            newest = self._newest.setdefault(device, {})
            newest[source] = max(at, newest.get(source, at))

    def fresh_values(self, device: str, now: float) -> dict[Series, float]:
        """The values of a device that are fresh at `now`."""
        return {
            series: reading.value
            for series, reading in self._readings.get(device, {}).items()
            if now - reading.at <= reading.limit
        }

    def source_ages(self, device: str, now: float) -> dict[ReadingSource, float]:
        """Seconds since the newest reading of each source that has ever reported."""
        return {source: max(0.0, now - at) for source, at in self._newest.get(device, {}).items()}

    def keep_devices(self, devices: Collection[str]) -> None:
        """Drop all other devices."""
        for gone in self._readings.keys() - set(devices):
            del self._readings[gone]
            self._newest.pop(gone, None)
        self._counters.keep_devices(devices)
