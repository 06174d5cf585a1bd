"""Readings of one series over time, and how two lots of them become one."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from operator import add
from typing import NamedTuple

from collector_core.history import codec


class Point(NamedTuple):
    """A reading at a time in milliseconds since 1970, and by how much its counter rose to it; 0 for a gauge."""

    time: int
    value: float
    rise: float = 0.0


def _times() -> array[int]:
    return array("q")


def _numbers() -> array[float]:
    return array("d")


@dataclass
class Points:
    """Readings in the order of their times, no two at the same one; `rises` is empty for a gauge.

    A counter's rises are kept beside its values, so that a reset, a gap, a restart or a clock that was set is decided
    once, when the reading comes, and every sum of them stays what it is however the readings are put together.
    """

    times: array[int] = field(default_factory=_times)
    values: array[float] = field(default_factory=_numbers)
    rises: array[float] = field(default_factory=_numbers)

    def __len__(self) -> int:
        return len(self.times)

    def __iter__(self) -> Iterator[Point]:
        rises = self.rises or [0.0] * len(self.times)
        return map(Point, self.times, self.values, rises)

    def point(self, place: int) -> Point:
        """One of them; raises `IndexError`."""
        return Point(self.times[place], self.values[place], self.rises[place] if self.rises else 0.0)

    def append(self, time: int, value: float, rise: float, *, is_counter: bool) -> None:
        """Add a reading behind all others."""
        self.times.append(time)
        self.values.append(value)
        if is_counter:
            self.rises.append(rise)

    def between(self, start: int, end: int) -> Points:
        """Those from `start` to before `end`."""
        first, last = bisect_left(self.times, start), bisect_left(self.times, end)
        return Points(self.times[first:last], self.values[first:last], self.rises[first:last])

    def extended(self, others: Points) -> Points:
        """As `merged`; where all of `others` come later these grow, which is cheapest for many parts."""
        if not self.times or not others.times or others.times[0] <= self.times[-1]:
            return self.merged(others)
        self.times.extend(others.times)
        self.values.extend(others.values)
        self.rises.extend(others.rises)
        return self

    def merged(self, others: Points) -> Points:
        """These and those of `others` at other times; where both have a reading, this one stays."""
        if not self.times or not others.times or self.times[-1] < others.times[0]:
            return Points(self.times + others.times, self.values + others.values, self.rises + others.rises)
        times = self.times + others.times
        order = sorted(range(len(times)), key=times.__getitem__)  # of two at one time that of this one comes first
        places = [place for before, place in pairwise([-1, *order]) if before < 0 or times[before] != times[place]]
        values = self.values + others.values
        rises = self.rises and self.rises + (others.rises or array("d", bytes(8 * len(others))))
        return Points(
            array("q", map(times.__getitem__, places)),
            array("d", map(values.__getitem__, places)),
            array("d", map(rises.__getitem__, places) if rises else ()),
        )


def of(points: Iterable[Point], *, is_counter: bool) -> Points:
    """The readings as columns; they are in the order of their times."""
    found = Points()
    for point in points:
        found.append(*point, is_counter=is_counter)
    return found


def encode(points: Points, level: int = codec.FAST) -> bytes:
    """Values, and rises of a counter, as bytes; their times are stored apart, because many series share them.

    As long as a counter neither falls nor starts anew, its value says nothing beside its rises: what is stored of it is
    by how much it differs from the value before and the rise, hence zeros.
    """
    if not points.rises:
        return codec.join_columns([codec.encode_numbers(points.values, level)])
    decimals = codec.as_decimals([*points.values, *points.rises])
    if decimals is None:
        return codec.join_columns([b"", *(codec.encode_numbers(each, level) for each in (points.values, points.rises))])
    places, integers = decimals
    values, rises = integers[: len(points)], integers[len(points) :]
    jumps = [value - before - rise for before, value, rise in zip([0, *values], values, rises, strict=False)]
    columns = (codec.encode_integers(each, level) for each in (jumps, rises))
    return codec.join_columns([bytes([places]), *columns])


def decode(times: array[int], data: bytes, start: int = 0, end: int | None = None) -> Points:
    """The points that `encode` was given, from number `start` to `end`; raises `ValueError` for damaged bytes."""
    columns, times = codec.split_columns(data), times[start:end]
    if len(columns) == 1:
        points = Points(times, codec.decode_numbers(columns[0], start, end))
    elif len(columns) != 3:
        raise ValueError(f"not a block: it has {len(columns)} columns")
    elif not columns[0]:
        points = Points(times, *(codec.decode_numbers(each, start, end) for each in columns[1:]))
    else:
        jumps, rises = (codec.decode_integers(each, end) for each in columns[1:])
        points = Points(times, *_counter(columns[0][0], jumps, rises, start))
    if len(points.values) != len(times) or len(points.rises) not in (0, len(times)):
        raise ValueError("not a block: its columns differ in length")
    return points


def _counter(places: int, jumps: list[int], rises: list[int], start: int) -> tuple[array[float], array[float]]:
    if len(jumps) != len(rises):
        raise ValueError("not a block: its columns differ in length")
    scale = 10.0**places
    values = list(accumulate(map(add, jumps, rises)))
    first, second = (array("d", [each / scale for each in column[start:]]) for column in (values, rises))
    return first, second
