"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Counter, Gauge, Unit

_METER, _BATTERY = ("meter",), ("battery",)

ENERGY = Counter(
    "windows_energy_joules_total",
    "Energy that the meter has counted. Meters overlap: rapl_package0_pkg holds rapl_package0_pp0.",
    Unit.JOULES,
    _METER,
    topic="zone_energy",
    of="cpu",
    title="Energy of a meter",
)
POWER = Gauge(
    "windows_power_watts",
    "Power at the meter.",
    Unit.WATTS,
    _METER,
    topic="zone_power",
    of="cpu",
    title="Power of a meter",
)
DISCHARGE_POWER = Gauge(
    "windows_battery_discharge_power_watts",
    "Power that the battery supplies.",
    Unit.WATTS,
    _BATTERY,
    topic="discharge_power",
    of="battery",
    title="Power from a battery",
)
CHARGE_POWER = Gauge(
    "windows_battery_charge_power_watts",
    "Power that the battery is charged with.",
    Unit.WATTS,
    _BATTERY,
    topic="charge_power",
    of="battery",
    title="Power into a battery",
)
CHARGE = Gauge(
    "windows_battery_charge_ratio",
    "Charge of the battery, 0 to 1.",
    Unit.RATIO,
    _BATTERY,
    topic="charge",
    of="battery",
    title="Charge of a battery",
)

ALL = (ENERGY, POWER, DISCHARGE_POWER, CHARGE_POWER, CHARGE)
