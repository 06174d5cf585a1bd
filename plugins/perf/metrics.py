"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Counter, Gauge, Unit

_EVENT = ("package", "event")

ENERGY = Counter(
    "perf_energy_joules_total",
    "Energy that the event has counted since the collector started. Events overlap: energy-pkg holds energy-cores and "
    "energy-gpu, energy-psys all of them.",
    Unit.JOULES,
    _EVENT,
    topic="zone_energy",
    of="cpu",
    title="Energy of a processor's event",
)
POWER = Gauge(
    "perf_power_watts",
    "Mean power by the event since the previous run.",
    Unit.WATTS,
    _EVENT,
    topic="zone_power",
    of="cpu",
    title="Power of a processor's event",
)
UNKNOWN_GAPS = Counter(
    "perf_unknown_gaps_total",
    "Times the event's energy between two readings could not be known and was left out.",
    Unit.NONE,
    _EVENT,
    of="cpu",
)

ALL = (ENERGY, POWER, UNKNOWN_GAPS)
