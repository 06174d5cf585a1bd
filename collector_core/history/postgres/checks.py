"""Whether the database is fit for the history, and whether what is in it is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector_core.history.interface import DELETED, SUMMED
from collector_core.history.postgres.rows import at
from collector_core.history.postgres.schema import HYPERTABLE, known_layout, timescale_version
from collector_core.storage.errors import StorageError, StorageReason

if TYPE_CHECKING:
    from psycopg import Connection

    from collector_core.history.postgres.reader import PostgresReader

JOULE = 1e-3  # by which the rises of a series may differ from the sum of a tier: they are rounded to six places


def require_encoding(connection: Connection[Any], address: str) -> None:
    """Raise `StorageError` where the database cannot hold every text."""
    row = connection.execute("SHOW server_encoding").fetchone()
    if row and row[0] not in ("UTF8", "SQL_ASCII"):
        fix = "create a database with ENCODING 'UTF8', and name it in `history.store`"
        raise StorageError(address, StorageReason.REFUSED, f"its encoding is {row[0]}, not UTF8", fix=fix)


def describe_layout(layout: str, timescale: str | None) -> str:
    """How readings are laid out, or will be, for people."""
    if layout == HYPERTABLE or (not layout and timescale):
        return f"hypertables of TimescaleDB {timescale or ''}".rstrip()
    return "a partition per day" + (f", made before TimescaleDB {timescale} was there" if timescale else "")


def describe(reader: PostgresReader) -> str:
    """Where the history is kept and how; raises `StorageError` where it cannot be."""
    return f"{reader.place}: {layout_of(reader)}"


def layout_of(reader: PostgresReader) -> str:
    """How the history is laid out, for people; raises `StorageError` where it cannot be kept."""
    with reader.using() as connection:
        require_encoding(connection, reader.session.address)
        layout = known_layout(connection, reader.schema, reader.session.address)
        return describe_layout(layout, timescale_version(connection))


def find_damage(reader: PostgresReader) -> list[str]:
    """Rows of no series, broken indexes, and tiers that do not add up to the readings they were made of."""
    return [*_orphans(reader), *_broken_indexes(reader), *_wrong_sums(reader)]


def _orphans(reader: PostgresReader) -> list[str]:
    found = []
    for table in ("readings", "summaries"):
        query = (
            f"SELECT count(*) FROM {{s}}.{table} t WHERE NOT EXISTS (SELECT FROM {{s}}.series s WHERE s.id = t.series)"
        )
        ((count,),) = reader.run(query).fetchall()
        found += [f"{count} rows of {table} belong to no series"] if count else []
    return found


def _broken_indexes(reader: PostgresReader) -> list[str]:
    query = (
        "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " WHERE c.relnamespace = to_regnamespace(%s) AND NOT i.indisvalid AND c.relkind <> 'p'"
    )
    return [f"index {name} is not valid" for (name,) in reader.run(query, reader.schema)]


def _wrong_sums(reader: PostgresReader) -> list[str]:
    found = []
    start, end = reader.mark(DELETED), reader.mark(SUMMED)
    for step, since in sorted(reader.tiers.items()):
        period = f"time >= {at(max(start, since))} AND time < {at(end)}"
        query = f"""
            SELECT s.text, r.rise, t.rise FROM {{s}}.series s
            JOIN (SELECT series, sum(rise) AS rise FROM {{s}}.readings WHERE {period} GROUP BY 1) r ON r.series = s.id
            LEFT JOIN (
                SELECT series, sum(rise) AS rise FROM {{s}}.summaries WHERE step = {step} AND {period} GROUP BY 1
            ) t ON t.series = s.id
            WHERE s.agent = %s AND abs(r.rise - coalesce(t.rise, 0)) > {JOULE}
                AND NOT EXISTS (SELECT FROM {{s}}.late l WHERE l.series = s.id)
        """
        found += [
            f"{text}: its readings rise by {rises:.6g}, its steps of {step // 1000} s by {sums or 0:.6g}"
            for text, rises, sums in reader.run(query, reader.agent)
        ]
    return found
