"""What was read since the last blocks were written: one entry a flush, the readings of all series in columns."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from collector_core.history import codec
from collector_core.history.head import Table

log = logging.getLogger(__name__)


class JournalReadings(NamedTuple):
    """Readings in columns: the numbers of their series, times in milliseconds, values, and rises as in `Point`."""

    series: array[int]
    times: array[int]
    values: array[float]
    rises: array[float]


def encode(tables: Iterable[Table]) -> bytes:
    """An entry with these readings, series by series: what belongs together compresses best side by side."""
    series, times, values, rises = array("q"), array("q"), array("d"), array("d")
    for table in tables:
        width, rows = len(table.numbers), len(table.times)
        series.extend(_by_series(array("q", table.numbers) * rows, rows))
        times.extend(table.times * width)
        values.extend(_by_series(table.values, rows))
        rises.extend(_by_series(table.rises, rows))
        rises.extend(array("d", bytes(8 * rows * (width - table.counters))))
    columns = [*map(codec.encode_naturals, (series, times)), *map(codec.encode_floats, (values, rises))]
    return codec.join_columns(columns)


def decode(data: bytes) -> JournalReadings:
    """The readings of an entry; raises `ValueError` where it is damaged."""
    columns = codec.split_columns(data)
    if len(columns) != 4:
        raise ValueError(f"not an entry: it has {len(columns)} columns")
    series, times = (array("q", codec.decode_integers(column)) for column in columns[:2])
    values, rises = map(codec.decode_numbers, columns[2:])
    found = JournalReadings(series, times, values, rises)
    if any(len(column) != len(series) for column in (times, values, rises)):
        raise ValueError("not an entry: its columns differ in length")
    return found


def decode_tables(data: bytes, counters: Collection[int]) -> list[Table]:
    """The readings of an entry, none where it is damaged: it must not take the others."""
    try:
        return list(_tables(decode(data), counters))
    except (ValueError, OverflowError) as error:
        log.error("history: an entry of the journal is left out: %s", error)  # noqa: TRY400
        return []


class _Run(NamedTuple):
    """Readings of one series, side by side in an entry."""

    number: int
    times: array[int]
    values: array[float]
    rises: array[float]


def _tables(readings: JournalReadings, counters: Collection[int]) -> Iterator[Table]:
    """Neighbours with the same times put together, counters first."""
    waiting: dict[int, _Run] = {}
    times, has_gauges = array("q"), False
    for run in _runs(readings):
        is_counter = run.number in counters
        if waiting and (run.times != times or run.number in waiting or (is_counter and has_gauges)):
            yield _joined(waiting.values(), counters)
            waiting, has_gauges = {}, False
        waiting[run.number], times, has_gauges = run, run.times, has_gauges or not is_counter
    if waiting:
        yield _joined(waiting.values(), counters)


def _runs(readings: JournalReadings) -> Iterator[_Run]:
    """Readings of one series, as far as their times rise."""
    start = 0
    for place in range(1, len(readings.series) + 1):
        is_over = place == len(readings.series) or readings.series[place] != readings.series[start]
        if is_over or readings.times[place] <= readings.times[place - 1]:
            part = slice(start, place)
            yield _Run(readings.series[start], readings.times[part], readings.values[part], readings.rises[part])
            start = place


def _joined(runs: Collection[_Run], counters: Collection[int]) -> Table:
    numbers = tuple(run.number for run in runs)
    rises = [run.rises for run in runs if run.number in counters]
    times = next(iter(runs)).times
    return Table(numbers, len(rises), times, _rows([run.values for run in runs]), _rows(rises))


def _rows(columns: Sequence[array[float]]) -> array[float]:
    """Series by series → time by time."""
    found = array("d", bytes(8 * sum(map(len, columns))))
    for place, column in enumerate(columns):
        found[place :: len(columns)] = column
    return found


def _by_series(rows: array[Any], count: int) -> array[Any]:
    """Time by time, so many times → series by series."""
    found, width = rows[:], len(rows) // count
    for row in range(count):
        found[row::count] = rows[row * width : (row + 1) * width]
    return found
