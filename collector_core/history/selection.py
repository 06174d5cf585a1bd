"""Which series of a run are kept."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import SeriesGroup
from collector_core.model.layout_memo import LayoutMemo
from collector_core.model.metrics import Metric
from collector_core.model.published import Published
from collector_core.model.readings import Key, Layout, Snapshot
from collector_core.model.run_report import RunReport
from collector_core.model.selector import Selector
from collector_core.model.series import AnyOf, Series


class Chosen(NamedTuple):
    """A series that is kept, and how many decimal places of its values; None: all. `place` is its value's in a run."""

    kept: KeptSeries
    decimals: int | None
    place: int


_ByKey = dict[Metric, dict[Key, Chosen | None]]


class Run(NamedTuple):
    """Numbers from `start` to before `end`, and what they have in common."""

    start: int
    end: int
    decimals: int | None = None


@dataclass(frozen=True, eq=False)
class Choice:
    """The series of a source that are kept: where their values are in a run, and how many decimal places they have."""

    group: SeriesGroup
    places: Sequence[Run]
    decimals: Sequence[Run]

    @classmethod
    def of(cls, chosen: Iterable[Chosen]) -> Choice:
        """These series: counters first, and side by side what is rounded in the same way."""
        found = sorted(chosen, key=_order)
        kept = [each.kept for each in found]
        group = SeriesGroup(kept, sum(each.is_counter for each in kept))
        decimals, end = list[Run](), 0
        for places, part in groupby(found, key=lambda each: each.decimals):
            start, end = end, end + len(list(part))
            decimals.append(Run(start, end, places))
        return cls(group, _runs([each.place for each in found]), decimals)

    def values(self, shown: array[float]) -> array[float]:
        """What a run says of them."""
        values = array("d")
        for start, end, _ in self.places:
            values.extend(shown[start:end])
        return values


def _order(chosen: Chosen) -> tuple[bool, int, int]:
    return not chosen.kept.is_counter, -1 if chosen.decimals is None else chosen.decimals, chosen.place


def _runs(places: Sequence[int]) -> list[Run]:
    """Neighbours put together."""
    found = list[Run]()
    for place in places:
        if found and found[-1].end == place:
            found[-1] = Run(found[-1].start, place + 1)
        else:
            found.append(Run(place, place + 1))
    return found


class Observed(NamedTuple):
    """What of a run is kept: `values` of the series of `choice`. Times are in milliseconds since 1970 and monotonic."""

    choice: Choice
    values: array[float]
    time: int
    monotonic: int


class Selection:
    """The series that one of some selectors means. What is looked up for a layout is kept while that lives."""

    def __init__(self, selectors: Sequence[str], decimals: Mapping[str, int]) -> None:
        self._chooser = AnyOf([Selector.parse(text) for text in selectors])
        self._decimals = decimals
        self._known = LayoutMemo[Choice]()
        self._looked_up: dict[str, tuple[object, _ByKey]] = {}  # of the last layout, by source
        self._foreign: dict[str, tuple[Sequence[tuple[Chosen, bool]], Choice]] = {}  # by source

    def select(self, report: RunReport, gap: int) -> Iterator[Observed]:
        """What is kept of a run; its series say nothing of a time of more than `gap` milliseconds between readings."""
        times = round(report.ended_at * 1000), round(report.ended_monotonic * 1000)
        choice = self._known.get(report.published, lambda: Choice.of(self._look_up(report, gap)))
        if choice.group.kept and report.snapshot is not None:
            yield Observed(choice, choice.values(report.snapshot.values), *times)
        foreign = dict(self._foreign_series(report))
        if foreign:
            choice = self._foreign_choice(list(foreign), report, gap)
            yield Observed(choice, choice.values(array("d", foreign.values())), *times)

    def _look_up(self, report: RunReport, gap: int) -> Iterator[Chosen]:
        """The series of a layout; only those that the layout before did not have are looked at."""
        about = (report.plugin, dict(report.labels), gap)
        last, known = self._looked_up.get(report.collector, (None, {}))
        layout = report.published.snapshot.layout
        found = self._found(report, gap, layout, known if last == about else {})
        self._looked_up[report.collector] = about, found
        for metric, places in layout.places.items():
            for place, chosen in zip(places.values(), found[metric].values(), strict=True):
                if chosen is not None:
                    yield Chosen(chosen.kept, chosen.decimals, place)

    def _found(self, report: RunReport, gap: int, layout: Layout, known: _ByKey) -> _ByKey:
        """What is chosen of each metric by the label values, None where it is not; from `known` as far as it is."""
        new = Layout({metric: places.keys() - known.get(metric, {}).keys() for metric, places in layout.places.items()})
        published = Published(report.collector, report.labels, Snapshot(new, array("d")))
        series = {place: each for place, each in self._chooser.places(published) if each.kind != "info"}
        chosen = {place: self._chosen(each, place, report, gap) for place, each in series.items()}
        found: _ByKey = {}
        for metric, places in layout.places.items():
            before, places_of_new = known.get(metric, {}), new.places[metric]
            found[metric] = {key: before[key] if key in before else chosen.get(places_of_new[key]) for key in places}
        return found

    def _foreign_series(self, report: RunReport) -> Iterator[tuple[Series, float]]:
        for series, value in self._chooser.select_families(report.published):
            if series.kind != "info" and abs(value) < float("inf"):
                yield series, value

    def _foreign_choice(self, found: Sequence[Series], report: RunReport, gap: int) -> Choice:
        """The same one as for the run before where that had the same series."""
        chosen = [self._chosen(series, place, report, gap) for place, series in enumerate(found)]
        wanted = [(each, each.kept.is_counter) for each in chosen]
        known, choice = self._foreign.get(report.collector, (None, None))
        if choice is None or known != wanted:
            choice = Choice.of(chosen)
            self._foreign[report.collector] = wanted, choice
        return choice

    def _chosen(self, series: Series, place: int, report: RunReport, gap: int) -> Chosen:
        decimals = 6 if series.topic == "cost" else self._decimals.get(series.unit)
        return Chosen(KeptSeries(series, report.plugin, gap), decimals, place)
