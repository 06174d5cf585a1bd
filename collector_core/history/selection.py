"""Which series of a run are kept."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from collector_core.history.catalogue import KeptSeries
from collector_core.model.layout_memo import LayoutMemo
from collector_core.model.run_report import RunReport
from collector_core.model.selector import Selector
from collector_core.model.series import AnyOf, Series


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
        self._chooser = AnyOf([Selector.parse(text) for text in selectors])
        self._decimals = decimals
        self._known = LayoutMemo[tuple[list[int], list[Chosen]]]()

    def select(self, report: RunReport, gap: int) -> Observed:
        """What is kept of a run; its series say nothing of a time of more than `gap` milliseconds between readings."""
        places, chosen = self._known.get(report.published, lambda: self._look_up(report, gap))
        values = array("d")
        if report.snapshot is not None:
            shown = report.snapshot.values
            values.extend([shown[place] for place in places])
        foreign = dict(self._foreign(report, gap))
        if foreign:
            chosen = [*chosen, *foreign]
            values.extend(foreign.values())
        return Observed(chosen, values, round(report.ended_at * 1000), round(report.ended_monotonic * 1000))

    def _look_up(self, report: RunReport, gap: int) -> tuple[list[int], list[Chosen]]:
        wanted = {place: series for place, series in self._chooser.places(report.published) if series.kind != "info"}
        return [*wanted], [self._chosen(series, report, gap) for series in wanted.values()]

    def _foreign(self, report: RunReport, gap: int) -> Iterator[tuple[Chosen, float]]:
        for series, value in self._chooser.select_families(report.published):
            if series.kind != "info" and abs(value) < float("inf"):
                yield self._chosen(series, report, gap), value

    def _chosen(self, series: Series, report: RunReport, gap: int) -> Chosen:
        places = 6 if series.topic == "cost" else self._decimals.get(series.unit)
        return Chosen(KeptSeries(series, report.plugin, gap), places)
