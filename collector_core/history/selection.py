"""Which series of a run are kept."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from collector_core.history.catalogue import KeptSeries
from collector_core.model.readings import Layout
from collector_core.model.run_report import RunReport
from collector_core.model.selector import Selector
from collector_core.model.series import Series


class Chosen(NamedTuple):
    """A series that is kept, and how many decimal places of its values; None: all."""

    kept: KeptSeries
    places: int | None


class Observed(NamedTuple):
    """What of a run is kept: `values` of the series in `chosen`. Times are in milliseconds since 1970 and monotonic."""

    chosen: Sequence[Chosen]
    values: array[float]
    time: int
    monotonic: int


class Selection:
    """The series that one of some selectors means. What is looked up for a layout is kept while that lives."""

    def __init__(self, selectors: Sequence[str], decimals: Mapping[str, int]) -> None:
        self._selectors = [Selector.parse(text) for text in selectors]
        self._decimals = decimals
        self._known: WeakKeyDictionary[Layout, dict[str, tuple[list[int], list[Chosen]]]] = WeakKeyDictionary()

    def select(self, report: RunReport, gap: int) -> Observed:
        """What is kept of a run; its series say nothing of a time of more than `gap` milliseconds between readings."""
        places, chosen = self._places(report, gap)
        values = array("d")
        if report.snapshot is not None:
            shown = report.snapshot.values
            values.extend([shown[place] for place in places])
        foreign = dict(self._foreign(report, gap))
        if foreign:
            chosen = [*chosen, *foreign]
            values.extend(foreign.values())
        return Observed(chosen, values, round(report.ended_at * 1000), round(report.ended_monotonic * 1000))

    def _places(self, report: RunReport, gap: int) -> tuple[list[int], list[Chosen]]:
        published = report.published
        known = self._known.setdefault(published.snapshot.layout, {})
        if published.source not in known:
            found = dict(pair for selector in self._selectors for pair in selector.places(published))
            wanted = {place: series for place, series in sorted(found.items()) if series.kind != "info"}
            known[published.source] = [*wanted], [self._chosen(series, report, gap) for series in wanted.values()]
        return known[published.source]

    def _foreign(self, report: RunReport, gap: int) -> Iterator[tuple[Chosen, float]]:
        if report.snapshot is not None and report.snapshot.families:
            pairs = (pair for selector in self._selectors for pair in selector.select_families(report.published))
            for series, value in dict(pairs).items():
                if series.kind != "info" and abs(value) < float("inf"):
                    yield self._chosen(series, report, gap), value

    def _chosen(self, series: Series, report: RunReport, gap: int) -> Chosen:
        places = 6 if series.topic == "cost" else self._decimals.get(series.unit)
        return Chosen(KeptSeries(series, report.plugin, gap), places)
