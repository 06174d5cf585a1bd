"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Gauge, Unit

LATENCY = Gauge(
    "performance_network_latency_seconds",
    "Time to establish the last connection to the target.",
    Unit.SECONDS,
    ("target",),
    topic="latency",
    of="network",
    title="Network latency",
)
LOSS = Gauge(
    "performance_network_loss_ratio",
    "Fraction of the last attempts that did not reach the target.",
    Unit.RATIO,
    ("target",),
    topic="packet_loss",
    of="network",
    title="Network packet loss",
)
UP = Gauge(
    "performance_target_up",
    "1 while the target can be reached: its last attempt had an answer.",
    labels=("target",),
    topic="availability",
    of="target",
    title="Network target",
)
SNAPSHOTS = Gauge(
    "performance_history_snapshots",
    "Snapshots of this node that are kept in memory; with a history, the newest one alone.",
)

ALL = (LATENCY, LOSS, UP, SNAPSHOTS)
