"""Files of other programs: whoever names one by mistake must not have it renamed, or changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from collector_core.storage.connection import IN_MEMORY, connect, connect_to_look
from collector_core.storage.schema import Schema, migrate

_MAGIC = b"SQLite format 3\0"


def is_foreign(path: Path, schema: Schema) -> bool:
    """Whether a file has evidently never been a database of this schema: no SQLite file, or one with other tables only.

    An empty file is none, nor one of zeros, as a power failure leaves them.
    """
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError:  # whoever opens it says why
        return False
    if head != _MAGIC:
        return bool(head.strip(b"\0"))
    with suppress(sqlite3.Error, UnicodeDecodeError), closing(connect_to_look(path)) as connection:
        tables = _tables(connection)
        return bool(tables) and tables.isdisjoint(_tables_of(schema))
    return False


def _tables_of(schema: Schema) -> set[str]:
    with closing(connect(IN_MEMORY)) as whole:
        migrate(whole, schema)
        return _tables(whole)


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
