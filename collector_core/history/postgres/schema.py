"""The tables in PostgreSQL, and how they get there: forward only, in one transaction, by one agent at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from collector_core.storage.errors import StorageError, StorageReason
from collector_core.storage.postgres import quote_postgres_name

if TYPE_CHECKING:
    from psycopg import Connection

LOCK = 0x656E6572_67796869  # of advisory locks: whoever changes tables waits for the others that do
PARTITIONS, HYPERTABLE = "partitions", "hypertable"

# `{s}` is the schema. Every agent has series of its own, so that nothing that one of them writes can meet another's.
# `agents.delivered` is the last entry of an agent's queue whose readings are here: it changes in the same transaction.
# `late` are hours that were summed up before all of their readings had come. Times of `marks` are milliseconds.
_FIRST = (
    "CREATE TABLE {s}.layout (name text NOT NULL)",
    """
    CREATE TABLE {s}.agents (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE,
        holder bigint, held_until timestamptz NOT NULL DEFAULT '-infinity',
        delivered bigint NOT NULL DEFAULT 0, revision bigint NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE {s}.series (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, agent integer NOT NULL REFERENCES {s}.agents,
        text text NOT NULL, name text NOT NULL, labels jsonb NOT NULL, kind text NOT NULL, unit text NOT NULL,
        help text NOT NULL, topic text NOT NULL, "of" text NOT NULL, title text NOT NULL, source text NOT NULL,
        plugin text NOT NULL, gap bigint NOT NULL, UNIQUE (agent, text)
    )
    """,
    """
    CREATE TABLE {s}.events (
        agent integer NOT NULL REFERENCES {s}.agents, time timestamptz NOT NULL, kind text NOT NULL,
        source text NOT NULL, text text NOT NULL, PRIMARY KEY (agent, time, kind, source, text)
    )
    """,
    """
    CREATE TABLE {s}.marks (
        agent integer NOT NULL REFERENCES {s}.agents, name text NOT NULL, time bigint NOT NULL,
        PRIMARY KEY (agent, name)
    )
    """,
    """
    CREATE TABLE {s}.late (
        agent integer NOT NULL REFERENCES {s}.agents, series integer NOT NULL, hour timestamptz NOT NULL,
        PRIMARY KEY (agent, series, hour)
    )
    """,
)
_READINGS = """
    CREATE TABLE {s}.readings (
        series integer NOT NULL, time timestamptz NOT NULL, value double precision NOT NULL, rise double precision,
        PRIMARY KEY (series, time)
    )
"""
_SUMMARIES = """
    CREATE TABLE {s}.summaries (
        series integer NOT NULL, step bigint NOT NULL, time timestamptz NOT NULL, count bigint NOT NULL,
        covered bigint NOT NULL, integral double precision NOT NULL, minimum double precision NOT NULL,
        maximum double precision NOT NULL, last double precision NOT NULL, rise double precision NOT NULL,
        PRIMARY KEY (series, step, time)
    )
"""
_VIEWS = (
    """
    CREATE VIEW {s}.points AS
    SELECT a.name AS agent, s.text AS series, s.name, s.labels, s.unit, r.time, r.value, r.rise
    FROM {s}.readings r JOIN {s}.series s ON s.id = r.series JOIN {s}.agents a ON a.id = s.agent
    """,
    """
    CREATE VIEW {s}.steps AS
    SELECT a.name AS agent, s.text AS series, s.name, s.labels, s.unit, t.step * interval '1 ms' AS step, t.time,
        CASE WHEN t.covered > 0 THEN t.integral * 1000 / t.covered ELSE t.last END AS mean,
        t.minimum, t.maximum, t.last, t.rise, t.covered * interval '1 ms' AS covered
    FROM {s}.summaries t JOIN {s}.series s ON s.id = t.series JOIN {s}.agents a ON a.id = s.agent
    """,
)
_PARTITIONED = (
    f"{_READINGS} PARTITION BY RANGE (time)",
    "CREATE TABLE {s}.readings_default PARTITION OF {s}.readings DEFAULT",
    f"{_SUMMARIES} PARTITION BY LIST (step)",
    "CREATE TABLE {s}.summaries_default PARTITION OF {s}.summaries DEFAULT",
)
_HYPERTABLES = (
    _READINGS,
    "SELECT create_hypertable('{s}.readings', 'time', chunk_time_interval => interval '1 day')",
    "ALTER TABLE {s}.readings SET (timescaledb.compress, timescaledb.compress_segmentby = 'series',"
    " timescaledb.compress_orderby = 'time')",
    "SELECT add_compression_policy('{s}.readings', interval '1 day')",
    _SUMMARIES,
    "SELECT create_hypertable('{s}.summaries', 'time', chunk_time_interval => interval '7 days')",
    "ALTER TABLE {s}.summaries SET (timescaledb.compress, timescaledb.compress_segmentby = 'series, step',"
    " timescaledb.compress_orderby = 'time')",
    "SELECT add_compression_policy('{s}.summaries', interval '7 days')",
)
_MIGRATIONS: Sequence[Sequence[str]] = (_FIRST,)  # each brings the schema from its place in this list to the next


def migrate(connection: Connection[Any], schema: str, address: str) -> str:
    """Bring the schema up to date, in the transaction of the connection; returns the layout of its readings."""
    name = quote_postgres_name(schema)
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    version = _version(connection, schema)
    if version > len(_MIGRATIONS):
        detail = f"its schema {schema} has version {version}, this energy-collector supports {len(_MIGRATIONS)}"
        raise StorageError(address, StorageReason.NEWER_SCHEMA, detail)
    if version == 0:
        _begin(connection, schema)
    for number, statements in enumerate(_MIGRATIONS[version:], version + 1):
        for statement in statements:
            _run(connection, statement, name)
        if number == 1:
            _create_readings(connection, name)
        _run(connection, f"UPDATE {{s}}.version SET number = {number}", name)
    ((layout,),) = _run(connection, "SELECT name FROM {s}.layout", name).fetchall()
    return str(layout)


def find_layout(connection: Connection[Any], schema: str, address: str) -> str:
    """The layout of a schema that is up to date; raises `StorageError` where it is not."""
    version = _version(connection, schema)
    if version != len(_MIGRATIONS):
        reason = StorageReason.NEWER_SCHEMA if version > len(_MIGRATIONS) else StorageReason.FAILED
        detail = f"its schema {schema} has version {version}" if version else f"there is no history in schema {schema}"
        raise StorageError(address, reason, detail, fix="" if version > len(_MIGRATIONS) else "start the daemon once")
    ((layout,),) = _run(connection, "SELECT name FROM {s}.layout", quote_postgres_name(schema)).fetchall()
    return str(layout)


def known_layout(connection: Connection[Any], schema: str, address: str) -> str:
    """The same; empty where there is no history yet, which the first start makes."""
    return find_layout(connection, schema, address) if _version(connection, schema) else ""


def timescale_version(connection: Connection[Any]) -> str | None:
    """The version of the extension TimescaleDB in this database, None where it has none."""
    row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    return str(row[0]) if row else None


def _version(connection: Connection[Any], schema: str) -> int:
    query = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = 'version'"
    if connection.execute(query, (schema,)).fetchone() is None:
        return 0
    row = _run(connection, "SELECT number FROM {s}.version", quote_postgres_name(schema)).fetchone()
    return int(row[0]) if row else 0


def _begin(connection: Connection[Any], schema: str) -> None:
    name = quote_postgres_name(schema)
    there = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone()
    if not there:  # creating one needs a right that is not needed where it is there
        _run(connection, "CREATE SCHEMA {s}", name)
    _run(connection, "CREATE TABLE {s}.version (number integer NOT NULL)", name)
    _run(connection, "INSERT INTO {s}.version VALUES (0)", name)


def _create_readings(connection: Connection[Any], name: str) -> None:
    is_hyper = timescale_version(connection) is not None
    for statement in (*(_HYPERTABLES if is_hyper else _PARTITIONED), *_VIEWS):
        _run(connection, statement, name)
    _run(connection, f"INSERT INTO {{s}}.layout VALUES ('{HYPERTABLE if is_hyper else PARTITIONS}')", name)


def _run(connection: Connection[Any], statement: str, name: str) -> Any:
    return connection.execute(statement.replace("{s}", name))
