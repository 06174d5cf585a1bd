"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Gauge, Unit
from collector_core.devices import DeviceHealth

HEALTH = DeviceHealth("federation")
AGE = Gauge(
    "federation_age_seconds",
    "Age of what the other collector's ledger says: since it ran, on its own clock.",
    Unit.SECONDS,
    ("device",),
    topic="reading_age",
    of="collector",
    title="Age of another collector's readings",
)
METER_AGE = Gauge(
    "federation_oldest_meter_seconds",
    "Age of the oldest reading of a meter that is taken from the other collector.",
    Unit.SECONDS,
    ("device",),
    topic="oldest_reading_age",
    of="collector",
    title="Oldest reading of another collector",
)
METERS = Gauge("federation_meters", "Meters that are taken from the other collector.", labels=("device",))
POWER = Gauge(
    "federation_power_watts",
    "Power of all that the other collector knows, as it says: with what others may know too.",
    Unit.WATTS,
    ("device",),
    topic="total_power",
    of="collector",
    title="Power that another collector knows of",
)

ALL = (*HEALTH.metrics, AGE, METER_AGE, METERS, POWER)
