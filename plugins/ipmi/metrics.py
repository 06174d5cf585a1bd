"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Gauge, Unit
from collector_core.devices import DeviceHealth

POWER = Gauge(
    "ipmi_power_watts",
    "Power of the whole server, as DCMI reports it; absent where the BMC has no DCMI, or does not measure.",
    Unit.WATTS,
    ("device",),
    topic="power",
    of="host",
    title="Power of a server",
)
TEMPERATURE = Gauge(
    "ipmi_temperature_celsius",
    "Temperature at each sensor; only with `sensors`.",
    Unit.CELSIUS,
    ("device", "sensor"),
    topic="temperature",
    of="host",
    title="Temperature of a server",
)
SENSOR_POWER = Gauge(
    "ipmi_sensor_power_watts",
    "Power at each sensor, such as that of a power supply; only with `sensors`. Sensors overlap: do not add them up.",
    Unit.WATTS,
    ("device", "sensor"),
    topic="sensor_power",
    of="host",
    title="Power at a sensor of a server",
)
HEALTH = DeviceHealth("ipmi")

ALL = (POWER, TEMPERATURE, SENSOR_POWER, *HEALTH.metrics)
