"""Reading what was exported, dumped by promtool, or kept by another collector, into the store."""

from __future__ import annotations

import csv
import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import isfinite, isnan
from statistics import median
from typing import NamedTuple

from collector_core.history import points
from collector_core.history.catalogue import KeptSeries
from collector_core.history.formats import COLUMNS
from collector_core.history.interface import EVER, HistoryReader, HistoryStore
from collector_core.history.points import Point, Points
from collector_core.history.rises import rise
from collector_core.history.times import LATEST, parse_time
from collector_core.model.labels import MAX_LABEL_CHARACTERS, label_text
from collector_core.model.series import Series
from collector_core.model.units import Unit

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"\s*(?:,\s*|$)')
_DUMPED = re.compile(r"(\{.*\})\s+(\S+)\s+(-?\d+)\s*")
_COUNTER_ENDINGS = ("_total", "_count", "_sum", "_bucket")
_SHORTEST_GAP = 5_000  # milliseconds
_INTERVALS_PER_GAP = 3


Readings = dict[str, list[tuple[int, float]]]  # time in milliseconds and value, by the text of each series


class BadLineError(ValueError):
    """A line that cannot be imported; nothing was."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"line {number}: {why}")


class Line(NamedTuple):
    """One reading of a file."""

    series: str
    time: int
    value: float


def read_lines(lines: Iterable[str]) -> Readings:
    """The readings of each series of a file: CSV or NDJSON as they are exported, or what `promtool tsdb dump` writes.

    Raises `BadLineError`.
    """
    found: Readings = {}
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    first = next(numbered, None)
    if first is None:
        return found
    parse = _parser(*first)
    for number, line in numbered if parse is _parse_csv else _chain(first, numbered):
        try:
            parsed = parse(line)
            if parsed is not None:
                found.setdefault(parsed.series, []).append((parsed.time, parsed.value))
        except (ValueError, TypeError, KeyError, RecursionError, csv.Error) as error:
            raise BadLineError(number, str(error) or type(error).__name__) from error
    return found


def keep_readings(store: HistoryStore, text: str, readings: Sequence[tuple[int, float]]) -> int:
    """Keep what a file has of a series, at times at which there is nothing yet; returns how many readings were new."""
    by_time = dict(reversed(readings))  # of several at one time the first one counts
    times = sorted(by_time)
    known = store.catalogue.find(text)
    kept = known[1] if known else _new_series(text, times)
    there = store.around(known[0], times[0], times[-1] + 1) if known else Points()
    taken = set(there.times)
    new = [Point(time, by_time[time]) for time in times if time not in taken]
    if not new:
        return 0
    if kept.is_counter:
        store.put(kept, points.of(_with_rises(there, new), is_counter=True), replace=True)
    else:
        store.put(kept, points.of(new, is_counter=False))
    return len(new)


def keep_store(store: HistoryStore, other: HistoryReader) -> int:
    """Keep what another store has; returns how many readings were new."""
    count = 0
    for number, kept in other.catalogue:
        found = other.read(number, 0, EVER)
        known = store.catalogue.find(kept.series.text)
        taken = set(store.read(known[0], 0, EVER).times) if known else set()
        new = points.of((point for point in found if point.time not in taken), is_counter=kept.is_counter)
        if new:
            store.put(kept, new)
            count += len(new)
        for step in set(store.steps) & set(other.tiers):
            store.put_summaries(kept, step, dict(other.summaries.read(number, step, 0, EVER)))
    store.append([], other.events(0, EVER))
    return count


def parse_series(text: str) -> Series:
    """A series as Prometheus writes it; raises `ValueError`."""
    text = text.strip()
    name, brace, rest = text.partition("{")
    labels: dict[str, str] = {}
    if brace:
        if not rest.endswith("}"):
            raise ValueError(f"{text!r} is not a series: the closing brace is missing")
        labels = dict(_labels(rest[:-1], text))
    name = name or labels.pop("__name__", "")
    if not _NAME.fullmatch(name):
        raise ValueError(f'{text!r} is not a series: write it as name{{label="value"}}')
    kind = "counter" if name.endswith(_COUNTER_ENDINGS) else "gauge"
    return Series(name + label_text(labels), name, labels, kind, _unit(name), "", "import")


def _parser(number: int, line: str) -> Callable[[str], Line | None]:
    if line.lstrip().startswith("{__name__"):
        return _parse_dumped
    if line.lstrip().startswith("{"):
        return _parse_json
    if tuple(line.strip().split(",")) != COLUMNS:
        header = ",".join(COLUMNS)
        raise BadLineError(number, f"is neither the header {header}, nor NDJSON, nor a line of `promtool tsdb dump`")
    return _parse_csv


def _chain(first: tuple[int, str], rest: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from rest


def _parse_csv(line: str) -> Line:
    (row,) = csv.reader([line], strict=True)
    if len(row) != len(COLUMNS):
        raise ValueError(f"has {len(row)} columns, not {len(COLUMNS)}: {','.join(COLUMNS)}")
    return Line(parse_series(row[1]).text, parse_time(row[0]), _finite(row[2]))


def _parse_json(line: str) -> Line:
    row = json.loads(line)
    if not isinstance(row, dict) or set(row) != set(COLUMNS):
        raise ValueError(f"must be an object with {', '.join(COLUMNS)}")
    return Line(parse_series(str(row["series"])).text, parse_time(str(row["time"])), _finite(row["value"]))


def _parse_dumped(line: str) -> Line | None:
    """None for NaN, with which Prometheus marks the end of a series."""
    match = _DUMPED.fullmatch(line)
    if match is None:
        raise ValueError("is not a line of `promtool tsdb dump`: {labels} value milliseconds")
    time, value = int(match[3]), float(match[2])
    if not 0 <= time < LATEST:
        raise ValueError(f"{time} is not a time in milliseconds")
    return None if isnan(value) else Line(parse_series(match[1]).text, time, _finite(value))


def _finite(value: str | float) -> float:
    found = float(value)
    if isinstance(value, bool) or not isfinite(found):
        raise ValueError(f"{value!r} is not a finite number")
    return found


def _labels(text: str, series: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text):
        match = _LABEL.match(text, place)
        if match is None:
            raise ValueError(f'{series!r} is not a series: expected label="value" at {text[place:][:40]!r}')
        value = re.sub(r'\\([\\"n])', lambda escaped: escaped[1].replace("n", "\n"), match[2])
        if len(value) > MAX_LABEL_CHARACTERS:
            raise ValueError(f"label {match[1]} has more than {MAX_LABEL_CHARACTERS} characters")
        yield match[1], value
        place = match.end()


def _unit(name: str) -> str:
    base = name
    for ending in _COUNTER_ENDINGS:
        base = base.removesuffix(ending)
    return next((unit.value for unit in Unit if unit and base.endswith(f"_{unit}")), "")


def _new_series(text: str, times: list[int]) -> KeptSeries:
    between = [after - before for before, after in pairwise(times)]
    gap = round(_INTERVALS_PER_GAP * median(between)) if between else 0
    return KeptSeries(parse_series(text), "", max(gap, _SHORTEST_GAP))


def _with_rises(there: Points, new: list[Point]) -> list[Point]:
    """The new readings of a counter with their rises, and those behind them whose rise was reckoned across them."""
    found = list[Point]()
    known = list(there)
    before: Point | None = None
    added = set(new)
    for point in sorted([*known, *new]):
        if point in added:
            point = point._replace(rise=rise(before.value if before else None, point.value))  # noqa: PLW2901
            found.append(point)
        elif found and before is found[-1]:
            place = bisect_left(there.times, point.time)
            reckoned = rise(known[place - 1].value if place else None, point.value)
            if point.rise == reckoned:
                point = point._replace(rise=rise(before.value, point.value))  # noqa: PLW2901
                found.append(point)
        before = point
    return found
