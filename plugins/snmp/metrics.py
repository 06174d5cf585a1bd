"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Gauge, Unit
from collector_core.devices import DeviceMetrics

METERS = DeviceMetrics("snmp")
HEALTH = METERS.health

LOAD = Gauge(
    "snmp_load_ratio",
    "Load of a UPS, of three phases that of the most loaded one; 1 is full.",
    Unit.RATIO,
    ("device",),
    topic="load",
    of="ups",
    title="Load of a UPS",
)
RUNTIME = Gauge(
    "snmp_battery_runtime_seconds",
    "How long the battery of a UPS lasts at this load, as it reckons.",
    Unit.SECONDS,
    ("device",),
    topic="runtime",
    of="ups",
    title="Runtime of a UPS",
)
ON_BATTERY = Gauge(
    "snmp_on_battery",
    "1 while the battery of a UPS supplies the load, else 0.",
    labels=("device",),
    topic="on_battery",
    of="ups",
    title="Whether a UPS runs on its battery",
)
EXTRA = {"load_percent": LOAD, "battery_runtime_seconds": RUNTIME, "on_battery": ON_BATTERY}

ALL = (*METERS.metrics, *EXTRA.values())
