"""The file of the sites, replaced by another one while the collector runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from collector_plugins.sites.reading import Reading
from collector_plugins.sites.site import Change
from collector_plugins.sites.sqlite_store import SqliteStore
from collector_plugins.sites.store import Piece
from tests.plugins.sites.conftest import moment, reading

FILES = ("sites.db", "sites.db-wal", "sites.db-shm")


def away(state):
    """Take the file away; what it is called comes from the collector."""
    (path,) = state.rglob("sites.db")
    for name in FILES:
        path.with_name(name).unlink(missing_ok=True)
    return path


async def counts(client):
    period = {"from": moment(0), "to": moment(3600)}
    return [(await client.metrics(site, **period))["readings"] for site in "ab"]


async def test_readings_go_to_their_sites_in_another_file_whatever_their_numbers_there(serving, state):
    async with serving() as client:
        for site in "ab":
            await client.register(site)
        await client.send(reading(60), reading(60, site="b", meter="x"), reading(120, site="b", meter="x"))
        path = away(state)
        other = SqliteStore(path.with_name("other.db"))
        for site in "ba":
            other.add_site(site, Change(0, {"price_per_kwh": 2.0}))
        other.close()
        path.with_name("other.db").rename(path)
        answer = await client.send(reading(180), reading(180, site="b", meter="x"), reading(240, site="b", meter="x"))
        assert answer["accepted"] == 3
        assert (await client.patch("sites/a", {"price_per_kwh": 3.0, "valid_from": moment(0)}))[0] == 200
        await client.run()
        assert await counts(client) == [1, 2]
        assert [change["price_per_kwh"] for change in (await client.get("sites/a"))[1]["history"]] == [2.0, 3.0]


async def test_a_site_that_is_gone_with_the_file_is_not_written_for(serving, state):
    async with serving() as client:
        await client.register("a")
        await client.send(reading(60))
        away(state)
        status, answer = await client.post("ingest/realtime", reading(120))
        assert status == 503
        assert "no longer in the database" in answer["error"]
        await client.run()
        assert (await client.post("ingest/realtime", reading(120)))[0] == 404
        await client.register("a")
        assert (await client.send(reading(120)))["accepted"] == 1


def test_of_a_corrupt_file_all_that_can_be_read_is_taken_over(tmp_path):
    file = tmp_path / "sites.db"
    sent = [Reading(**each) for each in (reading(60, id="x"), reading(3660), reading(7260, meter="y"))]
    store = SqliteStore(file)
    number = store.add_site("a", Change(0, {})).number
    store.add(sent)
    stale = store.oldest_stale(9)
    store.put_hours([(*place, Piece(readings=1)) for place in stale[1:]])
    store.close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE deleted")
    store = SqliteStore(file)
    assert store.add(sent) == [False] * 3
    assert len(store.lines([number], 0, 1 << 50)) == 3
    assert len(store.hours([number], 0, 1 << 30)) == 2
    assert store.oldest_stale(9) == stale[:1]
    store.close()
    assert list(tmp_path.glob("sites.db.corrupt-*"))
