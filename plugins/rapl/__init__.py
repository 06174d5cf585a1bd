"""Energy of processors, memory and platform from RAPL counters, as the kernel's powercap tree shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import floor
from typing import Any

from collector_core import (
    Collector,
    CollectorConfig,
    Context,
    Counter,
    EnergyMeter,
    Gauge,
    Info,
    NotAvailable,
    Readings,
    Unit,
    hookimpl,
)
from collector_core.procfs import find_tdp, is_kernel_mount, read_cpus
from collector_plugins.rapl import availability, powercap
from collector_plugins.rapl.duplicates import EQUAL_SAMPLES, Mirrors, same_hardware
from collector_plugins.rapl.energymeters import energy_meters
from collector_plugins.rapl.meter import MICROJOULES, Meter, Reading
from collector_plugins.rapl.zones import Role, Zone, resolve

_ZONE = ("package", "zone", "path")

ENERGY = Counter(
    "rapl_energy_joules_total",
    "Energy the zone has used since the collector started. Zones overlap: add up by role, see rapl_zone_info.",
    Unit.JOULES,
    _ZONE,
    topic="zone_energy",
    of="cpu",
    title="Energy of a processor zone",
)
POWER = Gauge(
    "rapl_power_watts",
    "Mean power of the zone since the previous run.",
    Unit.WATTS,
    _ZONE,
    topic="zone_power",
    of="cpu",
    title="Power of a processor zone",
)
POWER_LIMIT = Gauge(
    "rapl_power_limit_watts",
    "Power limit that is set for the zone, whether or not it is enforced.",
    Unit.WATTS,
    (*_ZONE, "constraint"),
    topic="zone_power_limit",
    of="cpu",
    title="Power limit of a processor zone",
)
UNKNOWN_GAPS = Counter(
    "rapl_unknown_gaps_total",
    "Times the zone's energy between two readings could not be known and was left out.",
    Unit.NONE,
    _ZONE,
    of="cpu",
)
DUPLICATE = Info(
    "rapl_zone_duplicate_info",
    "The zone at `path` shows the same energy as the one at `of`: count one of them.",
    ("path", "of"),
    of="cpu",
)
ZONE = Info(
    "rapl_zone_info",
    "Role of the zone: package, die and dram add up; part, psys, other and duplicate must not be added to them.",
    ("path", "package", "zone", "role"),
    of="cpu",
)

_COUNTED = (ENERGY, POWER, UNKNOWN_GAPS)

# Power limits are registers of the processor, and reading one wakes a core: not every run.
RESCAN_SECONDS = 10.0


class Config(CollectorConfig):
    """No options: what there is to read is found, and how it counts follows from the tree."""


class Rapl(Collector[Config]):
    """Reads every powercap zone that counts energy, each on its own."""

    name = "rapl"
    metrics = (ENERGY, POWER, POWER_LIMIT, UNKNOWN_GAPS, DUPLICATE, ZONE)
    config_type = Config
    default_interval = 1.0
    needs_two_runs = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._directory = ctx.path(powercap.POWERCAP)
        self._names: frozenset[str] = frozenset()
        self._rescan_at = 0.0
        self._tdp_watts: float | None = None
        self._zones: dict[str, Zone] = {}
        self._broken: Mapping[str, Exception] = {}
        self._same_hardware: dict[str, str] = {}
        self._mirrors = Mirrors()
        self._meters: dict[tuple[str, str, str], Meter] = {}
        self._energy_meters: tuple[EnergyMeter, ...] = ()
        self._offered_for: tuple[object, ...] = ()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """None where an energy counter can be read, else what is in the way."""
        return availability.probe(ctx)

    def open(self) -> None:
        """Look at the tree; raises `NotAvailable` where it gives no energy."""
        if problem := availability.probe(self.ctx):
            raise problem
        self._tdp_watts = _tdp_watts(self.ctx)
        self._scan(self._list())

    def collect(self, out: Readings) -> None:
        """Read every zone once; raises `NotAvailable` when none is left or all are denied."""
        self._rescan_if_due()
        readings = self._read(out)
        if not readings and (problem := availability.probe(self.ctx)):
            raise problem
        duplicates = self._mirrors.update(self._zones, readings) | dict(self._views(readings))
        undecided = self._mirrors.undecided(readings)
        self._offer(duplicates, undecided)
        for path, reading in readings.items():
            with out.part(zone=path):
                self._publish(out, self._zones[path], reading, duplicates.get(path))

    def close(self) -> None:
        """Let go of the zones' files."""
        for meter in self._meters.values():
            meter.close()

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """Packages (or dies), memory and platform."""
        return self._energy_meters

    def _read(self, out: Readings) -> dict[str, Reading]:
        readings = {}
        for path, zone in self._zones.items():
            with out.part(zone=path):
                readings[path] = self._meters[zone.key].read(self.ctx.clock)
        for path, error in self._broken.items():
            with out.part(zone=path):
                raise error.with_traceback(None)
        return readings

    def _offer(self, duplicates: Mapping[str, str], undecided: Collection[str]) -> None:
        """Hand over energy meters: the same objects as long as they would be equal."""
        states = [
            (min(meter.moves, EQUAL_SAMPLES), meter.counting_since, meter.max_watts) for meter in self._meters.values()
        ]
        offered_for = self._zones, duplicates, undecided, states
        if offered_for != self._offered_for:
            self._offered_for = offered_for
            self._energy_meters = tuple(energy_meters(self._zones, self._meters, duplicates, undecided, self.ctx.clock))

    def _views(self, readings: Mapping[str, Reading]) -> Iterator[tuple[str, str]]:
        """Views of the same hardware, by the path of the one to use: the preferred one, unless only it stands still."""
        for path, preferred in self._same_hardware.items():
            moves, preferred_moves = (self._meters[self._zones[each].key].moves for each in (path, preferred))
            is_dead = preferred in readings and preferred_moves == 0 and moves >= EQUAL_SAMPLES
            yield (preferred, path) if is_dead else (path, preferred)

    def _publish(self, out: Readings, zone: Zone, reading: Reading, original: str | None) -> None:
        labels = {"package": zone.package, "zone": zone.name, "path": zone.path}
        meter = self._meters[zone.key]
        joules, watts = (meter.joules, reading.watts) if meter.alive else (None, None)
        out.add_row(_COUNTED, (joules, watts, meter.unknown_gaps), **labels)
        for constraint, watts in zone.limits.items():
            out.add(POWER_LIMIT, watts, **labels, constraint=constraint)
        if original:
            out.add(DUPLICATE, path=zone.path, of=original)
        out.add(
            ZONE, path=zone.path, package=zone.package, zone=zone.name, role=Role.DUPLICATE if original else zone.role
        )

    def _rescan_if_due(self) -> None:
        names = self._list()
        if names != self._names or self.ctx.clock.monotonic() >= self._rescan_at:
            self._scan(names)

    def _list(self) -> frozenset[str]:
        try:
            return powercap.listing(self._directory)
        except OSError:
            return frozenset()

    def _scan(self, names: frozenset[str]) -> None:
        tree = powercap.scan(self._directory, names)
        self._names, self._rescan_at = names, self.ctx.clock.monotonic() + RESCAN_SECONDS
        self._zones, self._broken = resolve(tree.entries, self._tdp_watts), tree.broken
        self._same_hardware = same_hardware(self._zones)
        present = {zone.key: zone for zone in self._zones.values()}
        for key, meter in self._meters.items():
            if key not in present:
                meter.forget()
        for key, zone in present.items():
            self._follow(key, zone)

    def _follow(self, key: tuple[str, str, str], zone: Zone) -> None:
        if key in self._meters:
            self._meters[key].adopt(zone)
        else:
            self._meters[key] = Meter(zone, is_kernels=is_kernel_mount(self.ctx.path("/sys")))
            self._warn_of_unseen_wraps(zone)

    def _warn_of_unseen_wraps(self, zone: Zone) -> None:
        if zone.maximum is None or self.ctx.interval * zone.max_watts * MICROJOULES <= zone.maximum / 2:
            return
        seconds = zone.maximum / MICROJOULES / zone.max_watts
        self.ctx.logger.warning(
            "%s (%s) counts to %.0f J, which takes %.0f s at %.0f W: with an interval of %g s a wrap can pass unseen; "
            "set `interval: %ds` or less",
            zone.path,
            zone.name,
            zone.maximum / MICROJOULES,
            seconds,
            zone.max_watts,
            self.ctx.interval,
            max(1, floor(seconds / 3)),
        )


def _tdp_watts(ctx: Context) -> float | None:
    try:
        return find_tdp(read_cpus(ctx.path("/proc")))
    except (OSError, ValueError):
        return None


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The collectors of this plugin."""
    return (Rapl,)


@hookimpl
def collector_demo_types() -> Sequence[type[Collector[Any]]]:
    """The simulated collector."""
    from collector_plugins.rapl.demo import DemoRapl  # noqa: PLC0415 - no other command needs it

    return (DemoRapl,)
