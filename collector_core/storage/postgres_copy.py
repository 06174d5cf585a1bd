"""Rows into PostgreSQL in the binary format of COPY, which neither side has to parse."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
EPOCH = 946_684_800_000  # PostgreSQL counts microseconds from the year 2000
ROWS_AT_ONCE = 1000


def postgres_time(moment: int) -> int:
    """A moment in milliseconds since 1970, as a `timestamptz` is sent in binary."""
    return (moment - EPOCH) * 1000


def copy_to_postgres(connection: Connection[Any], table: str, columns: str, rows: Iterable[bytes]) -> None:
    """Add encoded rows to a table; raises psycopg's `UniqueViolation` where one is there already."""
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(HEADER)
        remaining = iter(rows)
        while part := b"".join(islice(remaining, ROWS_AT_ONCE)):  # the server stores some while others are encoded
            copy.write(part)
        copy.write(TRAILER)
