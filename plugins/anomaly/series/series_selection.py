"""Which series of a finished run are watched; looked up once per layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import Generic, TypeVar

from collector_core import Published, RunReport, Selector, Series

WatchedT = TypeVar("WatchedT")
MAX_FOREIGN_KNOWN = 20_000
UNWATCHABLE = frozenset({"info", "histogram", "summary", "gaugehistogram", "stateset"})


class SeriesSelection(Generic[WatchedT]):
    """Pairs the values of finished runs with their watchers.

    `watch` returns the watcher of a series, None if it is not to be watched. Not thread-safe.
    """

    def __init__(
        self, wanted: Sequence[Selector], excluded: Sequence[Selector], watch: Callable[[Series], WatchedT | None]
    ) -> None:
        self._wanted = wanted
        self._excluded = excluded
        self._watch = watch
        self._plans: dict[str, tuple[object, list[tuple[int, WatchedT]]]] = {}
        self._foreign: dict[tuple[str, str], WatchedT | None] = {}

    def watched_values(self, report: RunReport) -> Iterator[tuple[WatchedT, float]]:
        """The watcher and the value of each chosen series of a run."""
        snapshot = report.snapshot
        if snapshot is None:
            return
        layout, plan = self._plans.get(report.collector, (None, []))
        if layout is not snapshot.layout:
            plan = list(self._plan(report.published))
            self._plans[report.collector] = snapshot.layout, plan
        values = snapshot.values
        for place, watched in plan:
            yield watched, values[place]
        if snapshot.families:
            yield from self._foreign_values(report.published)

    def reset(self) -> None:
        """Look everything up again: what may be watched has changed."""
        self._plans.clear()
        self._foreign.clear()

    def _plan(self, published: Published) -> Iterator[tuple[int, WatchedT]]:
        """The places of the watched series in snapshots of this layout."""
        seen = set[str]()
        for selector in self._wanted:
            for place, series in selector.places(published):
                if self._is_chosen(series, seen):
                    watched = self._watch(series)
                    if watched is not None:
                        yield place, watched

    def _foreign_values(self, published: Published) -> Iterator[tuple[WatchedT, float]]:
        """The same for families of foreign code, which have no layout."""
        if len(self._foreign) > MAX_FOREIGN_KNOWN:
            self._foreign.clear()
        seen = set[str]()
        for selector in self._wanted:
            for series, value in selector.select_families(published):
                if isfinite(value) and self._is_chosen(series, seen):
                    key = published.source, series.text
                    if key not in self._foreign:
                        self._foreign[key] = self._watch(series)
                    watched = self._foreign[key]
                    if watched is not None:
                        yield watched, value

    def _is_chosen(self, series: Series, seen: set[str]) -> bool:
        """Whether the series may be watched and is not among those `seen`, which it then joins."""
        if series.text in seen or series.kind in UNWATCHABLE or self._is_excluded(series):
            return False
        seen.add(series.text)
        return True

    def _is_excluded(self, series: Series) -> bool:
        return any(selector.means(series) for selector in self._excluded)
