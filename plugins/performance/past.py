"""What the history says of a period, as snapshots of the node."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from collector_core import History, PastSeries, Selector
from collector_plugins.performance.snapshot import COMBINE, Reading, Value, combine_readings, own_labels

STEPS = (60.0, 900.0, 3600.0, 86_400.0)  # seconds; those of the tiers that the history has by default
MOST_STEPS = 750
EVERYTHING = Selector.parse('{__topic__!=""}')

Extremes = Mapping[str, Mapping[str, tuple[float, float]]]
LabelsOfSources = Mapping[str, Container[str]]


@dataclass(frozen=True)
class Period:
    """Snapshots of some time, the oldest first; `step` seconds apart where they are means, 0 where they were taken.

    `extremes` are least and most, by section and figure, where they are known better than from the snapshots; `newest`
    was taken after means.
    """

    snapshots: list[dict[str, Any]]
    step: float = 0.0
    extremes: Extremes = field(default_factory=dict)
    newest: dict[str, Any] | None = None

    @property
    def all(self) -> list[dict[str, Any]]:
        """The snapshots and the newest one."""
        return [*self.snapshots, self.newest] if self.newest else self.snapshots


def step_of(length: float, shortest: float) -> float:
    """By which step a period of `length` seconds is asked for, so that the answer stays short."""
    fitting = (step for step in (shortest, *STEPS) if step >= shortest and length / step <= MOST_STEPS)
    return next(fitting, max(shortest, STEPS[-1]))


class PastReader:
    """Reads what was kept as snapshots of `node_id`; `labels` are those that all series of a source have."""

    def __init__(self, history: History, node_id: str, labels: LabelsOfSources) -> None:
        self._history = history
        self._node_id = node_id
        self._labels = labels

    def read(self, start: float, end: float, step: float, *, with_extremes: bool = False) -> Period:
        """Means by step; raises `HistoryUnavailable`."""
        gauges = self._ask(start, end, step, "mean")
        counters = self._ask(start, end, step, "rate")
        moments: dict[float, list[Reading]] = defaultdict(list)
        for past in [*(each for each in gauges if not each.is_counter), *counters]:
            for time, value in past.points:
                moments[time].append(self._reading(past, value))
        snapshots = [
            {"node_id": self._node_id, "timestamp_seconds": time} | combine_readings(moments[time])
            for time in sorted(moments)
        ]
        return Period(snapshots, step, self._extremes(start, end, step) if with_extremes else {})

    def _ask(self, start: float, end: float, step: float, fn: str) -> list[PastSeries]:
        return self._history.query(EVERYTHING, start, end, step=step, fn=fn)

    def _reading(self, past: PastSeries, value: float) -> Reading:
        return Reading(past.series, own_labels(past.series, self._labels.get(past.series.source, ())), value)

    def _extremes(self, start: float, end: float, step: float) -> Extremes:
        """Least and most of the figures that are one series each: of sums and means only the steps tell."""
        least = [self._reading(past, min(_values(past))) for past in self._gauges(start, end, step, "min")]
        most = [self._reading(past, max(_values(past))) for past in self._gauges(start, end, step, "max")]
        numbers = combine_readings(
            (reading._replace(value=1.0) for reading in least), dict.fromkeys(COMBINE, lambda each: float(len(each)))
        )
        lower, upper = combine_readings(least), combine_readings(most)
        return {
            section: {
                name: (dict(flat(lower[section]))[name], dict(flat(upper[section]))[name])
                for name, number in flat(figures)
                if number == 1
            }
            for section, figures in numbers.items()
        }

    def _gauges(self, start: float, end: float, step: float, fn: str) -> Iterator[PastSeries]:
        return (past for past in self._ask(start, end, step, fn) if not past.is_counter)


def flat(figures: Mapping[str, Value]) -> Iterator[tuple[str, float]]:
    """Figures with one number each: those that go by labels have these in their names."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from ((f"{name} {key}", each) for key, each in value.items())
        else:
            yield name, value


def _values(past: PastSeries) -> Iterable[float]:
    return (value for _, value in past.points)
