"""What the anomaly plugin publishes: one declaration for each metric."""

from __future__ import annotations

from collector_core import Counter, Gauge, Unit

_OF_A_SERIES = ("series", "component")
_OF_A_KIND = ("component", "type", "severity")

SCORE = Gauge(
    "anomaly_score_ratio",
    "How unusual the last row of a watched series was for this series: 0 usual, 1 as odd as it gets.",
    Unit.RATIO,
    _OF_A_SERIES,
    topic="score",
    of="series",
    title="Anomaly score of a series",
)
PREDICTED = Gauge(
    "anomaly_predicted_value",
    "What the last row of a watched series was expected to be, in the series' own unit; counters as a rate per second.",
    labels=_OF_A_SERIES,
    topic="expected_value",
    of="series",
    title="Expected value of a series",
)
ACTIVE = Gauge(
    "anomaly_active",
    "Anomalies that go on at this moment; 0 once those of this kind are over. Severity is 1 (slight) to 5 (grave).",
    labels=_OF_A_KIND,
    topic="anomalies",
    of="series",
    title="Anomalies that go on",
)
DETECTED = Counter(
    "anomaly_detected_total", "Anomalies that began since the collector started.", labels=_OF_A_KIND, of="series"
)
WATCHED = Gauge("anomaly_watched_series", "Series that are watched.")
WARMING_UP = Gauge("anomaly_warming_up_series", "Watched series of which too little is known yet to judge them.")
LEFT_OUT = Gauge("anomaly_unwatched_series", "Series that were chosen but are not watched, because of max_watched.")
FORECAST = Gauge("anomaly_model_series", "Watched series that the trained model predicts.")

OF_A_SERIES = (SCORE, PREDICTED)
SERIES_LABELS = _OF_A_SERIES
ALL = (SCORE, PREDICTED, ACTIVE, DETECTED, WATCHED, WARMING_UP, LEFT_OUT, FORECAST)
