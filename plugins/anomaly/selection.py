"""Which of the series of a finished run are watched, found once for each layout."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from collector_core import Published, RunReport, Selector, Series, Snapshot

WatchedT = TypeVar("WatchedT")
MAX_FOREIGN_KNOWN = 20_000
UNWATCHABLE = frozenset({"info", "histogram", "summary", "gaugehistogram", "stateset"})


class Selection(Generic[WatchedT]):
    """Pairs the values of runs with what watches them; `watch` makes that of a series, None where it is not to be.

    Not for several threads at once.
    """

    def __init__(
        self, series: Iterable[str], exclude: Iterable[str], watch: Callable[[Series], WatchedT | None]
    ) -> None:
        self._wanted = [Selector.parse(text) for text in series]
        self._excluded = [Selector.parse(text) for text in exclude]
        self._watch = watch
        self._plans: dict[str, tuple[object, list[tuple[int, WatchedT]]]] = {}
        self._foreign: dict[tuple[str, str], WatchedT | None] = {}

    def pairs(self, report: RunReport) -> Iterator[tuple[WatchedT, float]]:
        """What watches each chosen series of a run, and the series' value."""
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
            yield from self._foreign_pairs(report.published)

    def forget(self) -> None:
        """Look everything up anew: what is watched has changed."""
        self._plans.clear()
        self._foreign.clear()

    def _plan(self, published: Published) -> Iterator[tuple[int, WatchedT]]:
        """Where the watched series stand: the values that are selected from are their own places."""
        count = len(published.snapshot.values)
        places = Snapshot(published.snapshot.layout, array("d", range(count)))
        for series, place in self._chosen(Published(published.source, published.labels, places)):
            watched = self._watch(series)
            if watched is not None:
                yield int(place), watched

    def _chosen(self, published: Published) -> Iterator[tuple[Series, float]]:
        seen = set[str]()
        for selector in self._wanted:
            for series, value in selector.select([published]):
                if series.text not in seen and series.kind not in UNWATCHABLE and not self._is_excluded(series):
                    seen.add(series.text)
                    yield series, value

    def _is_excluded(self, series: Series) -> bool:
        return any(selector.matches(series.name, series.labels) for selector in self._excluded)

    def _foreign_pairs(self, published: Published) -> Iterator[tuple[WatchedT, float]]:
        empty = Snapshot(type(published.snapshot.layout)({}), array("d"), published.snapshot.families)
        if len(self._foreign) > MAX_FOREIGN_KNOWN:
            self._foreign.clear()
        for series, value in self._chosen(Published(published.source, published.labels, empty)):
            key = published.source, series.text
            if key not in self._foreign:
                self._foreign[key] = self._watch(series)
            watched = self._foreign[key]
            if watched is not None and value - value == 0:
                yield watched, value


def selected(selectors: Sequence[Selector], series: Series) -> bool:
    """Whether any of the selectors means the series."""
    return any(selector.matches(series.name, series.labels) for selector in selectors)
