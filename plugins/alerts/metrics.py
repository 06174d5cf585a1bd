"""What the plugin publishes: one declaration for each metric."""

from __future__ import annotations

from collector_core import Counter, Gauge

ACTIVE = Gauge("alerts_active", "Alerts that fire now, by rule.", labels=("alert", "severity"))
PENDING = Gauge(
    "alerts_pending", "Alerts whose condition holds, but not yet for long enough.", labels=("alert", "severity")
)
UNTRACKED = Gauge(
    "alerts_untracked", "Series whose condition holds and that are left out: their rule has too many already."
)
RULES = Gauge("alerts_rules", "Rules that are looked at, those of the plugin's own too.")
NOTIFICATIONS = Counter(
    "alerts_notifications_total",
    "Notifications that were sent, that the channel refused (failed), or that its full queue lost (dropped).",
    labels=("channel", "result"),
)
QUEUE_LENGTH = Gauge("alerts_queue_length", "Notifications, or alerts, that wait for delivery.", labels=("channel",))
UP = Gauge("alerts_channel_up", "Whether the last delivery worked; absent before the first one.", labels=("channel",))

ALL = (ACTIVE, PENDING, UNTRACKED, RULES, NOTIFICATIONS, QUEUE_LENGTH, UP)

RESULTS = ("sent", "failed", "dropped")
