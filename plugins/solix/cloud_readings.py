"""What the cloud reports of sites and devices, with the time at which it was true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector_plugins.solix import mapping, metrics
from collector_plugins.solix.fields import read
from collector_plugins.solix.parsing import at
from collector_plugins.solix.reading_cache import ReadingCache, ReadingSource
from collector_plugins.solix.series import Series
from collector_plugins.solix.tables import AVERAGES, SITE, SITE_ENERGY

AVERAGE_AGE = 150.0  # seconds: an average of five minutes is that of their middle
AVERAGE_LIMIT = 900.0  # seconds; a new one is requested every five minutes at most
ENERGY_EVERY = 3600.0  # seconds
ENERGY_LIMIT = 3 * ENERGY_EVERY
OFFLINE = "0"
STATIC = frozenset({Series(metrics.CAPACITY)})  # what still holds for a device that is offline or asleep
AVERAGED = frozenset(Series(field.metric) for field in AVERAGES)

Caches = Mapping[str, Mapping[str, Any]]


class CloudReadings:
    """Caches what the cloud reports: call it after successes only, since the library keeps values after a failure."""

    def __init__(self, cache: ReadingCache) -> None:
        self._cache = cache
        self._averages: dict[str, tuple[object, float]] = {}

    def take_power(self, sites: Caches, devices: Caches, now: float) -> None:
        """Sites and devices as they are at `now` (monotonic seconds)."""
        for site_id, site in sites.items():
            if site.get("data_valid", True) and at(site, "solarbank_info.solarbank_list"):
                self._cache.put_values(site_id, ReadingSource.REST, now, read(SITE, site))
        for serial, device in devices.items():
            site = sites.get(str(device.get("site_id")), {})
            if device.get("data_valid", True) and site.get("data_valid", True) and not device.get("is_subdevice"):
                self._take_device(serial, device, now)
        self._averages = {serial: seen for serial, seen in self._averages.items() if serial in devices}

    def take_energy(self, sites: Caches, now: float) -> None:
        """The energy of today, as it is at `now`."""
        for site_id, site in sites.items():
            self._cache.put_values(site_id, ReadingSource.REST, now, read(SITE_ENERGY, site), limit=ENERGY_LIMIT)

    def _take_device(self, serial: str, device: Mapping[str, Any], now: float) -> None:
        found = mapping.read_rest(str(device.get("type")), device)
        static = {series: found.pop(series) for series in STATIC & found.keys()}
        self._cache.put_values(serial, ReadingSource.REST, now, static, is_sign_of_life=False)
        if str(device.get("status")) == OFFLINE or mapping.is_asleep(found):
            return
        averages = {series: found.pop(series) for series in AVERAGED & found.keys() if "average_power" in device}
        self._cache.put_values(serial, ReadingSource.REST, now, found)
        if averages:
            averaged_at = self._average_time(serial, device, now)
            self._cache.put_values(serial, ReadingSource.REST, averaged_at, averages, limit=AVERAGE_LIMIT)

    def _average_time(self, serial: str, device: Mapping[str, Any], now: float) -> float:
        """Averages are requested every five minutes only; in between, the last ones are repeated."""
        checked = at(device, "average_power.last_check")
        if serial not in self._averages or self._averages[serial][0] != checked:
            self._averages[serial] = checked, now
        return self._averages[serial][1] - AVERAGE_AGE
