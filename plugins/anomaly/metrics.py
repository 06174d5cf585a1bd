"""What the anomaly plugin publishes: one declaration per metric."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit

SERIES_LABELS = ("series", "component")
_KIND_LABELS = ("component", "type", "severity")

SCORE = Gauge(
    "anomaly_score_ratio",
    "How unusual the last row of a watched series was for that series: 0 is usual, 0.5 the alarm level, 1 the limit.",
    Unit.RATIO,
    SERIES_LABELS,
    topic="score",
    of="series",
    title="Anomaly score of a series",
)
PREDICTED = Gauge(
    "anomaly_predicted_value",
    "What the last row of a watched series was expected to be, in the unit of the series; per second for counters.",
    labels=SERIES_LABELS,
    topic="expected_value",
    of="series",
    title="Expected value of a series",
)
ACTIVE = Gauge(
    "anomaly_active",
    "Number of active anomalies; 0 once those of a kind are over. Severity ranges from 1 (minor) to 5 (critical).",
    labels=_KIND_LABELS,
    topic="anomalies",
    of="series",
    title="Active anomalies",
)
INCIDENT = Info(
    "anomaly_incident_info",
    "An active anomaly in words: what is unusual, with its numbers, and what to look at first.",
    ("id", *_KIND_LABELS, "series", "value", "expected", "description", "actions"),
    topic="incident",
    of="series",
    title="Anomaly",
)
DETECTED = Counter(
    "anomaly_detected_total", "Anomalies that began since the collector started.", labels=_KIND_LABELS, of="series"
)
ALARMS = Counter(
    "anomaly_alarms_total",
    "Anomalies across restarts: raised; confirmed or muted by people; missed, where only a rule noticed.",
    labels=("outcome",),
    topic="outcomes",
    of="anomaly",
    title="Outcomes of anomalies",
)
WATCHED = Gauge("anomaly_watched_series", "Number of watched series.")
WARMING_UP = Gauge("anomaly_warming_up_series", "Number of watched series that are still learnt and not yet judged.")
UNWATCHED = Gauge("anomaly_unwatched_series", "Number of chosen series that are not watched because of max_watched.")
FORECAST = Gauge("anomaly_model_series", "Number of watched series that the trained model predicts.")
CORRUPT_FILES = Gauge(
    "anomaly_state_corrupt_files",
    "Copies of the state file that could not be read and were set aside, until somebody removes them.",
    topic="damage",
    of="anomaly_state",
    title="Damaged state file of the anomaly detection",
)

OF_A_SERIES = (SCORE, PREDICTED)
ALL = (SCORE, PREDICTED, ACTIVE, INCIDENT, DETECTED, ALARMS, WATCHED, WARMING_UP, UNWATCHED, FORECAST, CORRUPT_FILES)
