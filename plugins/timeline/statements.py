"""The SQL, for one table and its columns."""

from __future__ import annotations

from collector_core.storage import quote_postgres_name
from collector_plugins.timeline.config import Columns, Config
from collector_plugins.timeline.rows import KEY

COLUMNS = tuple(Columns.model_fields)

LOCK = "SELECT pg_advisory_xact_lock(%s)"


class Statements:
    """The statements of one configuration; those with parameters have `%` in names doubled, as psycopg wants it."""

    def __init__(self, config: Config) -> None:
        table = ".".join(map(quote_postgres_name, config.table.split(".", 1)))
        names = [quote_postgres_name(getattr(config.columns, column)) for column in COLUMNS]
        event_type, source, value, metadata, created_at = names
        columns = ", ".join(names)
        self.check = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE false"  # noqa: S608 - quoted
        self.copy = f"COPY {table} ({columns}) FROM STDIN"
        self.insert = f"INSERT INTO {_doubled(table)} ({_doubled(columns)}) VALUES (%s, %s, %s, %s, %s)"  # noqa: S608
        self.known = (
            f"SELECT {_doubled(metadata)} ->> '{KEY}' FROM {_doubled(table)}"  # noqa: S608 - quoted
            f" WHERE {_doubled(created_at)} BETWEEN %s AND %s AND {_doubled(metadata)} ->> '{KEY}' = ANY (%s)"
        )
        self.create = (
            f"CREATE TABLE IF NOT EXISTS {table} ({event_type} text NOT NULL, {source} text NOT NULL,"
            f" {value} double precision NOT NULL, {metadata} jsonb NOT NULL, {created_at} timestamptz NOT NULL)",
            f"CREATE INDEX ON {table} ({created_at})",
        )


def _doubled(text: str) -> str:
    return text.replace("%", "%%")
