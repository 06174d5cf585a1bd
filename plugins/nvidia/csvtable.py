"""Parses what `nvidia-smi --format=csv` prints.

Format: one line that names the columns, each with its unit in brackets (`power.draw [W]`), then a line for each row;
cells are separated by a comma and a blank and nothing is quoted. Other programs may write before it (a login shell's
banner), and the driver's own complaints may stand between the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SEPARATOR = ", "
MAX_QUOTED = 120  # characters of a bad line that are repeated

_HEAD = re.compile(r"(?P<name>[a-z][\w.]*)(?: \[(?P<unit>[^\[\]]+)\])?")
_NUMBER = re.compile(r"(?P<number>-?\d{1,15}(?:\.\d{1,9})?)(?: (?P<unit>[A-Za-z%]+))?")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,16}")

# What the driver prints, in brackets or not, for what a GPU does not have or will not tell.
_ABSENT = frozenset(
    {
        "",
        "n/a",
        "not supported",
        "not available",
        "function not found",
        "insufficient permissions",
        "requested functionality has been deprecated",
    }
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name and the unit of its numbers ("" where the head names none)."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one answer, each by column, and the lines among them that are no rows."""

    units: dict[str, str]
    rows: list[dict[str, str]]
    strays: list[str]


def parse(text: str, first: str, free_text: str) -> Table | None:
    """The table whose head begins with the column `first`; None where there is no such head.

    The column `free_text` may hold commas (names of products and programs do). A last line that does not end as lines
    do was cut off and is not a row.
    """
    lines = _lines(text)
    for number, line in enumerate(lines):
        columns = _columns(line)
        if columns and columns[0].name == first:
            return _table(columns, lines[number + 1 :], free_text)
    return None


def _lines(text: str) -> list[str]:
    """With their ends; names of programs may hold what Python takes for an end of line, too."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [*(f"{line}\n" for line in lines[:-1]), *filter(None, lines[-1:])]


def is_absent(cell: str) -> bool:
    """Whether a cell says that there is nothing to say."""
    return cell.strip("[] \t").lower() in _ABSENT


def number(cell: str, unit: str) -> float:
    """A cell's number, with or without its unit behind it; raises `ValueError` when it is none or has another unit."""
    match = _NUMBER.fullmatch(cell)
    if match is None:
        raise ValueError(f"says {quoted(cell)}")
    if match["unit"] not in (None, unit):
        raise ValueError(f"is in {match['unit']} and not in {unit or 'a plain number'}")
    return float(match["number"])


def bits(cell: str) -> int:
    """A cell's bit mask, `0x0000000000000004`; raises `ValueError`."""
    if not _HEXADECIMAL.fullmatch(cell):
        raise ValueError(f"says {quoted(cell)}")
    return int(cell, 16)


def quoted(text: str) -> str:
    """A text that somebody else wrote, fit for a log line."""
    return repr(text[:MAX_QUOTED]) + ("…" if len(text) > MAX_QUOTED else "")


def _columns(line: str) -> list[Column]:
    """The columns that a line names; nothing where it is not a head."""
    found = []
    for cell in line.strip().split(SEPARATOR):
        match = _HEAD.fullmatch(cell)
        if match is None:
            return []
        found.append(Column(match["name"], match["unit"] or ""))
    return found


def _table(columns: Sequence[Column], lines: Sequence[str], free_text: str) -> Table:
    names = [column.name for column in columns]
    table = Table({column.name: column.unit for column in columns}, [], [])
    for line in filter(str.strip, lines):
        cells = list(_joined(line.strip().split(SEPARATOR), names, free_text))
        if len(cells) == len(names) and line.endswith("\n"):
            table.rows.append(dict(zip(names, cells, strict=True)))
        else:
            table.strays.append(line.strip())
    return table


def _joined(cells: list[str], names: list[str], free_text: str) -> Iterator[str]:
    """The cells of a row, those that a comma in the free text made put together again."""
    surplus = len(cells) - len(names)
    if surplus <= 0 or free_text not in names:
        yield from cells
        return
    start = names.index(free_text)
    yield from cells[:start]
    yield SEPARATOR.join(cells[start : start + surplus + 1])
    yield from cells[start + surplus + 1 :]
