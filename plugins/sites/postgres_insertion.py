"""How readings get into PostgreSQL: all of a batch at once, the first of several that are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from collector_core.storage import StorageError, StorageReason
from collector_plugins.sites.postgres_hours import mark_stale
from collector_plugins.sites.reading import Reading
from collector_plugins.sites.store import HOUR, hour_of, row_of

if TYPE_CHECKING:
    from psycopg import Connection

_INCOMING = """
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
        place integer, site integer, meter integer, time bigint, "interval" integer, power double precision,
        total double precision, hashrate double precision, extra text, id text
    ) ON COMMIT DELETE ROWS
"""
_MOMENT = "to_timestamp(i.time / 1000.0::float8)"
_KNOWN_TIMES = (
    f"SELECT i.place FROM pg_temp.incoming i JOIN sites.reading r ON r.meter = i.meter AND r.time = {_MOMENT}"
)
_KNOWN_IDS = "SELECT i.place FROM pg_temp.incoming i JOIN sites.reading_id k ON k.site = i.site AND k.id = i.id"
_KEEP = f"""
    INSERT INTO sites.reading (meter, time, "interval", power, total, hashrate, extra)
    SELECT meter, {_MOMENT}, "interval", power, total, hashrate, extra FROM pg_temp.incoming i
"""
_KEEP_IDS = f"""
    INSERT INTO sites.reading_id (site, id, meter, time)
    SELECT site, id, meter, {_MOMENT} FROM pg_temp.incoming i WHERE id IS NOT NULL
"""
# A total changes the energy of the next one, and of what lies between it and its neighbours without one.
_NEIGHBOURS = f"""
    WITH edge AS (
        SELECT i.site, i.meter, {_MOMENT} AS time, before.time AS start, after.time AS stop
        FROM pg_temp.incoming i
        LEFT JOIN LATERAL (
            SELECT r.time FROM sites.reading r WHERE r.meter = i.meter AND r.total IS NOT NULL AND r.time < {_MOMENT}
            ORDER BY r.time DESC LIMIT 1) before ON true
        LEFT JOIN LATERAL (
            SELECT r.time FROM sites.reading r WHERE r.meter = i.meter AND r.total IS NOT NULL AND r.time > {_MOMENT}
            ORDER BY r.time LIMIT 1) after ON true
        WHERE i.total IS NOT NULL
    ), changed AS (
        SELECT site, stop AS time FROM edge WHERE stop IS NOT NULL
        UNION
        SELECT e.site, r.time FROM edge e JOIN sites.reading r ON r.meter = e.meter AND r.total IS NULL
            AND r.time > coalesce(e.start, e.time) AND r.time < coalesce(e.stop, e.time)
    )
    SELECT DISTINCT site, (((extract(epoch FROM time) * 1000)::bigint - 1) / {HOUR})::integer FROM changed
"""


@dataclass
class Known:
    """The numbers of sites by id, and of meters by site and name."""

    sites: dict[str, int] = field(default_factory=dict)
    meters: dict[tuple[int, str], int] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget them."""
        self.sites.clear()
        self.meters.clear()


class Insertion:
    """Puts readings into the tables, and marks the hours that they change, in the transaction of the only writer."""

    def __init__(self, connection: Connection[Any], known: Known, address: str) -> None:
        self._connection = connection
        self._known = known
        self._address = address

    def insert(self, readings: Sequence[Reading]) -> list[bool]:
        """Whether each was new."""
        self._find_sites({reading.site_id for reading in readings})
        sites = [self._known.sites[reading.site_id] for reading in readings]
        self._find_meters({(site, reading.meter) for site, reading in zip(sites, readings, strict=True)})
        keys = [(site, self._known.meters[site, reading.meter]) for site, reading in zip(sites, readings, strict=True)]
        self._send(keys, readings)
        new = self._new(keys, readings)
        self._keep(new)
        self._mark(keys, readings, new)
        return new

    def _find_sites(self, ids: set[str]) -> None:
        if missing := sorted(ids - self._known.sites.keys()):
            found = self._connection.execute("SELECT id, number FROM sites.site WHERE id = ANY (%s)", (missing,))
            self._known.sites.update(found)
        if missing := sorted(ids - self._known.sites.keys()):
            detail = f"the site {missing[0]!r} is no longer in the database"
            raise StorageError(self._address, StorageReason.FAILED, detail, fix="register it again")

    def _find_meters(self, wanted: set[tuple[int, str]]) -> None:
        missing = sorted(wanted - self._known.meters.keys())
        if not missing:
            return
        columns = [list(column) for column in zip(*missing, strict=True)]
        self._connection.execute(
            "INSERT INTO sites.meter (site, name) SELECT * FROM unnest(%s::integer[], %s::text[])"
            " ON CONFLICT (site, name) DO NOTHING",
            columns,
        )
        query = (
            "SELECT site, name, number FROM sites.meter JOIN unnest(%s::integer[], %s::text[]) AS w (site, name)"
            " USING (site, name)"
        )
        for site, name, number in self._connection.execute(query, columns):
            self._known.meters[site, name] = number

    def _send(self, keys: Sequence[tuple[int, int]], readings: Sequence[Reading]) -> None:
        self._connection.execute(_INCOMING)
        with self._connection.cursor().copy("COPY pg_temp.incoming FROM STDIN") as copy:
            for place, ((site, meter), reading) in enumerate(zip(keys, readings, strict=True)):
                copy.write_row((place, site, meter, *row_of(reading), reading.id))

    def _new(self, keys: Sequence[tuple[int, int]], readings: Sequence[Reading]) -> list[bool]:
        """Which ones are no repeats, of what is kept or of one before."""
        repeated_times = {place for (place,) in self._connection.execute(_KNOWN_TIMES)}
        has_ids = any(reading.id is not None for reading in readings)
        repeated_ids = {place for (place,) in self._connection.execute(_KNOWN_IDS)} if has_ids else set()
        times, ids = set[tuple[int, int]](), set[tuple[int, str]]()
        new: list[bool] = []
        for place, ((site, meter), reading) in enumerate(zip(keys, readings, strict=True)):
            time = (meter, reading.timestamp)
            name = None if reading.id is None else (site, reading.id)
            is_new = not (place in repeated_times or place in repeated_ids or time in times or name in ids)
            new.append(is_new)
            if is_new:
                times.add(time)
                if name is not None:
                    ids.add(name)
        return new

    def _keep(self, new: Sequence[bool]) -> None:
        repeats = [place for place, is_new in enumerate(new) if not is_new]
        if repeats:
            self._connection.execute("DELETE FROM pg_temp.incoming WHERE place = ANY (%s)", (repeats,))
        self._connection.execute(_KEEP)
        self._connection.execute(_KEEP_IDS)

    def _mark(self, keys: Sequence[tuple[int, int]], readings: Sequence[Reading], new: Sequence[bool]) -> None:
        stale = {
            (site, hour_of(reading.timestamp))
            for (site, _), reading, is_new in zip(keys, readings, new, strict=True)
            if is_new
        }
        if any(reading.energy_kwh is not None for reading in readings):
            stale.update((site, hour) for site, hour in self._connection.execute(_NEIGHBOURS))
        mark_stale(self._connection, stale)
