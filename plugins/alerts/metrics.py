"""What the plugin publishes: one declaration per metric."""

from __future__ import annotations

from collector_core import Counter, Gauge

ACTIVE = Gauge(
    "alerts_active",
    "Alerts that are firing, by rule.",
    labels=("alert", "severity"),
    topic="alerts",
    of="alert_rule",
    title="Firing alerts",
)
PENDING = Gauge(
    "alerts_pending",
    "Alerts whose condition holds, but has not held for long enough yet.",
    labels=("alert", "severity"),
    topic="pending_alerts",
    of="alert_rule",
    title="Pending alerts",
)
UNTRACKED = Gauge(
    "alerts_untracked", "Series for which a rule holds but that have no alert, because the rule has too many already."
)
RULES = Gauge("alerts_rules", "Rules that are evaluated, including the default rules.")
NOTIFICATIONS = Counter(
    "alerts_notifications_total",
    "Notifications that were delivered (sent), refused by the channel (failed) or lost to a full queue (dropped).",
    labels=("channel", "result"),
)
QUEUE_LENGTH = Gauge(
    "alerts_queue_length",
    "Notifications, or for an Alertmanager alerts, that are waiting for delivery.",
    labels=("channel",),
    topic="queue",
    of="alert_channel",
    title="Notifications waiting for delivery",
)
UP = Gauge(
    "alerts_channel_up",
    "Whether the last delivery succeeded; absent before the first one.",
    labels=("channel",),
    topic="availability",
    of="alert_channel",
    title="Alert channel",
)
DAMAGED = Counter(
    "alerts_state_damaged_records_total",
    "Records of the saved state (alerts, and notifications that waited) that could not be read and were left out.",
)
CORRUPT_FILES = Gauge(
    "alerts_state_corrupt_files",
    "Copies of state files that were damaged and set aside, until somebody removes them.",
    topic="damage",
    of="alert_state",
    title="Damaged state file of the alerts",
)

ALL = (ACTIVE, PENDING, UNTRACKED, RULES, NOTIFICATIONS, QUEUE_LENGTH, UP, DAMAGED, CORRUPT_FILES)
