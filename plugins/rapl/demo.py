"""Simulated RAPL counters, for `run --demo`: two processors and their memory, as the demo rack's load drives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from collector_core import Context, EnergyMeter, EnergyMethod, EnergyReading, Readings, hookimpl
from collector_core.demo import Totals
from collector_core.demo.rack import Rack
from collector_plugins.rapl import ENERGY, POWER, POWER_LIMIT, UNKNOWN_GAPS, ZONE, Config, Rapl
from collector_plugins.rapl.energymeters import COMPONENTS, PERIOD_SECONDS, UNCERTAINTY
from collector_plugins.rapl.zones import Role

CORE_SHARE = 0.72  # of a package's power
LIMITS = {"long_term": 150.0, "short_term": 180.0}


@dataclass
class DemoZone:
    """A zone whose power is a function of the time; `reading` is what the last run left."""

    path: str
    name: str
    package: str
    role: Role
    watts: Callable[[float], float]
    reading: EnergyReading | None = field(default=None, compare=False)

    @property
    def labels(self) -> dict[str, str]:
        """Its labels in every metric."""
        return {"package": self.package, "zone": self.name, "path": self.path}

    def latest(self) -> EnergyReading | None:
        """What the last run left."""
        return self.reading


class DemoRapl(Rapl):
    """The simulated counters; reads nothing."""

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._demo_zones = tuple(_zones(Rack()))
        self._totals = Totals()

    def open(self) -> None:
        """Nothing is opened."""

    def collect(self, out: Readings) -> None:
        """Take every zone on to now."""
        clock = self.ctx.clock
        when, now = clock.time(), clock.monotonic()
        for zone in self._demo_zones:
            before = zone.reading
            zone.reading = EnergyReading(self._totals.grow(zone.path, zone.watts(when), when), now)
            self._publish_zone(out, zone, before, zone.reading)

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """Packages and memory."""
        return tuple(_meter(zone) for zone in self._demo_zones if zone.role in COMPONENTS)

    @staticmethod
    def _publish_zone(out: Readings, zone: DemoZone, before: EnergyReading | None, now: EnergyReading) -> None:
        out.add(ENERGY, now.joules, **zone.labels)
        watts = now.watts_since(before) if before else None
        if watts is not None:
            out.add(POWER, watts, **zone.labels)
        out.add(UNKNOWN_GAPS, 0, **zone.labels)
        for constraint, limit in LIMITS.items() if zone.role is Role.PACKAGE else ():
            out.add(POWER_LIMIT, limit, **zone.labels, constraint=constraint)
        out.add(ZONE, path=zone.path, package=zone.package, zone=zone.name, role=zone.role)


def _zones(rack: Rack) -> Iterator[DemoZone]:
    for number in range(rack.packages):
        path, package = f"intel-rapl:{number}", str(number)

        def watts(when: float, number: int = number) -> float:
            return rack.package_watts(when)[number]

        def core(when: float, number: int = number) -> float:
            return CORE_SHARE * rack.package_watts(when)[number]

        def memory(when: float) -> float:
            return rack.memory_watts(when) / rack.packages

        yield DemoZone(path, f"package-{number}", package, Role.PACKAGE, watts)
        yield DemoZone(f"{path}:0", "core", package, Role.PART, core)
        yield DemoZone(f"{path}:1", "dram", package, Role.DRAM, memory)


def _meter(zone: DemoZone) -> EnergyMeter:
    component, device = COMPONENTS[zone.role], f"package-{zone.package}"
    return EnergyMeter(component, device, EnergyMethod.RAPL, UNCERTAINTY, PERIOD_SECONDS, zone.latest, read=zone.latest)
