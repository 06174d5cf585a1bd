"""What was read since the last blocks were written: one entry a flush, the readings of all series in columns."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from collector_core.history import codec

log = logging.getLogger(__name__)


class JournalReading(NamedTuple):
    """A reading of the series with this number, at a time in milliseconds; `rise` as in `Point`."""

    series: int
    time: int
    value: float
    rise: float


def encode(readings: Sequence[JournalReading]) -> bytes:
    """An entry with these readings."""
    series, times, values, rises = zip(*readings, strict=True)
    integers = (codec.encode_integers(column) for column in (series, times))
    numbers = (codec.encode_numbers(column) for column in (values, rises))
    return codec.join_columns([*integers, *numbers])


def decode(data: bytes) -> list[JournalReading]:
    """The readings of an entry; raises `ValueError` where it is damaged."""
    columns = codec.split_columns(data)
    if len(columns) != 4:
        raise ValueError(f"not an entry: it has {len(columns)} columns")
    integers = map(codec.decode_integers, columns[:2])
    numbers = map(codec.decode_numbers, columns[2:])
    return [JournalReading(*row) for row in zip(*integers, *numbers, strict=True)]


def decode_undamaged(data: bytes) -> list[JournalReading]:
    """The same, without readings where the entry is damaged: it must not take the others."""
    try:
        return decode(data)
    except ValueError as error:
        log.error("history: an entry of the journal is left out: %s", error)  # noqa: TRY400
        return []
