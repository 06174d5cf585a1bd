"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit

ENERGY = Counter(
    "guest_energy_joules_total",
    "Energy of this virtual machine since the collector started, as its host measures it.",
    Unit.JOULES,
    ("component",),
    topic="guest_energy",
    of="host",
    title="Energy of this virtual machine",
)
POWER = Gauge(
    "guest_power_watts",
    "Mean power of this virtual machine between the last two readings of its host.",
    Unit.WATTS,
    ("component",),
    topic="guest_power",
    of="host",
    title="Power of this virtual machine",
)
UP = Gauge(
    "guest_host_up",
    "1 while the host tells the power of this virtual machine, 0 otherwise.",
    of="host",
    title="Whether the host tells power",
)
UNKNOWN_GAPS = Counter(
    "guest_unknown_gaps_total",
    "Times the energy between two readings of the host could not be known and was left out.",
    Unit.NONE,
    ("component",),
    of="host",
)
INFO = Info(
    "guest_info",
    "What the host calls this virtual machine, and how it tells its power: folder, port or push.",
    ("guest", "way"),
    of="host",
    title="Virtual machine",
)
ALL = (ENERGY, POWER, UP, UNKNOWN_GAPS, INFO)
