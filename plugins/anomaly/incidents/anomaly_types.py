"""The types of anomalies beyond those of a detector, and which of all types come from rules."""

from __future__ import annotations

from collector_plugins.anomaly.detector.value_rules import RARE_EVENT, STUCK, ZERO

MISSING = "missing"
MULTIVARIATE = "multivariate"
TYPES_OF_RULES = frozenset({MISSING, STUCK, ZERO, RARE_EVENT})  # all others come from detectors
