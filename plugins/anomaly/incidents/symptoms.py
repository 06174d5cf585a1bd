"""What is unusual about a series in a row: the material that incidents are made of."""

from __future__ import annotations

from typing import NamedTuple

from collector_plugins.anomaly.detector.value_rules import RARE_EVENT, STUCK, ZERO
from collector_plugins.anomaly.series.watched_series import WatchedSeries

DRIFT = "drift"
MISSING = "missing"
MULTIVARIATE = "multivariate"
TYPES_OF_RULES = frozenset({DRIFT, MISSING, STUCK, ZERO, RARE_EVENT})  # all others come from detectors


class Symptom(NamedTuple):
    """A series and the type of anomaly that its last row is or begins."""

    watched: WatchedSeries
    type: str

    @property
    def series(self) -> str:
        """The text of the series."""
        return self.watched.series.text

    @property
    def family(self) -> str:
        """What may be one incident with it: each rule by itself, all that detectors find together."""
        return family_of(self.type)


def family_of(anomaly_type: str) -> str:
    """The type of a rule; empty for all that detectors find."""
    return anomaly_type if anomaly_type in TYPES_OF_RULES else ""


def broken_rule(watched: WatchedSeries) -> str:
    """The type of the rule that the last row of a series breaks; empty if it breaks none or is still learnt."""
    if watched.detector.is_warming_up:
        return ""
    if watched.is_missing:
        return MISSING
    if watched.value is None:
        return ""
    return watched.rules.active or (DRIFT if watched.is_drifting else "")
