"""What a BMC says of its chassis, in the old schema (Power, Thermal) and the new one (EnvironmentMetrics, …)."""

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
MOST_MEMBERS = 32
MOST_WATTS = 1e6
LOOK_AGAIN = 100  # readings
SELDOM = 4  # readings: what changes slowly costs a BMC a document of its own
_COUNTED_ELSEWHERE = frozenset({"Drive", "Module", "Component", "Card", "Blade", "Sled", "Zone"})


@dataclass
class Chassis:
    """Power in watts, energy in joules; None where the BMC does not tell it."""

    power: float | None = None
    energy: float | None = None
    limit: float | None = None
    temperatures: dict[str, float] = field(default_factory=dict)


@dataclass
class _Slow:
    """What of a chassis changes slowly, as it was told at the reading of that number."""

    reading: int
    limit: float | None
    temperatures: dict[str, float]


class Bmc:
    """One BMC; remembers what it has and does not have, until a reading fails or `LOOK_AGAIN` were taken.

    A BMC that has just been restarted lacks what it will have.
    """

    def __init__(self) -> None:
        self._readings = 0
        self._absent: set[str] = set()
        self._chassis: list[Mapping[str, Any]] = []
        self._supplies: dict[str, list[Any]] = {}  # by the path of their PowerSubsystem
        self._slow: dict[int, _Slow] = {}  # by the chassis' place in the list

    async def read(self, get: Get) -> Chassis:
        """All its chassis together; raises `NotAvailable` and `AuthFailed`."""
        self._readings += 1
        if self._readings % LOOK_AGAIN == 0:
            self._forget()
        try:
            return await self._read(get)
        except NotAvailable:
            self._forget()
            raise

    def _forget(self) -> None:
        self._absent.clear()
        self._chassis.clear()
        self._supplies.clear()
        self._slow.clear()

    async def _read(self, get: Get) -> Chassis:
        if not self._chassis:
            self._chassis = [each async for each in _all_chassis(get)]
        found = [await self._read_chassis(get, place, each) for place, each in enumerate(self._chassis)]
        whole = Chassis(
            _sum(each.power for each in found),
            _sum(each.energy for each in found),
            _sum(each.limit for each in found),
        )
        for each in found:
            for sensor, celsius in each.temperatures.items():
                whole.temperatures.setdefault(sensor, celsius)
        return whole

    async def _read_chassis(self, get: Get, place: int, chassis: Mapping[str, Any]) -> Chassis:
        kept = self._slow.get(place)
        if kept and self._readings - kept.reading >= SELDOM:
            kept = None
        environment = await self._linked(get, chassis, "EnvironmentMetrics")
        found = Chassis(_watts(environment, "/PowerWatts/Reading"))
        kwh = number(at_pointer(environment, "/EnergykWh/Reading"))
        found.energy = kwh * JOULES_PER_KWH if kwh is not None and kwh >= 0 else None
        found.limit = _watts(environment, "/PowerLimitWatts/SetPoint")
        if found.power is None or (found.limit is None and kept is None):
            control = at_pointer(await self._linked(get, chassis, "Power"), "/PowerControl/0")
            found.power = _watts(control, "/PowerConsumedWatts") if found.power is None else found.power
            found.limit = _watts(control, "/PowerLimit/LimitInWatts") if found.limit is None else found.limit
        if found.power is None:
            found.power = await self._power_of_supplies(get, chassis)
        if kept is None:
            kept = self._slow[place] = _Slow(self._readings, found.limit, await self._temperatures(get, chassis))
        found.limit = kept.limit if found.limit is None else found.limit
        found.temperatures = kept.temperatures
        return found

    async def _power_of_supplies(self, get: Get, chassis: Mapping[str, Any]) -> float | None:
        """What its power supplies take in together; None where one of them does not tell it."""
        path = at_pointer(chassis, "/PowerSubsystem/@odata.id")
        if not isinstance(path, str):
            return None
        if path not in self._supplies:
            subsystem = await self._linked(get, chassis, "PowerSubsystem")
            listed = at_pointer(await self._linked(get, subsystem, "PowerSupplies"), "/Members")
            supplies = [await self._document(get, each) for each in _members(listed)]
            self._supplies[path] = [each for each in supplies if at_pointer(each, "/Status/State") != "Absent"]
        told = [await self._linked(get, each, "Metrics") for each in self._supplies[path]]
        watts = [_watts(each, "/InputPowerWatts/Reading") for each in told]
        if not watts or None in watts:
            del self._supplies[path]  # one may have been pulled out
            return None
        return _sum(watts)

    async def _temperatures(self, get: Get, chassis: Mapping[str, Any]) -> dict[str, float]:
        """By the name of the sensor; a BMC whose temperatures fail tells its power all the same."""
        try:
            found = dict(_old_temperatures(await self._linked(get, chassis, "Thermal")))
            return found or dict(_new_temperatures(await self._thermal_metrics(get, chassis)))
        except NotAvailable:
            return {}

    async def _thermal_metrics(self, get: Get, chassis: Mapping[str, Any]) -> Any:
        subsystem = await self._linked(get, chassis, "ThermalSubsystem")
        return await self._linked(get, subsystem, "ThermalMetrics")

    async def _linked(self, get: Get, document: Any, name: str) -> Any:
        """A resource that a document links to; an empty one where there is none."""
        return await self._document(get, at_pointer(document, f"/{name}/@odata.id"))

    async def _document(self, get: Get, path: Any) -> Any:
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
    paths = list(_members(members))
    for path in paths:
        chassis = await get(path)
        outer = at_pointer(chassis, "/Links/ContainedBy/@odata.id")
        is_part = outer in paths or at_pointer(chassis, "/ChassisType") in _COUNTED_ELSEWHERE
        if isinstance(chassis, dict) and not (is_part and len(paths) > 1):
            yield chassis


def _members(listed: Any) -> Iterator[str]:
    """The paths of a collection's members."""
    for each in listed[:MOST_MEMBERS] if isinstance(listed, list) else ():
        if isinstance(path := at_pointer(each, "/@odata.id"), str):
            yield path


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
        name = at_pointer(each, "/Name") or at_pointer(each, "/DeviceName") or at_pointer(each, "/PhysicalContext")
        yield from _temperature(name, at_pointer(each, "/Reading"))


def _temperature(name: Any, reading: Any) -> Iterator[tuple[str, float]]:
    celsius = number(reading)
    if isinstance(name, str) and name and celsius is not None and -100 < celsius < 500:
        yield name, celsius


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) if known else None
