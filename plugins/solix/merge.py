"""The newest reading of every series, whoever it came from, for as long as it is fresh."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from collector_plugins.solix.mapping import Series


class Source(StrEnum):
    """Where a reading came from; the words of the label `source`."""

    MQTT = "mqtt"
    REST = "rest"


class Reading(NamedTuple):
    """A value in the metric's base unit, when it was so (monotonic seconds), and for how many seconds it is told."""

    value: float
    at: float
    source: Source
    limit: float


class Merge:
    """Readings by device. A reading older than the limit of its source (seconds) is no longer told."""

    def __init__(self, limits: Mapping[Source, float]) -> None:
        self._limits = limits
        self._readings: dict[str, dict[Series, Reading]] = {}
        self._newest: dict[str, dict[Source, float]] = {}

    def put(
        self,
        device: str,
        source: Source,
        at: float,
        values: Mapping[Series, float],
        *,
        limit: float = 0.0,
        is_sign_of_life: bool = True,
    ) -> None:
        """Take values that were so at `at`; what is known newer stays.

        `limit` where it is longer than the source's. What is no sign of life leaves the age as it is.
        """
        if not values:
            return
        readings = self._readings.setdefault(device, {})
        for series, value in values.items():
            known = readings.get(series)
            if known is None or known.at <= at:
                readings[series] = Reading(value, at, source, max(limit, self._limits[source]))
        if is_sign_of_life:
            newest = self._newest.setdefault(device, {})
            newest[source] = max(at, newest.get(source, at))

    def fresh(self, device: str, now: float) -> dict[Series, float]:
        """The values of a device that are fresh."""
        return {
            series: reading.value
            for series, reading in self._readings.get(device, {}).items()
            if now - reading.at <= reading.limit
        }

    def ages(self, device: str, now: float) -> dict[Source, float]:
        """Seconds since the newest reading of each source that ever told something."""
        return {source: max(0.0, now - at) for source, at in self._newest.get(device, {}).items()}

    def keep(self, devices: Collection[str]) -> None:
        """Forget all other devices."""
        for gone in self._readings.keys() - set(devices):
            del self._readings[gone]
            self._newest.pop(gone, None)
