"""What one run of a collector produced: `Readings` while it runs, a `Snapshot` when it is done."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain, compress, pairwise
from math import isfinite, nan
from typing import cast

from collector_core import _speed
from collector_core.errors import ReadingError, SeriesBudgetExceeded, explain, one_line
from collector_core.model.families import Families, Family, FamilyLike, freeze, nobody
from collector_core.model.labels import checked_label
from collector_core.model.metrics import Info, Metric
from collector_core.model.series_limit import SeriesLimit

Key = tuple[str, ...]

# NaN marks a known series that the run has not added yet; it is never a reading.
_UNSET = array("d", [nan])


class Layout:
    """Which series there are, and where in an array of values each one stands; never changed.

    Runs that produce the same series share one layout, so that "nothing but values changed" is an identity check. The
    places of a metric in another layout may be given instead of its keys; they are shared if they are the same here.
    """

    def __init__(self, series: Mapping[Metric, Iterable[Key] | dict[Key, int]]) -> None:
        self.places: dict[Metric, dict[Key, int]] = {}
        self.spans: dict[Metric, tuple[int, int]] = {}
        end = 0
        for metric, keys in series.items():
            if isinstance(keys, dict) and next(iter(keys.values()), end) == end:
                self.places[metric] = keys
            else:
                self.places[metric] = {key: place for place, key in enumerate(keys, end)}
            start, end = end, end + len(self.places[metric])
            self.spans[metric] = start, end
        self._rows: dict[tuple[tuple[Metric, ...], Key, Key], tuple[int, ...]] = {}
        self._tables: dict[tuple[tuple[Metric, ...], Key], tuple[list[Key], int, int]] = {}

    def row(self, metrics: tuple[Metric, ...], names: Key, key: Key) -> tuple[int, ...] | None:
        """The places of several metrics' series with the same labels, by their `names`; None if any is not there."""
        row = metrics, names, key
        places = self._rows.get(row)
        if places is None and all(names == metric.labels and key in self.places.get(metric, ()) for metric in metrics):
            places = self._rows[row] = tuple(self.places[metric][key] for metric in metrics)
        return places

    def table(self, metrics: tuple[Metric, ...], names: Key) -> tuple[list[Key], int, int]:
        """The label values that all of the metrics have, by their `names`, and where their series begin and end.

        Empty where they do not have the same ones in the same order, or are not neighbours.
        """
        table = metrics, names
        if table not in self._tables:
            self._tables[table] = self._find_table(metrics, names)
        return self._tables[table]

    def _find_table(self, metrics: tuple[Metric, ...], names: Key) -> tuple[list[Key], int, int]:
        columns = [list(self.places.get(metric, ())) for metric in metrics]
        spans = [self.spans.get(metric, (0, 0)) for metric in metrics]
        are_neighbours = all(end == start for (_, end), (start, _) in pairwise(spans))
        are_alike = all(names == metric.labels for metric in metrics) and all(map(columns[0].__eq__, columns))
        if not (are_neighbours and are_alike):
            return [], 0, 0
        return columns[0], spans[0][0], spans[-1][1]

    @property
    def metrics(self) -> list[Metric]:
        """Those that have series."""
        return [metric for metric, places in self.places.items() if places]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The readings of one finished run, never changed afterwards; `families` are those of foreign code."""

    layout: Layout
    values: array[float]
    families: tuple[Family, ...] = ()

    def __len__(self) -> int:
        foreign = sum(len(family.samples) for family in self.families) if self.families else 0
        return len(self.values) + foreign

    def series(self, metric: Metric) -> Iterator[tuple[Key, float]]:
        """Label values, in the order of the metric's labels, and value of each series of a metric."""
        start, end = self.layout.spans.get(metric, (0, 0))
        return zip(self.layout.places.get(metric, ()), self.values[start:end], strict=True)


NOTHING = Snapshot(Layout({}), array("d"))


@dataclass(frozen=True, slots=True)
class PartFailure:
    """A part of a run that failed while the rest went on."""

    labels: Mapping[str, str]
    error: Exception
    text: str = field(init=False, repr=False, compare=False)
    """What is wrong and what fixes it; found out at once, on the collector's own thread, as `str(error)` may hang."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", explain(self.error))

    @property
    def name(self) -> str:
        """The part as people write it: `plug=heater`."""
        return part_name(self.labels)


def part_name(labels: Mapping[str, str]) -> str:
    """A part as people write it: `plug=heater`."""
    return one_line(",".join(f"{key}={value}" for key, value in labels.items())) or "part"


class Readings:
    """Takes the readings of one run and refuses what must not be published, at the plugin's own line.

    `previous` is the snapshot of the run before: its layout is used again where the series are the same. `owner_of`
    tells which other source a name belongs to.

    Of more than `max_series` series the first ones are kept, in the order in which they are added: a stable order
    keeps the same ones in every run. A part fits as a whole or is left out as a whole.
    """

    def __init__(
        self,
        metrics: Iterable[Metric],
        *,
        max_series: int,
        previous: Snapshot = NOTHING,
        owner_of: Callable[[str], str] = nobody,
    ) -> None:
        layout = previous.layout if previous is not NOTHING else Layout(dict.fromkeys(metrics, ()))
        self._layout = layout
        self._places = layout.places
        self._values = _UNSET * len(previous.values)
        self._new: dict[Metric, dict[Key, float]] = {}
        self._families: Families | None = None
        self._owner_of = owner_of
        self._limit = SeriesLimit(max_series)
        self._room = max_series
        self._is_part = self._is_full = False
        self.part_failures: list[PartFailure] = []

    @property
    def left_out(self) -> int:
        """How many series were left out because there are more than `max_series`."""
        return self._limit.left_out

    @property
    def failures(self) -> tuple[PartFailure, ...]:
        """`part_failures`, after what was left out because there are more series than `max_series`, if any was."""
        problem = self._limit.problem() if self.left_out else None
        return (*([PartFailure({"limit": "max_series"}, problem)] if problem else []), *self.part_failures)

    def add(self, metric: Metric, value: float | None = None, /, **labels: str) -> None:
        """Publish `value` (in the metric's unit) for the series that `labels` name; an `Info` takes no value.

        Raises `ReadingError` for an undeclared metric, wrong labels, NaN or ±inf, a negative counter or a series
        that this run has already added.
        """
        if value is None and isinstance(metric, Info):
            value = 1.0
        self._put(metric, value, tuple(labels.values()) if tuple(labels) == metric.labels else _ordered(metric, labels))

    def add_row(self, metrics: Sequence[Metric], values: Sequence[float | None], /, **labels: str) -> None:
        """Publish several metrics of one thing, all with the same labels; None is left out. Raises as `add` does."""
        names, key = tuple(labels), tuple(labels.values())
        if None not in values and self._put_row(tuple(metrics), names, key, values):
            return
        for metric, value in zip(metrics, values, strict=True):
            if value is not None:
                self._put(metric, value, key if names == metric.labels else _ordered(metric, labels))

    def add_table(
        self, metrics: Sequence[Metric], names: Sequence[str], rows: Mapping[Key, Sequence[float | None]]
    ) -> None:
        """Publish several metrics of many things: `rows` has the values of each, in the order of `metrics`, by its
        label values in the order of `names`. None is left out. Raises as `add` does.

        The same as `add_row` for each, and several times cheaper where the things are those of the run before, in the
        same order.
        """
        names = tuple(names)
        if metrics and rows and self._put_rows(tuple(metrics), names, rows):
            return
        keys = list(rows)
        for metric, column in zip(metrics, zip(*rows.values(), strict=True), strict=bool(rows)):
            if names != metric.labels or not self._put_table((metric,), names, keys, (column,)):
                for key, value in zip(keys, column, strict=True):
                    if value is not None:
                        self.add(metric, value, **dict(zip(names, key, strict=True)))

    def add_column(self, metric: Metric, keys: Sequence[Key], values: Sequence[float]) -> None:
        """Publish one metric of many things: `keys` are the label values of each, in the order of `metric.labels`.

        The same as `add` for each, and many times cheaper where the series are those of the run before, in the same
        order. Raises as `add` does, and `ValueError` where a key or `values` is of another length.
        """
        if not self._put_table((metric,), metric.labels, keys, (values,)):
            for key, value in zip(keys, values, strict=True):
                self._put(metric, value, key)

    def add_families(self, families: Iterable[FamilyLike], *, merge: bool = False) -> None:
        """Publish metric families of foreign code that need no declaration: what `collect()` of a prometheus_client
        collector returns.

        NaN means absent, `_created` is left out. With `merge`, a family may come again in the same run with further
        series, if type and unit agree; the first help text stays. Raises `ReadingError` when another collector or
        this run already has one of the names or series, or for what no scraper could read.
        """
        if self._families is None:
            self._families = Families(self._places, self._owner_of)
        for family in families:
            frozen = freeze(family)
            if len(frozen.samples) <= self._room:
                self._room -= len(frozen.samples)
                self._families.add(frozen, merge=merge)
                continue
            self._leave_out(frozen.name, tuple(frozen.samples[0].labels), len(frozen.samples))
            if self._is_part:
                raise SeriesBudgetExceeded(f"{frozen} does not fit into max_series = {self._limit.most}")
            if self.left_out > self._limit.most:
                return  # there may be no end to them

    def part(self, **labels: str) -> AbstractContextManager[None, bool]:
        """A part of the run that may fail alone: its readings are dropped, the failure is counted, the run goes on.

        Where there are more series than `max_series`, a part that does not fit is left out in the same way.
        """
        return _Part(self, labels)

    def snapshot(self) -> Snapshot:
        """The finished run's readings."""
        families = self._families.joined() if self._families else ()
        if not self._new and self._is_complete():
            return Snapshot(self._layout, self._values, families)
        return Snapshot(*self._with_new_layout(), families)

    def _is_complete(self) -> bool:
        """Whether every series of the run before was added; a finite sum tells it several times faster than a look."""
        return isfinite(sum(self._values)) or all(map(isfinite, self._values))

    def _begin_part(self) -> _Outer:
        outer = self._checkpoint(), self._is_part, self._is_full
        self._is_part, self._is_full = True, False
        return outer

    def _end_part(self, labels: Mapping[str, str], error: BaseException | None, outer: _Outer) -> bool:
        """Whether the error ends here; one that is no `Exception` ends the run, and its readings with it."""
        undo, is_full = outer[0], self._is_full
        self._is_part, self._is_full = outer[1:]
        if is_full and (error is None or isinstance(error, SeriesBudgetExceeded)):
            self._limit.leave_out_part(part_name(labels), undo())
        elif isinstance(error, Exception):
            self.part_failures.append(PartFailure(labels, error))
            undo()
        return isinstance(error, Exception)

    def _checkpoint(self) -> Callable[[], int]:
        """What takes back all that is added from now on, and returns how many series that were."""
        values, new = self._values[:], {metric: dict(series) for metric, series in self._new.items()}
        mark = self._families.mark if self._families else 0
        room = self._room

        def undo() -> int:
            added, self._room = room - self._room, room
            self._values, self._new = values, new
            if self._families:
                self._families.cut(mark)
            return added

        return undo

    def _leave_out(self, name: str, labels: Sequence[str], count: int = 1) -> None:
        self._limit.leave_out(name, labels, count)
        self._is_full = True

    def _put_rows(self, metrics: tuple[Metric, ...], names: Key, rows: Mapping[Key, Sequence[float | None]]) -> bool:
        """Take a whole table at once, if its series are those of the run before and nothing is wrong."""
        if _speed.put_rows is None or not isinstance(rows, dict):
            return self._put_table(metrics, names, list(rows), zip(*rows.values(), strict=True))
        keys, start, end = self._layout.table(metrics, names)
        if end - start > self._room or not _speed.put_rows(rows, keys, self._values, start, len(metrics)):
            return False
        self._room -= end - start
        return True

    def _put_table(
        self, metrics: tuple[Metric, ...], names: Key, keys: Sequence[Key], columns: Iterable[Sequence[float | None]]
    ) -> bool:
        """Take all series of some metrics at once, if they are those of the run before and nothing is wrong."""
        known, start, end = self._layout.table(metrics, names)
        if len(known) != len(keys) or end - start > self._room or known != list(keys):
            return False
        try:
            values = array("d", cast("Iterable[float]", chain.from_iterable(columns)))
        except TypeError:  # there is a None among them
            return False
        size = end - start
        is_unset = self._values[start:end].tobytes() == _UNSET.tobytes() * size
        if not (len(values) == size and is_unset and isfinite(sum(values)) and min(values, default=0) >= 0):
            return False  # the long way says what is wrong, if something is
        self._values[start:end] = values
        self._room -= size
        return True

    def _put_row(self, metrics: tuple[Metric, ...], names: Key, key: Key, values: Sequence[float | None]) -> bool:
        """Take one value of each metric, if all are series of the run before and nothing is wrong with the values."""
        places = self._layout.row(metrics, names, key)
        if places is None or len(places) != len(values) or len(places) > self._room:
            return False
        numbers = array("d", cast("Sequence[float]", values))
        if not isfinite(sum(numbers)) or min(numbers, default=0) < 0:
            return False  # the long way says what is wrong, if something is
        mine = self._values
        for metric, place, number in zip(metrics, places, numbers, strict=True):
            if mine[place] == mine[place]:
                raise _twice(metric, key)
            mine[place] = number
        self._room -= len(places)
        return True

    def _put(self, metric: Metric, value: float | None, key: Key) -> None:
        places = self._places.get(metric)
        if places is None:
            raise ReadingError(f"{metric.name} is not declared in this collector's `metrics`")
        if value is None or not isfinite(value):
            raise ReadingError(f"{metric.name}: {value} is not a number to publish; leave the series out instead")
        if value < 0 and metric.kind == "counter":
            raise ReadingError(f"{metric.name}: a counter cannot be negative, got {value}")
        place = places.get(key)
        if place is None:
            self._add_new(metric, key, value)
        elif self._values[place] == self._values[place]:
            raise _twice(metric, key)
        elif self._room:
            self._room -= 1
            self._values[place] = value
        else:
            self._leave_out(metric.name, metric.labels)

    def _with_new_layout(self) -> tuple[Layout, array[float]]:
        series: dict[Metric, Iterable[Key]] = {}
        values = array("d")
        for metric, (start, end) in self._layout.spans.items():
            known, places = self._values[start:end], self._places[metric]
            new = self._new.get(metric, {})
            if not new and isfinite(sum(known)):
                series[metric] = places
                values.extend(known)
            else:
                series[metric] = [*compress(places, map(isfinite, known)), *new]
                values.extend(filter(isfinite, known))
                values.extend(new.values())
        return Layout(series), values

    def _add_new(self, metric: Metric, key: Key, value: float) -> None:
        shown = tuple([checked_label(metric.name, label, text) for label, text in zip(metric.labels, key, strict=True)])
        if shown != key:
            self._put(metric, value, shown)
            return
        new = self._new.setdefault(metric, {})
        if key in new:
            raise _twice(metric, key)
        if self._room:
            self._room -= 1
            new[key] = value
        else:
            self._leave_out(metric.name, metric.labels)


_Outer = tuple[Callable[[], int], bool, bool]
"""What takes back a part, and how things stood before it."""


class _Part:
    """`Readings.part`, in half the time that a generator takes."""

    __slots__ = ("_labels", "_outer", "_readings")

    def __init__(self, readings: Readings, labels: Mapping[str, str]) -> None:
        self._readings = readings
        self._labels = labels

    def __enter__(self) -> None:
        self._outer = self._readings._begin_part()  # noqa: SLF001 - one class in two halves

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        return self._readings._end_part(self._labels, error, self._outer)  # noqa: SLF001


def _ordered(metric: Metric, labels: Mapping[str, str]) -> Key:
    if set(labels) != set(metric.labels):
        raise ReadingError(f"{metric.name}: labels are {sorted(labels)}, declared are {sorted(metric.labels)}")
    return tuple(labels[name] for name in metric.labels)


def _twice(metric: Metric, key: Key) -> ReadingError:
    labels = ", ".join(f"{name}={value!r}" for name, value in zip(metric.labels, key, strict=True))
    return ReadingError(f"{metric.name}{{{labels}}} was added twice in one run")


def all_labels(metric: Metric, labels: Mapping[str, str], key: Key) -> dict[str, str]:
    """Those of one series: `labels`, and its own, which go first where both have a name."""
    return {**labels, **dict(zip(metric.labels, key, strict=True))}
