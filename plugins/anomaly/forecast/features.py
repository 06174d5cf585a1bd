"""What a model sees of a series: its last rows, the time of day and the time of the week."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin

LAGS = 12  # rows
DAY = 86_400.0
WEEK = 7 * DAY
WAVES = ((DAY, 1), (DAY, 2), (WEEK, 1))  # period in seconds, harmonic
COUNT = LAGS + 1 + 2 * len(WAVES)


def feature_vector(last_rows: Sequence[float], when: float) -> list[float]:
    """The last 12 rows, newest first; the constant 1; and waves of day and week at `when`, in seconds since 1970."""
    angles = [2 * pi * harmonic * (when % period) / period for period, harmonic in WAVES]
    return [*last_rows, 1.0, *(wave(angle) for angle in angles for wave in (sin, cos))]
