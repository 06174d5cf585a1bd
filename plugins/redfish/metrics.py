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
EVENTS = Counter(
    "redfish_events_total",
    "Events that the BMC has streamed, by severity: ok, warning or critical; only with `events`.",
    labels=("device", "severity"),
    topic="events",
    of="host",
    title="Events of a server",
)
EVENTS_FOLLOWED = Gauge(
    "redfish_events_followed",
    "1 while the BMC's stream of events is open, 0 otherwise; only with `events`.",
    labels=("device",),
    topic="connection",
    of="host",
    title="Whether events of a server are followed",
)
HEALTH = DeviceHealth("redfish")

ALL = (POWER, ENERGY, POWER_LIMIT, TEMPERATURE, EVENTS, EVENTS_FOLLOWED, *HEALTH.metrics)
