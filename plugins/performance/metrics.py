"""What the plugin publishes."""

from __future__ import annotations

from collector_core import Gauge, Unit

LATENCY = Gauge(
    "performance_network_latency_seconds",
    "How long the last connection to a target took.",
    Unit.SECONDS,
    ("target",),
    topic="latency",
    of="network",
    title="Network latency",
)
LOSS = Gauge(
    "performance_network_loss_ratio",
    "Share of the last attempts that reached no target.",
    Unit.RATIO,
    ("target",),
    topic="packet_loss",
    of="network",
    title="Network packet loss",
)
SNAPSHOTS = Gauge("performance_history_snapshots", "Snapshots of this node that are kept in memory.")

ALL = (LATENCY, LOSS, SNAPSHOTS)
