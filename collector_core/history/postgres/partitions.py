"""Tables by day: made before their rows come, dropped when nobody keeps what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from collector_core.history.postgres.rows import at
from collector_core.history.postgres.schema import LOCK
from collector_core.history.tiers import HOUR, floor_to
from collector_core.storage.postgres import quote_postgres_name

if TYPE_CHECKING:
    from psycopg import Connection

DAY = 24 * HOUR
AHEAD = 3 * DAY
FINE = 15 * 60_000  # tiers of shorter steps have tables by day, too
FORGOTTEN = "interval '30 days'"  # after which an agent that is gone holds up nobody's deletion


class Partitions:
    """The day tables of one schema without TimescaleDB.

    Rows of days that have no table are in the default one, which is slow and never dropped: `stray` counts them.
    """

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._s = quote_postgres_name(schema)
        self._known = set[tuple[str, int]]()

    def forget(self) -> None:
        """Ask again which tables there are: others drop them, too."""
        self._known.clear()

    def make_ahead(self, connection: Connection[Any], now: int, steps: Iterable[int]) -> None:
        """Make the tables of the next days."""
        days = range(floor_to(now, DAY), now + AHEAD + 1, DAY)
        self.make(connection, "readings", days, now)
        for step in steps:
            self.make_tier(connection, step)
            if step < FINE:
                self.make(connection, f"summaries_{step}", days, now)

    def make_tier(self, connection: Connection[Any], step: int) -> None:
        """Make the table of a tier."""
        table = f"summaries_{step}"
        if (table, 0) in self._known or self._exists(connection, table):
            self._known.add((table, 0))
            return
        by_day = " PARTITION BY RANGE (time)" if step < FINE else ""
        self._create(connection, table, "summaries", f"FOR VALUES IN ({step})", by_day, f"step = {step}")
        if by_day:
            self._execute(connection, f"CREATE TABLE {{s}}.{table}_default PARTITION OF {{s}}.{table} DEFAULT")
        self._known.add((table, 0))

    def make(self, connection: Connection[Any], table: str, days: Iterable[int], now: int) -> None:
        """Make the tables of these days, but of none that is further ahead than the clock can be right about."""
        for day in sorted({floor_to(day, DAY) for day in days if day <= now + AHEAD}):
            if (table, day) not in self._known:
                name = f"{table}_{datetime.fromtimestamp(day / 1000, UTC):%Y%m%d}"
                if not self._exists(connection, name):
                    bounds = f"FROM ({at(day)}) TO ({at(day + DAY)})"
                    within = f"time >= {at(day)} AND time < {at(day + DAY)}"
                    self._create(connection, name, table, f"FOR VALUES {bounds}", "", within)
                self._known.add((table, day))

    def drop(self, connection: Connection[Any], table: str, mark: str) -> int:
        """Drop the tables of days that every agent has deleted, by its mark of this name; returns how many."""
        query = f"""
            SELECT min(coalesce(m.time, 0)) FROM {self._s}.agents a
            LEFT JOIN {self._s}.marks m ON m.agent = a.id AND m.name = %s
            WHERE a.held_until > now() - {FORGOTTEN}
        """
        ((until,),) = connection.execute(query, (mark,)).fetchall()
        old = [name for day, name in self._days(connection, table) if day + DAY <= (until or 0)]
        if old:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        for name in old:
            self._execute(connection, f"DROP TABLE IF EXISTS {{s}}.{name}")
        self.forget()
        return len(old)

    def stray(self, connection: Connection[Any]) -> int:
        """How many readings are in the default table."""
        ((count,),) = self._execute(connection, "SELECT count(*) FROM {s}.readings_default").fetchall()
        return int(count)

    def _days(self, connection: Connection[Any], table: str) -> list[tuple[int, str]]:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename ~ %s"
        names = connection.execute(query, (self._schema, rf"^{table}_\d{{8}}$")).fetchall()
        return [(_day(name), name) for (name,) in names]

    def _exists(self, connection: Connection[Any], table: str) -> bool:
        query = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = %s"
        return connection.execute(query, (self._schema, table)).fetchone() is not None

    def _create(self, connection: Connection[Any], name: str, parent: str, values: str, by: str, within: str) -> None:
        """Make a table beside its parent, with the rows of the default one that belong to it, and attach it.

        Attaching holds up nobody who reads or writes; making it in its place would wait for all who do.
        """
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        if self._exists(connection, name):  # another agent was faster
            return
        self._execute(connection, f"CREATE TABLE {{s}}.{name} (LIKE {{s}}.{parent} INCLUDING ALL){by}")
        self._execute(
            connection,
            f"WITH moved AS (DELETE FROM {{s}}.{parent}_default WHERE {within} RETURNING *)"
            f" INSERT INTO {{s}}.{name} SELECT * FROM moved",
        )
        self._execute(connection, f"ALTER TABLE {{s}}.{parent} ATTACH PARTITION {{s}}.{name} {values}")

    def _execute(self, connection: Connection[Any], statement: str) -> Any:
        return connection.execute(statement.replace("{s}", self._s))


def _day(name: str) -> int:
    return round(datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).timestamp() * 1000)
