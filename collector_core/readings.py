"""What one run of a collector produced: `Readings` while it runs, a `Snapshot` when it is done."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite, nan

from collector_core.errors import ReadingError, SeriesBudgetExceeded
from collector_core.metrics import Metric

MAX_LABEL_CHARACTERS = 1024

Key = tuple[str, ...]
Layout = Mapping[Key, int]


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one metric: `layout` maps label values to a place in `values`.

    Two runs that produced the same series share one `layout` object, so that "nothing but values changed"
    is an identity check.
    """

    layout: Layout
    values: array[float]

    def items(self) -> Iterator[tuple[Key, float]]:
        """Label values, in the order of the metric's labels, with the value."""
        return zip(self.layout, self.values, strict=True)

    def __len__(self) -> int:
        return len(self.values)


NO_SERIES = Series({}, array("d"))


@dataclass(frozen=True, slots=True)
class PartFailure:
    """A part of a run that failed while the rest went on."""

    labels: Mapping[str, str]
    error: Exception

    @property
    def name(self) -> str:
        """The part as people write it: `plug=heater`."""
        return ",".join(f"{key}={value}" for key, value in self.labels.items()) or "part"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The readings of one finished run, never changed afterwards."""

    families: Mapping[Metric, Series] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.families.values()))


class Readings:
    """Takes the readings of one run and refuses what must not be published, at the plugin's own line.

    `previous` is the snapshot of the run before: its layouts are used again where the series are the same.
    """

    def __init__(self, metrics: Iterable[Metric], *, max_series: int, previous: Snapshot | None = None) -> None:
        known = previous.families if previous else {}
        self._open = {metric: _OpenSeries(known.get(metric, NO_SERIES).layout) for metric in metrics}
        self._budget = max_series
        self._new_keys = 0
        self._journal: list[tuple[_OpenSeries, Key]] | None = None
        self.part_failures: list[PartFailure] = []

    def add(self, metric: Metric, value: float | None = None, /, **labels: str) -> None:
        """Publish `value` (in the metric's unit) for the series that `labels` name; an `Info` takes no value.

        Raises `ReadingError` for an undeclared metric, wrong labels, NaN or ±inf, a negative counter or a series
        that this run has already added.
        """
        series = self._open.get(metric)
        if series is None:
            raise ReadingError(f"{getattr(metric, 'name', metric)!r} is not declared in this collector's `metrics`")
        key = tuple(labels.values()) if tuple(labels) == metric.labels else _ordered(metric, labels)
        if metric.kind == "info":
            value = 1.0 if value is None else value
        if value is None or not isfinite(value):
            raise ReadingError(f"{metric.name}: {value} is not a number to publish; leave the series out instead")
        if value < 0 and metric.kind == "counter":
            raise ReadingError(f"{metric.name}: a counter cannot be negative, got {value}")
        place = series.layout.get(key)
        if place is None:
            self._add_new(series, metric, key, value)
        elif series.values[place] == series.values[place]:
            raise _twice(metric, key)
        else:
            series.values[place] = value
        if self._journal is not None:
            self._journal.append((series, key))

    @contextmanager
    def part(self, **labels: str) -> Iterator[None]:
        """A part of the run that may fail alone: its readings are dropped, the failure is counted, the run goes on."""
        outer, self._journal = self._journal, []
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever fails in a part stays in it
            self.part_failures.append(PartFailure(labels, error))
            for series, key in self._journal:
                series.drop(key)
            self._journal = []
        finally:
            if outer is not None:
                outer.extend(self._journal)
            self._journal = outer

    def snapshot(self) -> Snapshot:
        """The finished run's readings; raises `SeriesBudgetExceeded` when they are too many."""
        families = {metric: series.close() for metric, series in self._open.items()}
        snapshot = Snapshot({metric: series for metric, series in families.items() if len(series)})
        if len(snapshot) > self._budget:
            raise self._over_budget(len(snapshot))
        return snapshot

    def _add_new(self, series: _OpenSeries, metric: Metric, key: Key, value: float) -> None:
        if key in series.new:
            raise _twice(metric, key)
        for label, text in zip(metric.labels, key, strict=True):
            _check_label(metric, label, text)
        series.new[key] = value
        self._new_keys += 1
        if self._new_keys > self._budget:
            raise self._over_budget(self._new_keys)

    def _over_budget(self, count: int) -> SeriesBudgetExceeded:
        worst = max(self._open, key=lambda metric: len(self._open[metric]))
        labels = ", ".join(worst.labels) or "none"
        return SeriesBudgetExceeded(
            f"at least {count} series are more than max_series = {self._budget}; "
            f"most of them in {worst.name} (labels: {labels})"
        )


class _OpenSeries:
    """One metric while a run is under way; NaN marks a known series that the run has not added yet."""

    __slots__ = ("layout", "new", "values")

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.values = array("d", [nan]) * len(layout)
        self.new: dict[Key, float] = {}

    def __len__(self) -> int:
        return len(self.layout) + len(self.new)

    def drop(self, key: Key) -> None:
        if self.new.pop(key, None) is None:
            self.values[self.layout[key]] = nan

    def close(self) -> Series:
        if not self.new and all(map(isfinite, self.values)):
            return Series(self.layout, self.values)
        values = {key: self.values[place] for key, place in self.layout.items() if isfinite(self.values[place])}
        values |= self.new
        return Series({key: place for place, key in enumerate(values)}, array("d", values.values()))


def _ordered(metric: Metric, labels: Mapping[str, str]) -> Key:
    if set(labels) != set(metric.labels):
        raise ReadingError(f"{metric.name}: labels are {sorted(labels)}, declared are {sorted(metric.labels)}")
    return tuple(labels[name] for name in metric.labels)


def _check_label(metric: Metric, label: str, text: object) -> None:
    if not isinstance(text, str):
        raise ReadingError(f"{metric.name}: label {label} must be text, got {type(text).__name__}")
    if len(text) > MAX_LABEL_CHARACTERS:
        raise ReadingError(f"{metric.name}: label {label} has {len(text)} characters, {MAX_LABEL_CHARACTERS} at most")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ReadingError(f"{metric.name}: label {label} is not valid Unicode: {error.reason}") from error


def _twice(metric: Metric, key: Key) -> ReadingError:
    labels = ", ".join(f"{name}={value!r}" for name, value in zip(metric.labels, key, strict=True))
    return ReadingError(f"{metric.name}{{{labels}}} was added twice in one run")
