"""The zones that add up, as energy meters for the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial

from collector_core import Clock, Component, EnergyMeter, EnergyMethod
from collector_plugins.rapl.duplicates import EQUAL_SAMPLES
from collector_plugins.rapl.meter import Meter
from collector_plugins.rapl.zones import Role, Zone

# Since Haswell, RAPL measures: within 3 % of an instrumented board for packages, 5 % for memory (Khan et al., "RAPL in
# Action", ACM TOMPECS 3(2), 2018; Desrochers et al., MEMSYS 2016). AMD's is partly a model (Schöne et al., 2021).
UNCERTAINTY = 0.05
# The registers are updated about every millisecond (Intel SDM volume 3B, section "RAPL Interfaces").
PERIOD_SECONDS = 0.001

COMPONENTS = {
    Role.PACKAGE: Component.CPU,
    Role.DIE: Component.CPU,
    Role.DRAM: Component.DRAM,
    Role.PSYS: Component.HOST,
}


def energy_meters(
    zones: Mapping[str, Zone],
    meters: Mapping[tuple[str, str, str], Meter],
    duplicates: Mapping[str, str],
    undecided: Collection[str],
    clock: Clock,
) -> Iterator[EnergyMeter]:
    """A meter for each zone that adds up, and for the platform, which covers them; none for a duplicate.

    A die is withheld until it has moved often enough to be told from one that mirrors another, and what is `undecided`
    until it is told from the zone whose counter it shows.
    """
    for path, zone in zones.items():
        meter = meters[zone.key]
        is_open = path in undecided or ("-die-" in zone.owner and meter.moves < EQUAL_SAMPLES)
        if zone.role in COMPONENTS and path not in duplicates and not is_open:
            yield EnergyMeter(
                component=COMPONENTS[zone.role],
                device=zone.owner or zone.name,
                method=EnergyMethod.RAPL,
                uncertainty=UNCERTAINTY,
                period=PERIOD_SECONDS,
                latest=meter.latest,
                read=partial(meter.measure, clock),
                covers=frozenset({Component.CPU, Component.DRAM}) if zone.role is Role.PSYS else frozenset(),
                counting_since=meter.counting_since,
                max_watts=meter.max_watts,
            )
