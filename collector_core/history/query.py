"""Series over time, as they were collected or by step."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress, groupby, repeat
from typing import NamedTuple

from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import HistoryReader
from collector_core.history.periods import RAW, Piece, pieces, read_steps
from collector_core.history.tiers import MEAN, StepSummary
from collector_core.history.times import all_in_seconds
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


_COLUMNS = {Fn.MEAN: MEAN, Fn.MIN: "minimum", Fn.MAX: "maximum", Fn.LAST: "last", Fn.INCREASE: "rise", Fn.RATE: "rise"}


class Position(NamedTuple):
    """A series and a time: where an answer goes on."""

    series: str
    time: int


@dataclass(frozen=True)
class HistoryQuery:
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


class Found(NamedTuple):
    """Points of a series: their times in milliseconds, in order, and their values."""

    kept: KeptSeries
    times: Sequence[int]
    values: Sequence[float]

    def behind(self, time: int) -> Found:
        """The points after a time."""
        first = bisect_right(self.times, time)
        return Found(self.kept, self.times[first:], self.values[first:])


def run(store: HistoryReader, query: HistoryQuery, after: Position | None = None) -> Iterator[Found]:
    """The series that have points, in the order of their texts, from behind `after` on."""
    parts = pieces(store, query.start, query.end, query.step or 1)
    for number, kept in store.catalogue.select(query.selector):
        text = kept.series.text
        if after is None or text >= after.series:
            found = Found(kept, *(_by_step if query.step else _readings)(store, number, kept, query, parts))
            if after and text == after.series:
                found = found.behind(after.time)
            if found.times:
                yield found


def page(found: Iterable[Found], limit: int) -> tuple[list[Found], Position | None]:
    """At most `limit` points of an answer, and the last of them where more follow."""
    taken, last = list[Found](), None
    for kept, times, values in found:
        if limit <= 0:
            return taken, last
        taken.append(Found(kept, times[:limit], values[:limit]))
        last = Position(kept.series.text, taken[-1].times[-1])
        if len(times) > limit:
            return taken, last
        limit -= len(times)
    return taken, None


def write_json(found: Iterable[Found], following: str | None = None) -> Iterator[bytes]:
    """The answer as JSON, a series at a time, so that no other thread waits for long."""
    yield b'{"series": ['
    for number, (kept, times, values) in enumerate(found):
        points = json.dumps(list(zip(all_in_seconds(times), values, strict=True)), allow_nan=False)
        yield f'{", " if number else ""}{{"series": {json.dumps(kept.series.text)}, "points": {points}}}'.encode()
    yield f'], "next": {json.dumps(following)}}}'.encode()


def as_rows(found: Iterable[Found]) -> Iterator[tuple[float, str, float]]:
    """The same as rows of a table with the columns time (in seconds), series and value."""
    for kept, times, values in found:
        yield from zip(all_in_seconds(times), repeat(kept.series.text), values)


def _by_step(
    store: HistoryReader, number: int, kept: KeptSeries, query: HistoryQuery, parts: Sequence[Piece]
) -> tuple[list[int], list[float]]:
    times, values = list[int](), list[float]()
    if _is_rise(query.fn) and not kept.is_counter:
        return times, values
    step = query.step or 1
    value = _value_of(query.fn, step)
    for is_stored, group in groupby(parts, lambda piece: _is_whole(piece, step)):
        if is_stored:
            for _, start, end in group:
                stored = _stored(store, number, query.fn, step, start, end)
                times += stored[0]
                values += stored[1]
        else:
            found = sorted(read_steps(store, number, kept, list(group), step).items())
            times += [time for time, summary in found if summary.count]
            values += [value(summary) for _, summary in found if summary.count]
    return times, values


def _is_whole(piece: Piece, step: int) -> bool:
    """Whether a part is answered by steps as they are stored."""
    return piece.tier == step and piece.start % step == piece.end % step == 0


def _stored(
    store: HistoryReader, number: int, fn: Fn, tier: int, start: int, end: int
) -> tuple[Iterable[int], Iterable[float]]:
    """Times and values of what a tier has by just its step; decodes as much as is needed."""
    name = _COLUMNS[fn]
    times, counts, values = store.summaries.read_columns(number, tier, start, end, ("count", name))
    if fn is Fn.RATE:
        values = [rise * (1000 / tier) for rise in values]
    return compress(times, counts), compress(values, counts)


def _readings(
    store: HistoryReader, number: int, kept: KeptSeries, query: HistoryQuery, parts: Sequence[Piece]
) -> tuple[list[int], list[float]]:
    """Readings, and what tiers say of the time whose readings are deleted."""
    times, values = list[int](), list[float]()
    fn = Fn.LAST if kept.is_counter and query.fn is Fn.MEAN else query.fn
    for tier, start, end in parts:
        if tier == RAW:
            found = store.read(number, start, end)
            times += found.times
            values += (found.rises or [0.0] * len(found)) if _is_rise(fn) else found.values
        else:
            stored = _stored(store, number, fn, tier, start, end)
            times += stored[0]
            values += stored[1]
    return times, values


def _is_rise(fn: Fn) -> bool:
    return fn in (Fn.INCREASE, Fn.RATE)


def _value_of(fn: Fn, step: int) -> Callable[[StepSummary], float]:
    return {
        Fn.MEAN: lambda summary: summary.mean,
        Fn.MIN: lambda summary: summary.minimum,
        Fn.MAX: lambda summary: summary.maximum,
        Fn.LAST: lambda summary: summary.last,
        Fn.INCREASE: lambda summary: round(summary.rise, 6),
        Fn.RATE: lambda summary: summary.rise * 1000 / step,
    }[fn]
