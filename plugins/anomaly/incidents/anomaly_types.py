"""The types of anomalies that no detector and no rule of a single series' values finds, and what they have in common."""

from __future__ import annotations

from collector_plugins.anomaly.detector.value_rules import RARE_EVENT, STUCK, ZERO

MISSING = "missing"
MULTIVARIATE = "multivariate"
TYPES_OF_RULES = frozenset({MISSING, STUCK, ZERO, RARE_EVENT})  # all others come from detectors
