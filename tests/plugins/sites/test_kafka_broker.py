"""Readings through a real Kafka: a group that shares a topic, brokers that make no topics."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
import uuid

import pytest

from collector_core import NotAvailable
from collector_plugins.sites import dead_letters
from collector_plugins.sites.dead_letters import DeadLetters, Poison
from collector_plugins.sites.kafka_options import KafkaOptions
from tests import topics
from tests.background import free_port
from tests.plugins.sites.conftest import NOW, moment, reading

pytestmark = [pytest.mark.xdist_group("kafka"), pytest.mark.slow]  # one broker for all of them
SITES = tuple("abcdefgh")


@pytest.fixture
def options(kafka):
    name = uuid.uuid4().hex
    kafka.make_topic(f"readings-{name}", partitions=4)
    return {
        "brokers": kafka.address,
        "topic_energy": f"readings-{name}",
        "topic_forecast": f"forecasts-{name}",
        "group": name,
    }


async def produce(options, minutes):
    """A reading of each site for each minute; the key is the site."""
    for site in SITES:
        values = [reading(60 * each, site=site) for each in minutes]
        await asyncio.to_thread(topics.produce, options["brokers"], options["topic_energy"], *values, key=site.encode())


async def readings_of(client):
    await client.run(advance=1)
    status, answer = await client.get("metrics/aggregate", **{"from": moment(0), "to": moment(86_400)})
    return answer["total"]["readings"] if status == 200 else None


async def until(condition):
    deadline = time.monotonic() + 120
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def count(client, number):
    async def are_there():
        return await readings_of(client) == number

    await until(are_there)


def accepted(client):
    return client.harness.collector._service.ingest.counts["accepted"]


async def test_collectors_of_a_group_share_a_topic_and_a_database_and_each_reading_counts_once(
    serving, options, database, monkeypatch, tmp_path
):
    together = {"kafka": options, "database": database.url(), "auto_register": True}
    async with serving(**together) as one:
        await produce(options, range(1, 21))
        await count(one, 20 * len(SITES))
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "two"))
        async with serving(**together) as two:
            await two.run()
            minute = 20

            async def both_take():
                nonlocal minute
                minute += 1
                await produce(options, (minute, 1))  # the first minute is a repeat
                await one.run(advance=1)
                await two.run(advance=1)
                return accepted(two) and minute > 25

            await until(both_take)
            await count(one, minute * len(SITES))
            await count(two, minute * len(SITES))
        last = minute + 10
        await produce(options, range(minute + 1, last + 1))  # the one that is left has all of the topic again
        await count(one, last * len(SITES))
        answer = await one.metrics("a", **{"from": moment(0), "to": moment(86_400)})
        assert answer["energy_kwh"] == pytest.approx(last / 60)


async def test_poison_is_put_aside_where_brokers_make_no_topics_by_themselves(serving, options):
    dead = options["topic_energy"] + ".dead"
    await asyncio.to_thread(
        topics.produce, options["brokers"], options["topic_energy"], reading(60), b"nonsense", reading(120)
    )
    async with serving(kafka=options, auto_register=True) as client:
        await count(client, 2)
        ((value, headers),) = await asyncio.to_thread(topics.consumed, options["brokers"], dead, 1)
        assert (value, headers["field"]) == (b"nonsense", b"reading")
    async with serving(kafka=options, auto_register=True) as client:  # it is committed past
        await asyncio.to_thread(topics.produce, options["brokers"], options["topic_energy"], reading(180))
        await count(client, 3)
    assert await asyncio.to_thread(topics.ends, options["brokers"], dead) == 1


class Nonsense:
    """A message as a consumer has it."""

    key, value, partition, offset = (staticmethod(lambda each=each: each) for each in (b"a", b"nonsense", 0, 7))


class Relay:
    """A place of a broker that nobody listens at before `open`."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.address = f"127.0.0.1:{free_port()}"
        self._target = host, int(port)

    def open(self):
        self._listener = socket.create_server(("127.0.0.1", int(self.address.rpartition(":")[2])))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                ends = self._listener.accept()[0], socket.create_connection(self._target)
                for source, sink in (ends, ends[::-1]):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source, sink):
        with contextlib.suppress(OSError), contextlib.closing(source), contextlib.closing(sink):
            while data := source.recv(65536):
                sink.sendall(data)

    def close(self):
        self._listener.close()


def test_the_topic_of_poison_is_made_when_brokers_that_were_away_are_back(kafka, options, monkeypatch, eventually):
    monkeypatch.setattr(dead_letters, "TIMEOUT_SECONDS", 1.0)
    relay = Relay(kafka.address)
    dead = DeadLetters(KafkaOptions.model_validate(options | {"brokers": relay.address}))
    poison = [Poison(Nonsense, "not valid JSON", "reading")]

    def is_taken():
        try:
            dead.put(poison)
        except NotAvailable:
            return False
        return True

    assert not is_taken()
    relay.open()
    eventually(is_taken)
    dead.close()
    relay.close()
    ((value, _),) = topics.consumed(kafka.address, f"{options['topic_energy']}.dead", 1)
    assert value == b"nonsense"


async def test_the_forecast_of_a_site_arrives_under_its_name(serving, options):
    async with serving(now=NOW + 86_400 * 22, kafka=options) as client:
        await client.register("a")
        hours = [reading(3600 * each, 1000 + each % 24, interval_seconds=3600) for each in range(1, 24 * 22)]
        await client.send(*hours)
        assert (await client.get("forecast/load", site="a"))[0] == 200

        async def is_made():
            await client.run()
            return "sites_forecast_peak_watts{" in client.harness.exposition()

        await until(is_made)
        ((value, _),) = await asyncio.to_thread(topics.consumed, options["brokers"], options["topic_forecast"], 1)
    forecast = json.loads(value)
    assert (forecast["site_id"], forecast["kind"], forecast["unit"]) == ("a", "load", "W")
    assert forecast["points"][0]["p10"] <= forecast["points"][0]["p90"]
