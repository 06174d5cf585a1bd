"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Gauge, Unit

_BATTERY = ("battery",)

POWER = Gauge(
    "macos_power_watts",
    "Mean power of a part of the chip over a second: package is the chip as a whole, cpu, gpu and ane are parts of it.",
    Unit.WATTS,
    ("part",),
    topic="zone_power",
    of="cpu",
    title="Power of a part of the chip",
)
SYSTEM_POWER = Gauge(
    "macos_system_power_watts",
    "Power that the machine draws, as its battery controller measures it.",
    Unit.WATTS,
    topic="power",
    of="host",
    title="Power of the machine",
)
DISCHARGE_POWER = Gauge(
    "macos_battery_discharge_power_watts",
    "Power that the battery supplies.",
    Unit.WATTS,
    _BATTERY,
    topic="discharge_power",
    of="battery",
    title="Power from a battery",
)
CHARGE_POWER = Gauge(
    "macos_battery_charge_power_watts",
    "Power that the battery is charged with.",
    Unit.WATTS,
    _BATTERY,
    topic="charge_power",
    of="battery",
    title="Power into a battery",
)
CHARGE = Gauge(
    "macos_battery_charge_ratio",
    "Charge of the battery, or of a UPS, 0 to 1.",
    Unit.RATIO,
    _BATTERY,
    topic="charge",
    of="battery",
    title="Charge of a battery",
)

ALL = (POWER, SYSTEM_POWER, DISCHARGE_POWER, CHARGE_POWER, CHARGE)
