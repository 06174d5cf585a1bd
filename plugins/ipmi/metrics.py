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
HEALTH = DeviceHealth("ipmi")

ALL = (POWER, *HEALTH.metrics)
