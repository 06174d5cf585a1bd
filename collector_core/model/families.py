"""Metric families of foreign code, prometheus_client's above all: checked, and in a form that no longer changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import isfinite, isnan
from typing import Any, NamedTuple, Protocol, SupportsFloat

from collector_core.errors import ReadingError, visible
from collector_core.model.labels import checked_label, label_text
from collector_core.model.metrics import Metric

# What each type's names end with, beside the family's own name; OpenMetrics 1.0, "Metric Types".
TYPE_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "counter": ("_total",),
    "gauge": (),
    "gaugehistogram": ("_bucket", "_gsum", "_gcount"),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
    "stateset": (),
    "summary": ("_sum", "_count"),
    "unknown": (),
}
CREATED_TYPES = frozenset({"counter", "histogram", "summary", "gaugehistogram"})
_EXEMPLARS = {"counter": "_total", "histogram": "_bucket", "gaugehistogram": "_bucket"}
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_]")
_MAX_TIMESTAMP = 9e15  # seconds; the text format counts milliseconds in 64 bits


class SampleLike(Protocol):
    """What is read of a sample: prometheus_client's `Sample` has it."""

    @property
    def name(self) -> str:
        """The series' full name."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""

    @property
    def value(self) -> SupportsFloat:
        """Its value; NaN means absent."""


class FamilyLike(Protocol):
    """What is read of a metric family: prometheus_client's `Metric` has it."""

    @property
    def name(self) -> str:
        """Without the ending that the type adds."""

    @property
    def documentation(self) -> str:
        """Its help text."""

    @property
    def type(self) -> str:
        """One of OpenMetrics' types."""

    @property
    def unit(self) -> str:
        """Its unit, or nothing."""

    @property
    def samples(self) -> Iterable[SampleLike]:
        """Its series."""


class Exemplar(NamedTuple):
    """An example of what a sample counts; fields as prometheus_client's."""

    labels: Mapping[str, str]
    value: float
    timestamp: float | None


class Sample(NamedTuple):
    """One value of a family; fields in the order of prometheus_client's. Timestamp in seconds since 1970."""

    name: str
    labels: Mapping[str, str]
    value: float
    timestamp: float | None
    exemplar: Exemplar | None


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family. `name` lacks the ending that the type adds, such as `_total`."""

    name: str
    documentation: str
    type: str
    unit: str
    samples: tuple[Sample, ...]

    @property
    def names(self) -> set[str]:
        """Every name that it takes up."""
        return {*family_names(self.name, self.type), *(sample.name for sample in self.samples)}

    def with_labels(self, labels: Mapping[str, str]) -> Family:
        """The same with `labels` added to every sample; its own ones go first."""
        return replace(
            self, samples=tuple(sample._replace(labels={**labels, **sample.labels}) for sample in self.samples)
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"


def family_names(base_name: str, kind: str) -> tuple[str, ...]:
    """The names that a family takes up: `x`, and for a counter `x_total` too."""
    return (base_name, *(base_name + ending for ending in TYPE_ENDINGS[kind]))


def freeze(foreign: FamilyLike) -> Family:
    """Copy what a library made, without `_created`, NaN and native histograms, which the formats have no place for.

    Characters that the formats do not allow in names become `_`, as prometheus_client writes them. Raises
    `ReadingError` for what no scraper could read.
    """
    try:
        name, kind, unit = _legal(foreign.name), foreign.type, _ILLEGAL.sub("_", foreign.unit or "")
        documentation, samples = foreign.documentation, foreign.samples
    except AttributeError as error:
        raise ReadingError(f"{type(foreign).__name__} is not a metric family: {error}") from error
    if kind not in TYPE_ENDINGS:
        raise ReadingError(f"{name}: there is no metric type {kind!r}")
    if unit and not name.endswith(f"_{unit}"):
        raise ReadingError(f"{name}: its unit is {unit}, so its name must end in _{unit}")
    _check_documentation(name, documentation)
    return Family(name, visible(documentation), kind, unit, tuple(_samples(name, kind, samples)))


def nobody(name: str) -> str:
    """Who has a name where there is no other source."""
    del name
    return ""


class Families:
    """The families of one run: refuses a name or a series that is there already.

    `declared` are the metrics of the same collector; `owner_of` tells which other source has a name.
    """

    def __init__(self, declared: Iterable[Metric] = (), owner_of: Callable[[str], str] = nobody) -> None:
        self._declared = {name: metric.name for metric in declared for name in metric_names(metric)}
        self._owner_of = owner_of
        self._pieces: list[Family] = []
        self._names: dict[str, Family] = {}
        self._series: set[tuple[str, frozenset[tuple[str, str]]]] = set()

    def __len__(self) -> int:
        return len(self._series)

    @property
    def mark(self) -> int:
        """What `cut` takes to get back to the present state."""
        return len(self._pieces)

    def add(self, family: Family, *, merge: bool = False) -> None:
        """Take up a family; nothing of it if it is refused. One without samples has nothing to show.

        Raises `ReadingError` when something else has one of its names, or one of its series is there already. With
        `merge`, the same name with the same type and unit is no clash.
        """
        if not family.samples:
            return
        names = family.names
        for name in sorted(names):
            self._check_name(family, name, merge)
        self._series |= self._new_series(family)
        self._names |= dict.fromkeys(names, family)
        self._pieces.append(family)

    def cut(self, mark: int) -> None:
        """Forget what came after `mark`."""
        if mark == self.mark:
            return
        kept, self._pieces = self._pieces[:mark], []
        self._names, self._series = {}, set()
        for piece in kept:
            self.add(piece, merge=True)

    def joined(self) -> tuple[Family, ...]:
        """One family per name, with the help text that came first."""
        pieces: dict[str, list[Family]] = {}
        for piece in self._pieces:
            pieces.setdefault(piece.name, []).append(piece)
        return tuple(_join(same) for same in pieces.values())

    def _check_name(self, family: Family, name: str, merge: bool) -> None:
        known = self._names.get(name)
        if known and not (merge and (known.name, known.type, known.unit) == (family.name, family.type, family.unit)):
            raise ReadingError(f"{family} and {known} of the same run are both called {name}")
        if name in self._declared:
            raise ReadingError(f"{family}: {name} is taken by {self._declared[name]}, which this collector declares")
        if owner := self._owner_of(name):
            raise ReadingError(f"{family}: {name} is taken by {owner}: one name means one thing")

    def _new_series(self, family: Family) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        new = set()
        for sample in family.samples:
            # An empty label is the same as none.
            series = sample.name, frozenset(item for item in sample.labels.items() if item[1])
            if series in new or series in self._series:
                raise ReadingError(f"{sample.name}{label_text(sample.labels)} comes twice in one run")
            new.add(series)
        return new


def metric_names(metric: Metric) -> tuple[str, ...]:
    """The names that a declared metric takes up."""
    return family_names(metric.base_name, metric.kind)


def _join(pieces: list[Family]) -> Family:
    if len(pieces) == 1:
        return pieces[0]
    return replace(pieces[0], samples=tuple(sample for piece in pieces for sample in piece.samples))


def _legal(name: object) -> str:
    """A name as prometheus_client writes it where scrapers know ASCII only. It turns `:` into `_` in OpenMetrics."""
    if not (isinstance(name, str) and name):
        raise ReadingError(f"{name!r} is not a name")
    legal = _ILLEGAL.sub("_", name)
    return f"_{legal[1:]}" if legal[0].isdigit() else legal


def _check_documentation(name: str, documentation: object) -> None:
    if not isinstance(documentation, str):
        raise ReadingError(f"{name}: help must be text, got {type(documentation).__name__}")
    try:
        documentation.encode()
    except UnicodeEncodeError as error:
        raise ReadingError(f"{name}: help is not valid Unicode: {error.reason}") from error


def _samples(family: str, kind: str, samples: Iterable[SampleLike]) -> Iterator[Sample]:
    created = f"{family}_created" if kind in CREATED_TYPES else None
    exemplars = family + _EXEMPLARS[kind] if kind in _EXEMPLARS else None
    for sample in samples:
        name = _legal(sample.name)
        if name == created or getattr(sample, "native_histogram", None):
            continue
        value = _number(name, "value", sample.value)
        if not isnan(value):
            exemplar = _exemplar(name, sample) if name == exemplars else None
            yield Sample(name, _labels(name, sample.labels), value, _timestamp(name, sample), exemplar)


def _labels(metric: str, labels: Mapping[str, str]) -> dict[str, str]:
    legal = {_legal(name): text for name, text in labels.items()}
    if len(legal) < len(labels) or "__name__" in legal:
        raise ReadingError(f"{metric}: {', '.join(map(repr, labels))} are indistinguishable as labels")
    return {name: checked_label(metric, name, text) for name, text in legal.items()}


def _number(metric: str, what: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ReadingError(f"{metric}: {what} {value!r} is not a number") from error


def _timestamp(metric: str, timed: Any) -> float | None:
    """Seconds since 1970; whole numbers stay whole, because OpenMetrics writes them so."""
    timestamp = getattr(timed, "timestamp", None)
    if timestamp is None:
        return None
    seconds = _number(metric, "timestamp", timestamp)
    if not isfinite(seconds) or abs(seconds) > _MAX_TIMESTAMP:
        raise ReadingError(f"{metric}: {timestamp!r} is not a time in seconds since 1970")
    return timestamp if type(timestamp) is int else seconds


def _exemplar(metric: str, sample: Any) -> Exemplar | None:
    exemplar = getattr(sample, "exemplar", None)
    if not exemplar:
        return None
    value = _number(metric, "exemplar", exemplar.value)
    return Exemplar(_labels(metric, exemplar.labels), value, _timestamp(metric, exemplar))
