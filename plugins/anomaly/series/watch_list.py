"""Which series are watched, and which are not because there are too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from collector_core import RunReport, Selector, Series
from collector_plugins.anomaly.series.series_selection import SeriesSelection
from collector_plugins.anomaly.series.watched_series import WatchedSeries

GONE_SECONDS = 3600.0  # a series missing for this long makes room for another
FORGET_SECONDS = 7 * 86_400.0  # and is no longer watched after this
MAX_UNWATCHED_KNOWN = 100_000


class WatchList(Mapping[str, WatchedSeries]):
    """The watched series by their text, at most `limit`; `start_watching` makes one of a series that shows up."""

    def __init__(
        self,
        wanted: Sequence[Selector],
        excluded: Sequence[Selector],
        *,
        limit: int,
        row_seconds: float,
        start_watching: Callable[[Series], WatchedSeries],
    ) -> None:
        self._watched: dict[str, WatchedSeries] = {}
        self._unwatched: set[int] = set()
        self._limit = limit
        self._row_seconds = row_seconds
        self._start_watching = start_watching
        self._selection = SeriesSelection(wanted, excluded, self._watch)

    def __getitem__(self, text: str) -> WatchedSeries:
        return self._watched[text]

    def __iter__(self) -> Iterator[str]:
        return iter(self._watched)

    def __len__(self) -> int:
        return len(self._watched)

    @property
    def unwatched(self) -> int:
        """How many series were chosen but found no room."""
        return len(self._unwatched)

    @property
    def warming_up(self) -> int:
        """How many watched series cannot be judged yet."""
        return sum(each.is_warming_up for each in self._watched.values())

    def add_readings(self, report: RunReport) -> None:
        """Give the readings of a finished run to those who watch them."""
        for watched, value in self._selection.watched_values(report):
            watched.add_reading(value, report.ended_monotonic)

    def drop_forgotten(self, when: float) -> None:
        """Stop watching what was not seen for a week; where there is room, let others in with their next run."""
        forgotten = [text for text, each in self._watched.items() if when - each.last_row_at > FORGET_SECONDS]
        for text in forgotten:
            del self._watched[text]
        has_room = len(self._watched) < self._limit or any(map(self._is_gone, self._watched.values()))
        if forgotten or (self._unwatched and has_room):
            self._unwatched.clear()
            self._selection.reset()

    def _watch(self, series: Series) -> WatchedSeries | None:
        known = self._watched.get(series.text)
        if known:
            return known
        if len(self._watched) >= self._limit and not self._make_room():
            if len(self._unwatched) < MAX_UNWATCHED_KNOWN:
                self._unwatched.add(hash(series.text))
            return None
        watched = self._watched[series.text] = self._start_watching(series)
        self._unwatched.discard(hash(series.text))
        return watched

    def _make_room(self) -> bool:
        longest = max(self._watched.values(), key=lambda each: each.rows_missed)
        if not self._is_gone(longest):
            return False
        del self._watched[longest.series.text]
        return True

    def _is_gone(self, watched: WatchedSeries) -> bool:
        return watched.rows_missed * self._row_seconds >= GONE_SECONDS
