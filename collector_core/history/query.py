"""Series over time, as they were collected or by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import HistoryReader
from collector_core.history.periods import RAW, Piece, pieces, read_steps
from collector_core.history.tiers import Summary
from collector_core.history.times import in_seconds
from collector_core.model.selector import Selector

MAX_STEPS = 11_000
DEFAULT_PERIOD = 3_600_000  # milliseconds before now


class Fn(StrEnum):
    """What a step says of the readings in it."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    LAST = "last"
    INCREASE = "increase"
    RATE = "rate"


_COLUMNS = {Fn.MIN: "minimum", Fn.MAX: "maximum", Fn.LAST: "last", Fn.INCREASE: "rise", Fn.RATE: "rise"}


class Place(NamedTuple):
    """A series and a time: where an answer goes on."""

    series: str
    time: int


@dataclass(frozen=True)
class Query:
    """Which series (all without a selector), from `start` to before `end`, by `step`; in milliseconds.

    Without a step the answer is readings as they were collected, and `fn` says only whether their values are meant or a
    counter's rises.
    """

    selector: Selector | None
    start: int
    end: int
    step: int | None = None
    fn: Fn = Fn.MEAN

    @property
    def steps(self) -> float:
        """How many points a series can have."""
        return 0 if self.step is None else (self.end - self.start) / self.step


def run(store: HistoryReader, query: Query, after: Place | None = None) -> Iterator[tuple[KeptSeries, int, float]]:
    """Series, time and value of each point, in the order of the series' texts and of time, from behind `after` on."""
    parts = pieces(store, query.start, query.end, query.step or 1)
    for number, kept in store.catalogue.select(query.selector):
        text = kept.series.text
        if after is None or text >= after.series:
            since = after.time if after and text == after.series else -1
            points = (_by_step if query.step else _readings)(store, number, kept, query, parts)
            yield from ((kept, time, value) for time, value in points if time > since)


def as_series(points: Iterable[tuple[KeptSeries, int, float]]) -> list[dict[str, Any]]:
    """What `run` found, as the JSON of an answer has it: the points of each series, times in seconds."""
    return [
        {"series": text, "points": [[in_seconds(time), value] for _, time, value in group]}
        for text, group in groupby(points, lambda point: point[0].series.text)
    ]


def as_rows(points: Iterable[tuple[KeptSeries, int, float]]) -> Iterator[tuple[float, str, float]]:
    """The same as rows of a table with the columns time (in seconds), series and value."""
    return ((in_seconds(time), kept.series.text, value) for kept, time, value in points)


def _by_step(
    store: HistoryReader, number: int, kept: KeptSeries, query: Query, parts: Sequence[Piece]
) -> list[tuple[int, float]]:
    if _is_rise(query.fn) and not kept.is_counter:
        return []
    step = query.step or 1
    others = [piece for piece in parts if piece.tier != step]
    value = _value_of(query.fn, step)
    found = [(time, value(each)) for time, each in read_steps(store, number, kept, others, step).items() if each.count]
    for tier, start, end in parts:
        if tier == step:
            found += _stored(store, number, query.fn, step, start, end)
    return sorted(found)


def _stored(store: HistoryReader, number: int, fn: Fn, step: int, start: int, end: int) -> Iterator[tuple[int, float]]:
    """What a tier has by just this step, decoded as far as it is needed."""
    if fn is Fn.MEAN:
        columns = ("count", "covered", "integral", "last")
        for time, count, covered, integral, last in store.summaries.read_columns(number, step, start, end, columns):
            if count:
                yield time, integral * 1000 / covered if covered else last
        return
    column = _COLUMNS[fn]
    scale = 1000 / step if fn is Fn.RATE else 1
    for time, count, value in store.summaries.read_columns(number, step, start, end, ("count", column)):
        if count:
            yield time, value * scale


def _readings(
    store: HistoryReader, number: int, kept: KeptSeries, query: Query, parts: Sequence[Piece]
) -> Iterator[tuple[int, float]]:
    """Readings, and what tiers say of the time whose readings are deleted."""
    for tier, start, end in parts:
        if tier == RAW:
            for point in store.read(number, start, end):
                yield point.time, point.rise if _is_rise(query.fn) else point.value
        else:
            value = _value_of(Fn.LAST if kept.is_counter and query.fn is Fn.MEAN else query.fn, tier)
            steps = store.summaries.read(number, tier, start, end)
            yield from ((time, value(summary)) for time, summary in steps if summary.count)


def _is_rise(fn: Fn) -> bool:
    return fn in (Fn.INCREASE, Fn.RATE)


def _value_of(fn: Fn, step: int) -> Callable[[Summary], float]:
    return {
        Fn.MEAN: lambda summary: summary.mean,
        Fn.MIN: lambda summary: summary.minimum,
        Fn.MAX: lambda summary: summary.maximum,
        Fn.LAST: lambda summary: summary.last,
        Fn.INCREASE: lambda summary: round(summary.rise, 6),
        Fn.RATE: lambda summary: summary.rise * 1000 / step,
    }[fn]
