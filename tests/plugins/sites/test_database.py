"""Sites in PostgreSQL: shared by collectors, and away at times."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from collector_core.storage import StorageError
from collector_plugins.sites import metrics
from collector_plugins.sites.config import Config
from tests.plugins.sites.conftest import NOW, moment, reading, total
from tests.postgres import PASSWORD

DAY = 86_400


@pytest.fixture
def stored(database, proxy):
    """Through a proxy that can fail."""
    return {"database": database.url(proxy.port)}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Changes to another home, which is empty at first."""

    def move(name):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / name))

    return move


async def sums(client):
    answer = await client.metrics("a", **{"from": moment(0), "to": moment(DAY)})
    return answer["readings"], round(answer["energy_kwh"], 9)


async def settled(client):
    """Nothing waits for the database any more."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        await client.run(advance=1)
        if client.harness.value(metrics.WAITING) == 0 and client.harness.value(metrics.DATABASE_UP) == 1:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("readings still wait")


async def test_readings_wait_on_disk_while_the_database_is_away_and_arrive_in_order_and_once(serving, proxy, home):
    home("one")
    async with serving() as client:
        await client.register("a")
        await client.send(reading(60, 1000))
        proxy.away()
        for each in range(2, 30):
            answer = await client.send(reading(60 * each, 1000))
            assert answer["accepted"] == 1
        await client.send(reading(120, 999_999))  # the first of repeats stays, though neither has arrived
        proxy.back()
        await settled(client)
        assert await sums(client) == (29, round(29 / 60, 9))
        assert (await client.send(reading(120, 5)))["duplicates"] == 1
    home("two")
    async with serving() as client:
        assert await sums(client) == (29, round(29 / 60, 9))


async def test_it_starts_and_takes_sites_and_readings_while_the_database_is_away(serving, proxy, home):
    home("one")
    proxy.away()
    async with serving() as client:
        await client.register("a", price_per_kwh=1)
        assert (await client.post("sites", {"id": "a"}))[0] == 409
        assert (await client.patch("sites/a", {"price_per_kwh": 2, "valid_from": moment(3600)}))[0] == 200
        await client.send(reading(60), reading(120))
        assert (await client.get("metrics/site/a"))[0] == 503
    async with serving() as client:  # restarted before the database is back
        await client.send(reading(180))
        proxy.back()
        await settled(client)
        assert (await sums(client))[0] == 3
    home("two")
    async with serving() as client:
        assert (await sums(client))[0] == 3
        site = (await client.get("sites/a"))[1]
        assert [each["price_per_kwh"] for each in site["history"]] == [1, 2]


async def test_a_collector_that_is_opened_again_while_the_database_is_away_knows_what_was_registered(
    serving, proxy, home
):
    home("one")
    async with serving() as client:
        await client.register("a", price_per_kwh=1)
        await client.patch("sites/a", {"price_per_kwh": 2})
    proxy.away()
    async with serving() as client:
        assert (await client.send(reading(60)))["accepted"] == 1
        assert (await client.get("sites/a"))[1]["price_per_kwh"] == 2


async def test_what_waits_is_kept_up_to_a_cap_then_senders_are_told(serving, proxy, home):
    home("one")
    async with serving(queue_max_bytes=1 << 16) as client:
        await client.register("a")
        proxy.away()
        taken = 0
        for batch in range(100):
            places = range(batch * 400 + 1, batch * 400 + 401)
            readings = [reading(each, 1000 / each, interval_seconds=1) for each in places]
            status, answer = await client.post("ingest/telemetry", {"readings": readings})
            if status == 503:
                break
            taken += answer["accepted"]
        assert status == 503
        assert "queue_max_bytes" in answer["error"]
        assert taken
        proxy.back()
        await settled(client)
        assert (await sums(client))[0] == taken


async def test_a_database_that_hangs_stalls_no_sender(serving, proxy, home):
    home("one")
    async with serving() as client:
        await client.register("a")
        proxy.frozen = True
        assert (await client.send(reading(60)))["accepted"] == 1
        assert (await client.send(reading(120)))["accepted"] == 1
        proxy.frozen = False
        await settled(client)
        assert (await sums(client))[0] == 2


async def test_two_collectors_share_a_database(serving, home):
    async with contextlib.AsyncExitStack() as stack:
        home("one")
        one = await stack.enter_async_context(serving())
        await one.register("a", price_per_kwh=1)
        home("two")
        two = await stack.enter_async_context(serving())
        await two.send(reading(60), reading(120))
        home("one")
        assert (await one.send(reading(120), reading(180)))["duplicates"] == 1
        home("two")
        await two.register("b")
        await two.patch("sites/a", {"price_per_kwh": 2, "valid_from": moment(0)})
        for client in (one, two, one):
            home("one" if client is one else "two")
            await client.run(advance=5)
            assert (await sums(client)) == (3, round(3 / 60, 9))
            cost = (await client.metrics("a", **{"from": moment(0), "to": moment(DAY)}))["cost"]
            assert cost == pytest.approx(3 / 60 * 2)
        assert (await one.get("sites/b"))[0] == 200


async def test_a_site_that_another_collector_has_registered_takes_readings(serving, home):
    async with contextlib.AsyncExitStack() as stack:
        home("one")
        one = await stack.enter_async_context(serving(auto_register=True))
        await one.send(reading(60, site="b"))
        home("two")
        two = await stack.enter_async_context(serving(auto_register=True))
        assert (await two.send(reading(60), reading(60, site="b")))["accepted"] == 1
        home("one")
        assert (await one.send(reading(60), reading(120)))["accepted"] == 1


async def test_a_site_that_another_collector_has_registered_is_there_at_once(serving, home, proxy, monkeypatch):
    monkeypatch.setattr("collector_plugins.sites.service.LOOK_SECONDS", 0)
    async with contextlib.AsyncExitStack() as stack:
        home("one")
        one = await stack.enter_async_context(serving())
        home("two")
        two = await stack.enter_async_context(serving())
        asks = {
            "b": lambda: two.get("sites/b"),
            "c": lambda: two.patch("sites/c", {"price_per_kwh": 2}),
            "d": lambda: two.post("ingest/realtime", reading(60, site="d")),
            "e": lambda: two.get("analytics/carbon/of-e"),
            "f": lambda: two.get("metrics/site/f"),
        }
        for name, ask in asks.items():
            assert (await ask())[0] == 404
            home("one")
            await one.register(name, operator=f"of-{name}")
            home("two")
            assert (await ask())[0] in (200, 202)
        home("one")
        await one.register("g")
        home("two")
        assert (await two.send(reading(60, site="g"), reading(60, site="h")))["accepted"] == 1
        proxy.away()
        assert (await two.get("sites/i"))[0] == 503  # another may have registered it
        assert (await two.post("ingest/realtime", reading(60, site="i")))[0] == 503
        assert (await two.send(reading(120, site="g"), reading(60, site="i")))["accepted"] == 1


async def test_many_who_ask_for_unknown_sites_are_one_question_to_the_database(serving, home):
    home("one")
    async with serving() as client:
        service = client.harness.collector._service
        await client.get("sites/0")
        asked = []
        look = service._add_new_sites
        service._add_new_sites = lambda store: (asked.append(1), look(store))
        answers = await asyncio.gather(*(client.get(f"sites/{each}") for each in range(100)))
        assert {status for status, _ in answers} == {404}
        assert len(asked) <= 1


async def test_new_sites_of_readings_wait_with_them(serving, proxy, home):
    home("one")
    async with serving(auto_register=True) as client:
        await client.register("b")
        proxy.away()
        assert (await client.send(reading(60), reading(60, site="b")))["accepted"] == 2
        proxy.back()
        await settled(client)
        await client.run(advance=1)  # one whose site may have arrived after sites were looked for
        assert (await sums(client))[0] == 1


async def test_the_hour_that_another_changes_meanwhile_stays_stale(database):
    from collector_plugins.sites.postgres_store import PostgresStore
    from collector_plugins.sites.reading import Reading
    from collector_plugins.sites.site import Change
    from collector_plugins.sites.store import Piece

    one, two = (PostgresStore(Config(database=database.url()).database_url, "auto") for _ in range(2))
    one.add_site("a", Change(0, {}))
    first, second = (Reading(**reading(each)) for each in (60, 120))
    one.add([first])
    places = one.oldest_stale(10)
    two.add([second])
    one.put_hours([(*places[0], Piece(readings=1))])
    assert one.oldest_stale(10) == places
    one.put_hours([(*places[0], Piece(readings=2))])
    assert one.oldest_stale(10) == []
    one.close()
    two.close()


def some(*readings):
    from collector_plugins.sites.reading import Reading

    return [Reading(**each) for each in readings]


def test_of_repeats_across_batches_the_first_stays_whatever_comes_with_them(database):
    from collector_plugins.sites.postgres_store import PostgresStore
    from collector_plugins.sites.site import Change

    store = PostgresStore(Config(database=database.url()).database_url, "auto")
    number = store.add_site("a", Change(0, {})).number
    known = [reading(60, 1, id="x"), reading(120, 2, grid={"price_per_kwh": 0.5}), total(180, 7.5, hashrate_th=3)]
    assert store.add(some(*known)) == [True, True, True]
    # one is there by its time, one by its id, one comes after a repeat that was refused, one repeats it
    mixed = [reading(60, 9, id="y"), reading(240, 9, id="x"), reading(300, 5, id="y"), reading(300, 6), reading(360, 4)]
    assert store.add(some(*mixed)) == [False, False, True, False, True]
    assert store.add(some(reading(420, 1, meter="other"), reading(420, 1))) == [True, True]
    assert store.add(some(reading(300, 9, id="z"), reading(480, 2))) == [False, True]
    main, other = store.rows(number, 0, NOW * 2000)
    kept = [((row.time - NOW * 1000) // 1000, row.power, row.total, row.hashrate, row.extra) for row in main.rows]
    assert kept == [
        (60, 1, None, None, None),
        (120, 2, None, None, '{"price_per_kwh": 0.5}'),
        (180, None, 7.5, 3, None),
        (300, 5, None, None, None),
        (360, 4, None, None, None),
        (420, 1, None, None, None),
        (480, 2, None, None, None),
    ]
    assert [row.power for row in other.rows] == [1]
    store.close()


def test_what_is_known_of_a_database_holds_until_the_connection_is_another_one(database):
    from collector_plugins.sites.postgres_store import PostgresStore
    from collector_plugins.sites.site import Change

    store = PostgresStore(Config(database=database.url()).database_url, "auto")
    number = store.add_site("a", Change(0, {})).number
    assert store.add(some(reading(60, 1))) == [True]
    database.execute("UPDATE sites.meter SET name = 'other'")  # as a copy from before this meter may have it
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", database.user)
    assert store.add(some(reading(120, 2))) == [True]
    kept = {meter.meter: [row.power for row in meter.rows] for meter in store.rows(number, 0, NOW * 2000)}
    assert kept == {"other": [1], "main": [2]}
    store.close()


@pytest.mark.parametrize(
    ("section", "url"),
    [
        ({}, "postgresql://localhost:5432/"),
        ({"host": "db", "name": "energy"}, "postgresql://db:5432/energy"),
        ({"host": "::1", "user": "a@b", "password": "p/@:%"}, "postgresql://a%40b:p%2F%40%3A%25@[::1]:5432/"),
    ],
)
def test_a_section_is_an_address(section, url):
    assert Config(database=section).database_url.get_secret_value() == url


def test_the_password_is_in_no_text(database, state):
    from collector_plugins.sites.postgres_store import PostgresStore

    wrong = database.url().replace(PASSWORD, "wrong-canary")
    config = Config(database=wrong)
    store = PostgresStore(config.database_url, "auto")
    with pytest.raises(StorageError) as caught:
        store.open()
    assert "canary" not in f"{caught.value} {config!r} {config}"
    assert caught.value.fix


def test_timescaledb_that_is_not_there_is_said_with_a_remedy(database):
    from collector_plugins.sites.postgres_store import PostgresStore

    store = PostgresStore(Config(database=database.url()).database_url, "on")
    with pytest.raises(StorageError, match="TimescaleDB is not in this database") as caught:
        store.open()
    assert "CREATE EXTENSION" in caught.value.fix
    store.close()


def test_a_database_of_a_newer_version_is_left_alone(database):
    from collector_plugins.sites.postgres_store import PostgresStore

    url = Config(database=database.url()).database_url
    store = PostgresStore(url, "auto")
    store.open()
    store.close()
    database.execute("UPDATE sites.version SET number = 99")
    with pytest.raises(StorageError, match="version 99"):
        store.open()
    store.close()
