"""What is unusual about a series in a row: the material that incidents are made of."""

from __future__ import annotations

from typing import NamedTuple

from collector_plugins.anomaly.incidents.anomaly_types import TYPES_OF_RULES
from collector_plugins.anomaly.incidents.messages import Observation, unit_of_rows
from collector_plugins.anomaly.series.daily_extremes import DAY
from collector_plugins.anomaly.series.watched_series import WatchedSeries


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


def observe(watched: WatchedSeries, when: float) -> Observation:
    """The numbers of the last row, before it counts among the extremes of its day."""
    value, size, expected = watched.value, watched.size, watched.expected
    is_above = size >= 0
    unseen = 0 if value is None else watched.extremes.days_since(value, when, above=is_above)
    spread = None if value is None or expected is None or not size else abs((value - expected) / size)
    return Observation(
        watched.series.heading,
        unit_of_rows(watched.series.unit, is_counter=watched.is_counter),
        value,
        expected,
        spread,
        days_watched=(when - watched.first_row_at) / DAY,
        days_unseen=unseen,
        is_above=is_above,
        rows_lasting=max(watched.rows_missed, watched.rules.same if value is not None else 0),
        row_seconds=watched.row_seconds,
    )
