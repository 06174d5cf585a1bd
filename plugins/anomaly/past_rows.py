"""The rows that a series would have had, from the history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from collector_core import History, Selector, Series
from collector_plugins.anomaly.series.row_aggregates import USUAL_GAP_FACTOR
from collector_plugins.anomaly.series.watched_series import MAX_GAP_ROWS, SHORTEST_MAX_GAP

Rows = Sequence[tuple[float, float]]
"""When each row ended, in seconds since 1970, and its value."""


def past_rows(history: History, row_seconds: float, series: Series, start: float, end: float) -> Rows:
    """The rows of a series from `start` to `end`, in seconds since 1970; raises `HistoryUnavailable`."""
    is_counter = series.kind == "counter"  # as for `WatchedSeries`
    try:
        selector = Selector.parse(series.text)
    except ValueError:  # a name that no selector can say
        return ()
    found = history.query(selector, start, end, step=row_seconds, fn="increase" if is_counter else "mean")
    points = next((past.points for past in found if past.series == series), ())
    rows = _rates(points, row_seconds) if is_counter else points
    return [(time + row_seconds, value) for time, value in rows if start <= time and time + row_seconds <= end]


def _rates(points: Rows, row_seconds: float) -> Iterator[tuple[float, float]]:
    """Rises by row → rates since the row before that had a reading; those over a gap say nothing of a row."""
    usual = median(time - before for (before, _), (time, _) in pairwise(points)) if len(points) > 1 else 0.0
    longest = max(SHORTEST_MAX_GAP, MAX_GAP_ROWS * row_seconds, USUAL_GAP_FACTOR * usual)
    for (before, _), (time, rise) in pairwise(points):
        if time - before <= longest:
            yield time, rise / (time - before)
