"""The tables in PostgreSQL, and how they get there: forward only, in one transaction, by one collector at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from collector_core.storage import StorageError, StorageReason

if TYPE_CHECKING:
    from psycopg import Connection

SCHEMA = "sites"
LOCK = 0x656E6572_73697465  # of advisory locks: who writes waits for the others that do, for one transaction

# Times are milliseconds, apart from that of readings. `stale.version` is another one each time that an hour becomes
# stale, so that sums of what was there before do not make it fresh. `registry.revision` counts changes of sites.
_FIRST = (
    "CREATE TABLE sites.site (number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL UNIQUE)",
    """
    CREATE TABLE sites.change (
        site integer NOT NULL REFERENCES sites.site, valid_from bigint NOT NULL, keys jsonb NOT NULL,
        PRIMARY KEY (site, valid_from)
    )
    """,
    """
    CREATE TABLE sites.meter (
        number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, site integer NOT NULL REFERENCES sites.site,
        name text NOT NULL, UNIQUE (site, name)
    )
    """,
    """
    CREATE TABLE sites.reading (
        meter integer NOT NULL, time timestamptz NOT NULL, "interval" integer NOT NULL, power double precision,
        total double precision, hashrate double precision, extra text, PRIMARY KEY (meter, time)
    )
    """,
    "CREATE INDEX reading_total ON sites.reading (meter, time) WHERE total IS NOT NULL",
    "CREATE INDEX reading_time ON sites.reading USING brin (time)",
    """
    CREATE TABLE sites.reading_id (
        site integer NOT NULL, id text NOT NULL, meter integer NOT NULL, time timestamptz NOT NULL,
        PRIMARY KEY (site, id)
    )
    """,
    """
    CREATE TABLE sites.hour (
        hour integer NOT NULL, site integer NOT NULL, readings bigint NOT NULL, kwh double precision NOT NULL,
        facility_kwh double precision NOT NULL, cost double precision, location_grams double precision,
        market_grams double precision, power_joules double precision NOT NULL, power_seconds double precision NOT NULL,
        peak double precision, terahashes double precision NOT NULL, hash_seconds double precision NOT NULL,
        covered_seconds double precision NOT NULL, load double precision NOT NULL, loads bigint NOT NULL,
        price double precision NOT NULL, prices bigint NOT NULL, "begin" bigint NOT NULL, first bigint NOT NULL,
        last bigint NOT NULL, spans text NOT NULL, PRIMARY KEY (site, hour)
    )
    """,
    "CREATE INDEX hour_of_all ON sites.hour (hour)",
    """
    CREATE TABLE sites.part (
        site integer NOT NULL, hour integer NOT NULL, source text NOT NULL, origin text NOT NULL,
        kwh double precision NOT NULL, facility_kwh double precision NOT NULL, location_grams double precision,
        market_grams double precision, PRIMARY KEY (site, hour, source, origin)
    )
    """,
    """
    CREATE TABLE sites.stale (
        site integer NOT NULL, hour integer NOT NULL, version bigint GENERATED ALWAYS AS IDENTITY,
        PRIMARY KEY (site, hour)
    )
    """,
    """
    CREATE TABLE sites.total (
        site integer NOT NULL, source text NOT NULL, kwh double precision NOT NULL, amount double precision,
        PRIMARY KEY (site, source)
    )
    """,
    "CREATE TABLE sites.registry (revision bigint NOT NULL, deleted_before integer NOT NULL)",
    "INSERT INTO sites.registry VALUES (1, 0)",
)
_GRID_HOURS = (
    """
    CREATE TABLE sites.grid_hour (
        zone text NOT NULL, hour integer NOT NULL, grams double precision NOT NULL, origin text NOT NULL,
        PRIMARY KEY (zone, hour)
    )
    """,
)
_OLD_IDS = ("CREATE INDEX reading_id_time ON sites.reading_id (time)",)
_DIGESTS = (
    "ALTER TABLE sites.hour ADD COLUMN digest bytea",
    "CREATE INDEX hour_unsealed ON sites.hour (hour, site) WHERE digest IS NULL",
)
_HYPERTABLE = (
    "SELECT create_hypertable('sites.reading', 'time', chunk_time_interval => interval '1 day')",
    "ALTER TABLE sites.reading SET (timescaledb.compress, timescaledb.compress_segmentby = 'meter',"
    " timescaledb.compress_orderby = 'time')",
    "SELECT add_compression_policy('sites.reading', interval '7 days')",
)
_MIGRATIONS: Sequence[Sequence[str]] = (
    _FIRST,
    _GRID_HOURS,
    _OLD_IDS,
    _DIGESTS,
)  # each brings the schema from its place in this list to the next


def migrate(connection: Connection[Any], timescaledb: str, address: str) -> None:
    """Bring the schema up to date, in the transaction of the connection; raises `StorageError`.

    With `timescaledb` (`auto`, `on` or `off`) readings are in a hypertable: where the extension is, or always.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    version = _version(connection)
    if version > len(_MIGRATIONS):
        detail = f"its schema {SCHEMA} has version {version}, this energy-collector supports {len(_MIGRATIONS)}"
        raise StorageError(address, StorageReason.NEWER_SCHEMA, detail)
    has_extension = timescaledb != "off" and _has_timescaledb(connection)
    if timescaledb == "on" and not has_extension:
        fix = "CREATE EXTENSION timescaledb there, or set `timescaledb: auto`"
        raise StorageError(address, StorageReason.REFUSED, "TimescaleDB is not in this database", fix=fix)
    if version == 0:
        _begin(connection)
    for number, statements in enumerate(_MIGRATIONS[version:], version + 1):
        for statement in (*statements, *(_HYPERTABLE if number == 1 and has_extension else ())):
            connection.execute(statement)
        connection.execute("UPDATE sites.version SET number = %s", (number,))


def _has_timescaledb(connection: Connection[Any]) -> bool:
    return connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is not None


def _version(connection: Connection[Any]) -> int:
    query = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = 'version'"
    if connection.execute(query, (SCHEMA,)).fetchone() is None:
        return 0
    row = connection.execute("SELECT number FROM sites.version").fetchone()
    return int(row[0]) if row else 0


def _begin(connection: Connection[Any]) -> None:
    there = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,)).fetchone()
    if not there:  # creating one needs a right that is not needed where it is there
        connection.execute("CREATE SCHEMA sites")
    connection.execute("CREATE TABLE sites.version (number integer NOT NULL)")
    connection.execute("INSERT INTO sites.version VALUES (0)")
