"""How severe an anomaly is, from 1 (minor) to 5 (critical)."""

from __future__ import annotations

from collector_plugins.anomaly.detector.value_rules import RARE_EVENT, STUCK
from collector_plugins.anomaly.incidents.symptoms import DRIFT

MAX_SEVERITY = 5
DEFAULT_FLOOR = 2
MINOR_FLOOR = 1  # of a slow drift, a stuck sensor and a rare event
NEUTRAL_SIZE = 5.0  # stands for the size of what a rule found: neither raises nor lowers the severity


def severity_of(size: float, related: int, floor: int = DEFAULT_FLOOR) -> int:
    """The severity by size, in robust scales, and by how many other series are unusual at the same time."""
    grade = floor + (size >= 10) + (size >= 30) + (related >= 2)
    return max(1, min(MAX_SEVERITY, grade - (size < 4 and related == 0)))


def floor_of(anomaly_type: str) -> int:
    """The severity from which an anomaly of this type is graded."""
    return MINOR_FLOOR if anomaly_type in (DRIFT, STUCK, RARE_EVENT) else DEFAULT_FLOOR
