"""Batteries and plugs as energy meters: what they give to those that they feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from collector_core import EnergyMeter, EnergyMethod, EnergyReading, PowerIntegral
from collector_plugins.solix import metrics
from collector_plugins.solix.series import Series

UNCERTAINTY = 0.05  # the devices show whole watts
MAX_GAP_INTERVALS = 6.0  # the cloud may be slow
_POWERS = (("battery", Series(metrics.OUTPUT)), ("plug", Series(metrics.PLUG)))


class DeviceMeters:
    """Adds up the power of devices; `interval` in seconds, `feeds` by the names of devices."""

    def __init__(self, interval: float, feeds: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._interval = interval
        self._feeds = feeds or {}
        self._integrals: dict[tuple[str, str], PowerIntegral] = {}
        self._latest: dict[tuple[str, str], EnergyReading] = {}

    @property
    def offered(self) -> Sequence[EnergyMeter]:
        """Those that have told a power."""
        return tuple(self._meter(*key) for key in self._integrals)

    def begin_run(self) -> None:
        """What tells no power from now on is not known."""
        self._latest = {}

    def record(self, name: str, values: Mapping[Series, float], now: float) -> None:
        """Take what a device shows at `now` (seconds, monotonic)."""
        for component, series in _POWERS:
            watts = values.get(series)
            if watts is None or watts < 0:
                continue
            key = component, name
            integral = self._integrals.setdefault(key, PowerIntegral(MAX_GAP_INTERVALS * self._interval))
            integral.update(watts, now)
            self._latest[key] = EnergyReading(integral.total, now, integral.unknown_gaps)

    def _meter(self, component: str, name: str) -> EnergyMeter:
        latest = partial(self._reading, (component, name))
        method = EnergyMethod.POWER_INTEGRAL
        feeds = self._feeds.get(name, ())
        return EnergyMeter(component, name, method, UNCERTAINTY, self._interval, latest, latest, feeds=feeds)

    def _reading(self, key: tuple[str, str]) -> EnergyReading | None:
        return self._latest.get(key)
