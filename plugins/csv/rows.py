"""Rows of a file: `timestamp,name,labels,value`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from collector_core import SampleBlock, Series, SeriesGroup

HEADER = b"timestamp,name,labels,value\n"
PAGE = 4096  # what the kernel writes at once, or a multiple
RESERVE = 1024  # bytes that are left in a page for the next row, or none


class RowEncoder:
    """Writes rows; name and labels are kept for each group."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[SeriesGroup, list[str]] = WeakKeyDictionary()

    def rows(self, block: SampleBlock) -> bytes:
        """A row for each sample."""
        middles = self._kept.get(block.group)
        if middles is None:
            middles = self._kept[block.group] = list(map(_middle, block.group.series))
        time = datetime.fromtimestamp(round(block.time, 3), UTC).isoformat(timespec="milliseconds")
        return "".join(
            [f"{time},{middle},{value!r}\n" for middle, value in zip(middles, block.values, strict=True)]
        ).encode()


def _middle(series: Series) -> str:
    labels = json.dumps(dict(sorted(series.labels.items())), separators=(",", ":"))
    return f'{series.name},"{labels.replace(chr(34), chr(34) * 2)}"'


def paged(rows: list[bytes], size: int) -> Iterator[bytes]:
    """The rows in pieces that each lie within one page of a file that has `size` bytes already.

    The kernel shows a page of a write whole or not at all, to readers and after a kill. Blanks in the JSON of labels
    fill a page up; a row that is longer than a page spans several.
    """
    piece: list[bytes] = []
    room = PAGE - size % PAGE
    for row in rows:
        if len(row) > room and piece:
            piece[-1] = _padded(piece[-1], room)
            yield b"".join(piece)
            piece, room = [], PAGE
        elif len(row) > room:
            room += PAGE * (-(-(len(row) - room) // PAGE))
        piece.append(row)
        room -= len(row)
        if room == 0:
            yield b"".join(piece)
            piece, room = [], PAGE
    if piece:
        if room < RESERVE:
            piece[-1] = _padded(piece[-1], room)
        yield b"".join(piece)


def _padded(row: bytes, blanks: int) -> bytes:
    head, brace, tail = row.rpartition(b'}",')
    return head + b" " * blanks + brace + tail


def plain(row: bytes) -> bytes:
    """A row without the blanks that filled a page up."""
    head, brace, tail = row.rpartition(b'}",')
    return head.rstrip(b" ") + brace + tail
