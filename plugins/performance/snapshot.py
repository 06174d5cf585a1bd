"""What all collectors show → the figures of one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from collector_core import Published, Series, TopicSelector
from collector_plugins.performance.rates import Rates
from collector_plugins.performance.snapshot_fields import DISPLAYED, SECTION_OF, SECTIONS, Combine, Figure

Value = float | dict[str, float]
Sections = dict[str, dict[str, Value]]

MAX_VALUES = 50  # of one figure that nobody designed: a host may have hundreds of virtual machines

Combiner = Callable[[list[float]], float]
COMBINE: Mapping[Combine, Combiner] = {"sum": sum, "mean": fmean, "max": max}


class Reading(NamedTuple):
    """A series with what it says, per second where it is a counter; `key` tells it from others of its metric."""

    series: Series
    key: str
    value: float


_ByTopic = dict[tuple[str, str], list[Reading]]


class SnapshotReader:
    """Reads the figures of every section; what nobody publishes is left out, and so are sections without figures."""

    def __init__(self) -> None:
        self._selector = TopicSelector()
        self._rates = Rates()

    def read(self, published: Sequence[Published], now: float) -> Sections:
        """All figures of this moment; `now` in monotonic seconds."""
        self._rates.begin()
        return combine_readings(self._readings(published, now))

    def _readings(self, published: Iterable[Published], now: float) -> Iterator[Reading]:
        for each in published:
            for series, value in self._selector.select([each]):
                known = self._rates.rate(series.text, value, now) if series.kind == "counter" else value
                if known is not None and series.kind != "info":
                    yield Reading(series, own_labels(series, each.labels), known)


def own_labels(series: Series, instance_labels: Container[str]) -> str:
    """What tells a series from others of its metric: the values of its labels, without those of its collector."""
    return "/".join(text for label, text in series.labels.items() if text and label not in instance_labels)


def combine_readings(readings: Iterable[Reading], combine: Mapping[Combine, Combiner] = COMBINE) -> Sections:
    """All figures that readings of one moment give; `combine` makes one number of several."""
    by_topic: _ByTopic = {}
    for reading in readings:
        by_topic.setdefault((reading.series.topic, reading.series.of), []).append(reading)
    found = _designed_sections(by_topic, combine)
    for section, figures in _other_figures(by_topic).items():
        found[section] = {**figures, **found.get(section, {})}
    return found


def _designed_sections(readings: _ByTopic, combine: Mapping[Combine, Combiner]) -> Sections:
    found: Sections = {}
    for section, figures in SECTIONS.items():
        values = {figure.name: _value(figure, readings, combine[figure.combine]) for figure in figures}
        if there := {name: value for name, value in values.items() if value is not None}:
            found[section] = there
    return found


def _value(figure: Figure, readings: _ByTopic, combine: Combiner) -> Value | None:
    groups: dict[str, list[float]] = {}
    for reading in readings.get((figure.topic, figure.of), ()):
        if figure.only.items() <= reading.series.labels.items():
            groups.setdefault(_group(figure, reading), []).append(reading.value)
    combined = {key: combine(values) for key, values in groups.items()}
    return (combined or None) if figure.by else combined.get("")


def _group(figure: Figure, reading: Reading) -> str:
    """The labels that a figure goes by; a plugin that knows other ones tells its series apart by its own."""
    labels = reading.series.labels
    if all(label in labels for label in figure.by):
        return "/".join(labels[label] for label in figure.by)
    return reading.key


def _other_figures(readings: _ByTopic) -> Sections:
    """By section, what nobody designed a figure for: one per topic, with its unit in the name."""
    found: Sections = {}
    for (topic, of), about in readings.items():
        if not of or (topic, of) in DISPLAYED:
            continue
        for reading in about:
            section = found.setdefault(SECTION_OF.get(of, of), {})
            values = section.setdefault(_name(reading.series), {})
            if isinstance(values, dict) and len(values) < MAX_VALUES:
                values[reading.key] = reading.value
    return {of: {name: _plain(values) for name, values in figures.items()} for of, figures in found.items()}


def _name(series: Series) -> str:
    words = (series.topic, series.unit, "per_second" if series.kind == "counter" else "")
    return "_".join(word for word in words if word)


def _plain(values: Value) -> Value:
    """One number where there is nothing to tell apart."""
    return values[""] if isinstance(values, dict) and set(values) == {""} else values
