"""Reads a series from a CSV file as people have them: any separator, decimal commas, headings or none."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import partial
from itertools import islice, zip_longest

from collector_plugins.forecast.files.cells import MISSING, has_decimal_comma, is_number, parse_number
from collector_plugins.forecast.files.times import Times, day_comes_first, has_short_date, is_clock, is_time

SAMPLE = 200
PIECE = 1 << 16
TIME_NAMES = ("time", "timestamp", "datetime", "date_time", "date", "ts", "created_at", "zeit", "datum")
DATES, CLOCKS = frozenset({"date", "datum"}), frozenset({"time", "zeit", "uhrzeit"})
MOSTLY = 0.9
_STATED_SEPARATOR = re.compile(r"sep=(.)\s*", re.IGNORECASE)

Row = Sequence[str]


class Unreadable(ValueError):
    """The file is no table of times and values; the text says what is wrong, and with the row where there is one."""


@dataclass(frozen=True)
class Table:
    """Rows of text below headings; columns without a heading are called by their number, from 1.

    `rows` reads them anew whenever it is called, so that a long file takes little more memory than it has bytes, and
    raises `Unreadable` where they are not valid; `sample` has the first ones.
    """

    headings: Sequence[str]
    sample: Sequence[Row]
    has_decimal_commas: bool
    rows: Callable[[], Iterator[Row]] = field(repr=False)

    def column(self, name: str) -> int:
        """The place of a column, by its heading or its number; raises `Unreadable` where there is none."""
        lowered = [heading.lower() for heading in self.headings]
        if name.lower() in lowered:
            return lowered.index(name.lower())
        if name.isdecimal() and 1 <= int(name) <= len(self.headings):
            return int(name) - 1
        raise Unreadable(f"there is no column {name!r}; there are {', '.join(self.headings) or 'none'}")


def read_table(content: bytes) -> Table:
    """The table in a CSV file; raises `Unreadable` where there is none."""
    lines = partial(_lines, content, _encoding(content))
    start = list(islice(lines(), SAMPLE))
    stated = _STATED_SEPARATOR.fullmatch(start[0]) if start else None
    separator = stated[1] if stated else _separator(start)
    rows = partial(_rows, lines, separator, 1 if stated else 0)
    first = next(rows(), None)
    if first is None:
        raise Unreadable("the file is empty")
    below = rows if _is_data(first) else partial(_below, rows)
    sample = list(islice(below(), SAMPLE))
    numbers = [str(place + 1) for place in range(max(map(len, [first, *sample])))]
    if len(numbers) < 2:
        raise Unreadable("there is one column; a column of times and one of values are needed")
    names = () if below is rows else [cell.strip() for cell in first]
    headings = [name or number for name, number in zip_longest(names, numbers)]
    pair = _date_and_clock(headings, sample)
    if pair:
        below = partial(_with_whole_times, below, *pair)
        sample = list(islice(below(), SAMPLE))
    commas = any(has_decimal_comma(cell.strip(), separator) for row in sample for cell in row)
    return Table(headings, sample, commas, below)


def read_points(
    table: Table, time_column: str | None = None, value_column: str | None = None, zone: tzinfo = UTC
) -> Iterator[tuple[float, float]]:
    """Times (Unix seconds) and values in the order of the file; rows without a value are left out.

    By default the times are in the column that is called so, or that reads as times, and the values in the first other
    one of numbers. Raises `Unreadable` for a column that there is not, and, while it is iterated, for a cell that is
    neither a number nor empty, with its row.
    """
    times = table.column(time_column) if time_column else _time_column(table)
    values = table.column(value_column) if value_column else _value_column(table, times)
    return _points(table, times, values, zone)


def _points(table: Table, times: int, values: int, zone: tzinfo) -> Iterator[tuple[float, float]]:
    read_time = Times(zone, day_first=_has_day_first(table, times)).read
    for number, row in enumerate(table.rows(), 1):
        text = _cell(row, times)
        if not text:
            continue
        try:
            time = read_time(text)
            value = parse_number(_cell(row, values), decimal_comma=table.has_decimal_commas)
        except ValueError as error:
            raise Unreadable(f"row {number} of the data: {error}") from error
        if value is not None:
            yield time, value


def _has_day_first(table: Table, times: int) -> bool:
    """Judged by all rows, because the first days of a month are months as well."""
    if not any(has_short_date(_cell(row, times)) for row in table.sample):
        return False
    return day_comes_first(_cell(row, times) for row in table.rows())


def _encoding(content: bytes) -> str:
    for start, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"), (b"", "cp1252")):
        if content.startswith(start) and _is_text(content, encoding):
            return encoding
    raise Unreadable("the file is not text")


def _is_text(content: bytes, encoding: str) -> bool:
    text = io.TextIOWrapper(io.BytesIO(content), encoding)
    try:
        return not any("\0" in piece for piece in iter(partial(text.read, PIECE), ""))
    except UnicodeError:
        return False


def _lines(content: bytes, encoding: str) -> Iterable[str]:
    return io.TextIOWrapper(io.BytesIO(content), encoding, newline="")


def _rows(lines: Callable[[], Iterable[str]], separator: str, skipped: int) -> Iterator[Row]:
    """Those that are not blank."""
    try:
        yield from (
            row for row in csv.reader(islice(lines(), skipped, None), delimiter=separator) if any(map(str.strip, row))
        )
    except csv.Error as error:
        raise Unreadable(f"not valid CSV: {error}") from error


def _below(rows: Callable[[], Iterator[Row]]) -> Iterator[Row]:
    """The rows below the headings."""
    return islice(rows(), 1, None)


def _date_and_clock(headings: Sequence[str], sample: Sequence[Row]) -> tuple[int, int] | None:
    """The columns of the date and the time of day, where these are two."""
    first = sample[0] if sample else ()
    dates, clocks = (
        [place for place, heading in enumerate(headings) if heading.lower() in names and _cell(first, place)]
        for names in (DATES, CLOCKS)
    )
    return (dates[0], clocks[0]) if dates and clocks and is_clock(_cell(first, clocks[0])) else None


def _with_whole_times(rows: Callable[[], Iterator[Row]], date: int, clock: int) -> Iterator[Row]:
    """Both columns have both."""
    for row in rows():
        whole = f"{_cell(row, date)} {_cell(row, clock)}".strip()
        yield [whole if place in {date, clock} else cell for place, cell in enumerate(row)]


def _separator(lines: Sequence[str]) -> str:
    """The one that splits most lines into equally many columns; a comma only if nothing else does."""
    best, best_score = ",", 0.0
    for separator in ";\t|,":
        counts = [line.count(separator) for line in lines if line.strip()]
        usual = max(set(counts), key=counts.count) if counts else 0
        score = sum(count == usual for count in counts) / len(counts) if usual else 0.0
        if score > best_score + 0.05:
            best, best_score = separator, score
    return best


def _cell(row: Row, place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _is_data(row: Row) -> bool:
    cells = [cell.strip() for cell in row if cell.strip()]
    return all(is_number(cell) or is_number(cell, decimal_comma=True) or is_time(cell) for cell in cells)


def _time_column(table: Table) -> int:
    lowered = [heading.lower() for heading in table.headings]
    for name in TIME_NAMES:
        if name in lowered:
            return lowered.index(name)
    for place in range(len(table.headings)):
        cells = _column(table, place)
        if cells and all(map(is_time, cells)):
            return place
    raise Unreadable(f"no column of times among {', '.join(table.headings)}; name it with --time")


def _value_column(table: Table, times: int) -> int:
    columns = {place: _column(table, place) for place in range(len(table.headings)) if place != times}
    reads = partial(is_number, decimal_comma=table.has_decimal_commas)
    for place, cells in columns.items():
        if all(map(reads, cells)) and not all(cell.lower() in MISSING for cell in cells):
            return place
    for place, cells in columns.items():
        if sum(reads(cell) and cell.lower() not in MISSING for cell in cells) >= max(1, MOSTLY * len(cells)):
            return place  # reading it says in which row something else is
    raise Unreadable(f"no column of numbers among {', '.join(table.headings)}; name it with --value")


def _column(table: Table, place: int) -> list[str]:
    """What there is in its first cells."""
    return [cell for row in table.sample if (cell := _cell(row, place))]
