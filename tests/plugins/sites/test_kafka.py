"""Readings from Kafka, on the mock cluster of librdkafka: committed once they are on disk, poison put aside."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from concurrent.futures import Future

import pytest

from collector_core import Reason
from collector_core.storage import StorageError, StorageReason
from collector_plugins.sites.config import Config
from collector_plugins.sites.ingest import Outcome
from tests import topics
from tests.plugins.sites.conftest import moment, reading

confluent_kafka = pytest.importorskip("confluent_kafka", reason="pip install energy-collector[sites]")


@pytest.fixture(scope="module")
def brokers():
    """A cluster within this process; it ends with the client that made it."""
    client = confluent_kafka.Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
    found = client.list_topics(timeout=60).brokers.values()
    yield ",".join(f"{each.host}:{each.port}" for each in found)
    del client


@pytest.fixture
def options(brokers):
    name = uuid.uuid4().hex
    return {
        "brokers": brokers,
        "topic_energy": f"readings-{name}",
        "topic_forecast": f"forecasts-{name}",
        "group": name,
    }


def produce(options, *values):
    topics.produce(options["brokers"], options["topic_energy"], *values)


def consumed(options, topic, count):
    return topics.consumed(options["brokers"], topic, count)


def ends(options, topic):
    return topics.ends(options["brokers"], topic)


async def until(condition):
    deadline = time.monotonic() + 60
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def count(client, number):
    async def is_there():
        await client.run(advance=1)
        answer = await client.metrics("a", **{"from": moment(0), "to": moment(86_400)})
        return answer["readings"] == number

    await until(is_there)


async def test_readings_are_kept_once_and_what_is_none_is_put_aside_with_the_reason(serving, options):
    odd = [b"nonsense", b"", None, {"site_id": "b", "timestamp": 1, "power_watts": 1}, {**reading(60), "colour": 1}]
    unknown = reading(60, site="nobody")
    await asyncio.to_thread(produce, options, reading(60), *odd, unknown, reading(120), reading(60, 5))
    async with serving(kafka=options) as client:
        await client.register("a")
        await client.run()
        await count(client, 2)
        dead = await asyncio.to_thread(consumed, options, options["topic_energy"] + ".dead", 6)
        assert [value or b"" for value, _ in dead[:3]] == [b"nonsense", b"", b""]
        assert {headers["field"] for _, headers in dead} == {b"reading", b"timestamp", b"colour", b"site_id"}
        assert all(headers["reason"] for _, headers in dead)
        assert client.harness.part_failures == []

        async def has_caught_up():
            await client.run(advance=1)
            return "sites_kafka_lag_messages 0.0" in client.harness.exposition()

        await until(has_caught_up)
    async with serving(kafka=options) as client:  # goes on where it was
        await client.run()
        await asyncio.to_thread(produce, options, reading(180))
        await count(client, 3)
    assert await asyncio.to_thread(ends, options, options["topic_energy"] + ".dead") == 6


def test_a_message_that_comes_again_before_it_is_committed_is_put_aside_once(options):
    from collector_plugins.sites.dead_letters import DeadLetters, Poison

    produce(options, b"nonsense")
    consumer = topics.consumer_of(options["brokers"])
    consumer.assign(topics.partitions(consumer, options["topic_energy"]))
    (message,) = consumer.consume(1, 60)
    dead, poison = DeadLetters(Config(kafka=options).kafka), [Poison(message, "is not JSON", "reading")]
    dead.put(poison)
    dead.put(poison)
    assert ends(options, options["topic_energy"] + ".dead") == 1
    dead.forget([message])
    dead.put(poison)  # nothing is kept of what was committed
    assert ends(options, options["topic_energy"] + ".dead") == 2
    dead.close()
    consumer.close()


async def test_nothing_is_committed_that_is_not_on_disk(options):
    from collector_plugins.sites.kafka_intake import KafkaIntake

    taken = []

    def take(items):
        done = Future()
        taken.append(items)
        if len(taken) < 3:
            done.set_exception(StorageError("disk", StorageReason.DISK_FULL, "full"))
        else:
            done.set_result(Outcome(accepted=len(items)))
        return done

    await asyncio.to_thread(produce, options, reading(60), reading(120))
    intake = KafkaIntake(Config(kafka=options).kafka, take, Future)
    intake.start()

    async def is_kept():
        return len(taken) >= 3 and intake.trouble is None

    await until(is_kept)
    await asyncio.to_thread(intake.stop)
    assert [len(items) for items in taken[:3]] == [2, 2, 2]
    assert all(items == taken[0] for items in taken)


async def test_brokers_that_are_away_hold_up_nothing_and_are_said(serving):
    async with serving(kafka={"brokers": "127.0.0.1:1"}) as client:
        await client.register("a")
        assert (await client.send(reading(60)))["accepted"] == 1

        async def is_said():
            await client.run(advance=1)
            return bool(client.harness.part_failures)

        await until(is_said)
        (failure,) = client.harness.part_failures
        assert (failure.labels, failure.error.reason) == ({"part": "kafka"}, Reason.UNREACHABLE)
        assert "kafka.brokers" in failure.error.fix


async def test_a_forecast_is_sent_when_its_model_was_chosen(options):
    from collector_core import ForecastedSeries
    from collector_plugins.sites.forecast_feed import ForecastFeed
    from collector_plugins.sites.outlook import Outlook

    paths = {quantile: [(3600.0, quantile), (7200.0, quantile)] for quantile in (0.1, 0.5, 0.9)}
    series = ForecastedSeries(3600.0, paths, "combination", {"combination": 0.7}, coverage={0.8: 0.81})
    feed = ForecastFeed(Config(kafka=options).kafka)
    feed.send("a", "load", Outlook(series, 1000, 1000, 0.7))
    feed.send("a", "load", Outlook(series, 2000, 1000, 0.7))  # of the same model
    await asyncio.to_thread(feed._opened(options["topic_forecast"]).flush, 60)
    ((value, _),) = await asyncio.to_thread(consumed, options, options["topic_forecast"], 1)
    assert json.loads(value) == {
        "site_id": "a",
        "kind": "load",
        "generated_at": "1970-01-01T00:00:01Z",
        "model": "combination",
        "step_seconds": 3600.0,
        "unit": "W",
        "points": [
            {"t": "1970-01-01T01:00:00Z", "p10": 0.1, "p50": 0.5, "p90": 0.9},
            {"t": "1970-01-01T02:00:00Z", "p10": 0.1, "p50": 0.5, "p90": 0.9},
        ],
        "score": {"mase": 0.7, "coverage": 0.81},
    }
    assert await asyncio.to_thread(ends, options, options["topic_forecast"]) == 1
    feed.close()


def test_the_password_is_in_no_text():
    config = Config(kafka={"brokers": ["a:1", "b:2"], "security": {"username": "u", "password": "canary"}})
    assert config.kafka.brokers == "a:1,b:2"
    assert "canary" not in f"{config!r} {config}"
