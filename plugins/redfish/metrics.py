"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Counter, Gauge, Unit
from collector_core.devices import DeviceHealth

POWER = Gauge(
    "redfish_power_watts",
    "Power that the chassis takes in; absent where the BMC does not tell it.",
    Unit.WATTS,
    ("device",),
    topic="power",
    of="host",
    title="Power of a server",
)
ENERGY = Counter(
    "redfish_energy_joules_total",
    "Energy that the chassis has taken in, as the BMC counts it.",
    Unit.JOULES,
    ("device",),
    topic="energy",
    of="host",
    title="Energy of a server",
)
POWER_LIMIT = Gauge(
    "redfish_power_limit_watts",
    "Power that the chassis is limited to.",
    Unit.WATTS,
    ("device",),
    topic="power_limit",
    of="host",
    title="Power limit of a server",
)
TEMPERATURE = Gauge(
    "redfish_temperature_celsius",
    "Temperature at each sensor.",
    Unit.CELSIUS,
    ("device", "sensor"),
    topic="temperature",
    of="host",
    title="Temperature of a server",
)
HEALTH = DeviceHealth("redfish")

ALL = (POWER, ENERGY, POWER_LIMIT, TEMPERATURE, *HEALTH.metrics)
