"""What a BMC says of its chassis, in the old schema (Power, Thermal) and the new one (EnvironmentMetrics)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from collector_core import HttpStatusError, NotAvailable, Reason
from collector_core.devices import at_pointer, number
from collector_core.metering import JOULES_PER_KWH

Get = Callable[[str], Awaitable[Any]]  # path → document

CHASSIS = "/redfish/v1/Chassis"
MOST_CHASSIS = 32
MOST_WATTS = 1e6
_COUNTED_ELSEWHERE = frozenset({"Drive", "Module", "Component", "Card", "Blade", "Sled", "Zone"})


@dataclass
class Chassis:
    """Power in watts, energy in joules; None where the BMC does not tell it."""

    power: float | None = None
    energy: float | None = None
    limit: float | None = None
    temperatures: dict[str, float] = field(default_factory=dict)


class Bmc:
    """One BMC; remembers what it does not have, so that it is asked once."""

    def __init__(self) -> None:
        self._absent: set[str] = set()
        self._chassis: list[Mapping[str, Any]] = []

    async def read(self, get: Get) -> Chassis:
        """All its chassis together; raises `NotAvailable` and `AuthFailed`."""
        if not self._chassis:
            self._chassis = [each async for each in _all_chassis(get)]
        found = [await self._read_chassis(get, each) for each in self._chassis]
        whole = Chassis(
            _sum(each.power for each in found),
            _sum(each.energy for each in found),
            _sum(each.limit for each in found),
        )
        for each in found:
            for sensor, celsius in each.temperatures.items():
                whole.temperatures.setdefault(sensor, celsius)
        return whole

    async def _read_chassis(self, get: Get, chassis: Mapping[str, Any]) -> Chassis:
        environment = await self._linked(get, chassis, "EnvironmentMetrics")
        found = Chassis(_watts(environment, "/PowerWatts/Reading"))
        kwh = number(at_pointer(environment, "/EnergykWh/Reading"))
        found.energy = kwh * JOULES_PER_KWH if kwh is not None and kwh >= 0 else None
        found.limit = _watts(environment, "/PowerLimitWatts/SetPoint")
        if found.power is None or found.limit is None:
            control = at_pointer(await self._linked(get, chassis, "Power"), "/PowerControl/0")
            found.power = _watts(control, "/PowerConsumedWatts") if found.power is None else found.power
            found.limit = _watts(control, "/PowerLimit/LimitInWatts") if found.limit is None else found.limit
        found.temperatures = dict(_old_temperatures(await self._linked(get, chassis, "Thermal")))
        if not found.temperatures:
            found.temperatures = dict(_new_temperatures(await self._thermal_metrics(get, chassis)))
        return found

    async def _thermal_metrics(self, get: Get, chassis: Mapping[str, Any]) -> Any:
        subsystem = await self._linked(get, chassis, "ThermalSubsystem")
        return await self._linked(get, subsystem, "ThermalMetrics")

    async def _linked(self, get: Get, document: Any, name: str) -> Any:
        """A resource that a document links to; an empty one where there is none."""
        path = at_pointer(document, f"/{name}/@odata.id")
        if not isinstance(path, str) or path in self._absent:
            return {}
        try:
            return await get(path)
        except HttpStatusError as error:
            if error.reason in (Reason.NOT_FOUND, Reason.NOT_SUPPORTED):
                self._absent.add(path)  # its link is wrong
                return {}
            raise


async def _all_chassis(get: Get) -> AsyncIterator[Mapping[str, Any]]:
    """Those that are no part of another one that is there too."""
    members = at_pointer(await get(CHASSIS), "/Members")
    if not isinstance(members, list) or not members:
        raise NotAvailable(Reason.BAD_DATA, "it lists no chassis", fix="check that `url` is that of a BMC with Redfish")
    paths = [path for each in members[:MOST_CHASSIS] if isinstance(path := at_pointer(each, "/@odata.id"), str)]
    for path in paths:
        chassis = await get(path)
        outer = at_pointer(chassis, "/Links/ContainedBy/@odata.id")
        is_part = outer in paths or at_pointer(chassis, "/ChassisType") in _COUNTED_ELSEWHERE
        if isinstance(chassis, dict) and not (is_part and len(paths) > 1):
            yield chassis


def _watts(document: Any, place: str) -> float | None:
    watts = number(at_pointer(document, place))
    return watts if watts is not None and 0 <= watts <= MOST_WATTS else None


def _old_temperatures(thermal: Any) -> Iterator[tuple[str, float]]:
    sensors = at_pointer(thermal, "/Temperatures")
    for each in sensors if isinstance(sensors, list) else ():
        yield from _temperature(at_pointer(each, "/Name"), at_pointer(each, "/ReadingCelsius"))


def _new_temperatures(metrics: Any) -> Iterator[tuple[str, float]]:
    sensors = at_pointer(metrics, "/TemperatureReadingsCelsius")
    for each in sensors if isinstance(sensors, list) else ():
        name = at_pointer(each, "/DeviceName") or at_pointer(each, "/Name") or at_pointer(each, "/PhysicalContext")
        yield from _temperature(name, at_pointer(each, "/Reading"))


def _temperature(name: Any, reading: Any) -> Iterator[tuple[str, float]]:
    celsius = number(reading)
    if isinstance(name, str) and name and celsius is not None and -100 < celsius < 500:
        yield name, celsius


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) if known else None
