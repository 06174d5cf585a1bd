"""Reads a series from a CSV file as people have them: any separator, decimal commas, headings or none."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import partial
from math import isfinite

from collector_plugins.forecast.files.times import day_comes_first, is_clock, parse_time

SAMPLE = 200
TIME_NAMES = ("time", "timestamp", "datetime", "date_time", "date", "ts", "created_at", "zeit", "datum")
DATES, CLOCKS = frozenset({"date", "datum"}), frozenset({"time", "zeit", "uhrzeit"})
MOSTLY = 0.9
MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none", "-", "unavailable", "unknown"})


class Unreadable(ValueError):
    """The file is no table of times and values; the text says what is wrong, and with the line where there is one."""


@dataclass(frozen=True)
class Table:
    """Rows of text below headings; columns without a heading are called by their number, from 1."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    has_decimal_commas: bool

    def column(self, name: str) -> int:
        """The place of a column, by its heading or its number; raises `Unreadable` where there is none."""
        lowered = [heading.lower() for heading in self.headings]
        if name.lower() in lowered:
            return lowered.index(name.lower())
        if name.isdecimal() and 1 <= int(name) <= len(self.headings):
            return int(name) - 1
        raise Unreadable(f"there is no column {name!r}; there are {', '.join(self.headings) or 'none'}")


def read_table(content: bytes) -> Table:
    """The rows of a CSV file; raises `Unreadable` where there are none."""
    text = _decoded(content)
    separator = _separator(text.splitlines()[:SAMPLE])
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Unreadable(f"not valid CSV: {error}") from error
    if not rows:
        raise Unreadable("the file is empty")
    width = max(map(len, rows))
    numbered = [str(place + 1) for place in range(width)]
    if _is_data(rows[0]):
        headings = numbered
    else:
        first = [cell.strip() for cell in rows[0]]
        headings, rows = (
            [*(name or numbered[place] for place, name in enumerate(first)), *numbered[len(first) :]],
            rows[1:],
        )
    if width < 2:
        raise Unreadable("there is one column; a column of times and one of values are needed")
    return Table(headings, _with_whole_times(headings, rows), separator != "," and _has_decimal_commas(rows[:SAMPLE]))


def read_points(
    table: Table, time_column: str | None = None, value_column: str | None = None, zone: tzinfo = UTC
) -> list[tuple[float, float]]:
    """Times (Unix seconds) and values in the order of the file; rows without a value are left out.

    By default the times are in the column that is called so, or that reads as times, and the values in the first other
    one of numbers. Raises `Unreadable` for a cell that is neither a number nor empty, with its line.
    """
    times = table.column(time_column) if time_column else _time_column(table)
    values = table.column(value_column) if value_column else _value_column(table, times)
    return list(_points(table, times, values, zone))


def _points(table: Table, times: int, values: int, zone: tzinfo) -> Iterator[tuple[float, float]]:
    day_first = day_comes_first([_cell(row, times) for row in table.rows])
    last, seen = float("-inf"), set[str]()
    for number, row in enumerate(table.rows, 1):
        text = _cell(row, times)
        if not text:
            continue
        try:
            time = parse_time(text, zone, day_first=day_first)
            if time <= last and text in seen:
                time = parse_time(text, zone, day_first=day_first, repeated=True)
            value = _value(_cell(row, values), decimal_comma=table.has_decimal_commas)
        except (ValueError, OverflowError) as error:
            raise Unreadable(f"row {number} of the data: {error or 'out of range'}") from error
        last = time
        seen.add(text)
        if value is not None:
            yield time, value


def _with_whole_times(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Where the date and the time of day are in two columns, both have both."""
    first = rows[0] if rows else ()
    dates, clocks = (
        [place for place, heading in enumerate(headings) if heading.lower() in names and _cell(first, place)]
        for names in (DATES, CLOCKS)
    )
    if not (dates and clocks and is_clock(_cell(first, clocks[0]))):
        return rows
    date, clock = dates[0], clocks[0]
    found = []
    for row in rows:
        whole = f"{_cell(row, date)} {_cell(row, clock)}".strip()
        found.append([whole if place in {date, clock} else cell for place, cell in enumerate(row)])
    return found


def _decoded(content: bytes) -> str:
    for start, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"), (b"", "cp1252")):
        if content.startswith(start):
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError:
                continue
            if "\0" in text:
                break
            return text
    raise Unreadable("the file is not text")


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


def _cell(row: Sequence[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    numbers = [cell.strip() for row in rows for cell in row]
    return any(re.fullmatch(r"-?\d*,\d+", cell) or re.fullmatch(r"-?\d{1,3}(\.\d{3})+,\d+", cell) for cell in numbers)


def _value(text: str, *, decimal_comma: bool) -> float | None:
    """None where there is none; raises `ValueError` for what is no number."""
    if text.lower() in MISSING:
        return None
    number = text.replace(" ", "").replace("\u00a0", "").replace("'", "")
    number = number.replace(".", "").replace(",", ".") if decimal_comma and "," in number else number
    try:
        value = float(number)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a number") from None
    return value if isfinite(value) else None


def _reads(reader: object, text: str) -> bool:
    try:
        reader(text)  # type: ignore[operator]
    except (ValueError, OverflowError):
        return False
    return True


def _is_number(text: str) -> bool:
    return any(_reads(partial(_value, decimal_comma=comma), text) for comma in (False, True))


def _are_numbers(cells: Sequence[str], *, decimal_comma: bool) -> bool:
    reads = partial(_reads, partial(_value, decimal_comma=decimal_comma))
    return all(map(reads, cells)) and not all(cell.lower() in MISSING for cell in cells)


def _is_data(row: Sequence[str]) -> bool:
    cells = [cell.strip() for cell in row if cell.strip()]
    return bool(cells) and all(_is_number(cell) or _reads(parse_time, cell) for cell in cells)


def _time_column(table: Table) -> int:
    lowered = [heading.lower() for heading in table.headings]
    for name in TIME_NAMES:
        if name in lowered:
            return lowered.index(name)
    for place in range(len(table.headings)):
        cells = [cell for row in table.rows[:SAMPLE] if (cell := _cell(row, place))]
        if cells and all(
            _reads(lambda text: parse_time(text, day_first=True), c) or _reads(parse_time, c) for c in cells
        ):
            return place
    raise Unreadable(f"no column of times among {', '.join(table.headings)}; name it with --time")


def _value_column(table: Table, times: int) -> int:
    sample = table.rows[:SAMPLE]
    columns = {
        place: [cell for row in sample if (cell := _cell(row, place))]
        for place in range(len(table.headings))
        if place != times
    }
    for place, cells in columns.items():
        if cells and _are_numbers(cells, decimal_comma=table.has_decimal_commas):
            return place
    for place, cells in columns.items():
        if _are_mostly_numbers(cells):
            return place  # reading it says in which row something else is
    raise Unreadable(f"no column of numbers among {', '.join(table.headings)}; name it with --value")


def _are_mostly_numbers(cells: Sequence[str]) -> bool:
    numbers = sum(_is_number(cell) and cell.lower() not in MISSING for cell in cells)
    return bool(cells) and numbers >= MOSTLY * len(cells)
