"""The hash of a carbon report: that of the readings, kept by the hour, and computed again by whoever has them."""

from __future__ import annotations

import hashlib
import json
import time
from itertools import groupby

import pytest

from collector_core.storage import StorageError, StorageReason
from collector_core.testing.harness import FakeClock
from collector_plugins.sites.factors import Factors
from collector_plugins.sites.service import SiteService
from tests.plugins.sites.conftest import NOW, moment, reading, total
from tests.plugins.sites.stores import stored  # noqa: F401 - a fixture

HOUR = 3600


def as_the_readme_says(readings, start, end):
    """Of readings as they were sent, in `(start, end]` seconds after midnight."""
    inside = [each for each in readings if start < each["timestamp"] - NOW <= end]

    def place(each):
        return each["site_id"], (each["timestamp"] - 1) // HOUR

    lines = []
    for (site, hour), group in groupby(sorted(inside, key=place), key=place):
        ordered = sorted(group, key=lambda each: (each.get("meter", "main"), each["timestamp"]))
        digest = hashlib.sha256("".join(map(line, ordered)).encode()).hexdigest()
        lines.append(f"{site}\t{hour * HOUR * 1000}\t{digest}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def line(sent):
    keys = ("power_watts", "energy_kwh", "hashrate_th")
    measured = [str(float(sent[key])) if key in sent else "" for key in keys]
    extra = json.dumps(sent["grid"], sort_keys=True) if "grid" in sent else ""
    interval = round(sent.get("interval_seconds", 60) * 1000)
    return "\t".join([sent.get("meter", "main"), f"{sent['timestamp'] * 1000}", f"{interval}", *measured, extra]) + "\n"


async def sha256(client, entity, start, end):
    status, answer = await client.get(f"analytics/carbon/{entity}", **{"from": moment(start), "to": moment(end)})
    assert status == 200, answer
    return answer["data_sha256"]


def kept(client, sites):
    """How many hours have a hash that holds, and how many have none."""
    numbers = [client.harness.collector._service.site(each).number for each in sites]
    look = client.harness.collector._service.read(lambda store: store.digests(numbers, 0, 1 << 30))
    digests = [digest for _, _, digest in look.result()]
    return len(digests) - digests.count(None), digests.count(None)


async def test_the_hash_is_what_the_readme_says_whether_it_is_kept_or_not(serving):
    sent = [
        reading(600 * each, 1000 + each / 7, site, interval_seconds=600, **more)
        for each in range(1, 30)
        for site, more in (("a", {}), ("b", {"meter": "x", "hashrate_th": 5}), ("b", {"grid": {"price_per_kwh": 0.5}}))
    ]
    sent += [total(900, 7.25, meter="total")]
    periods = [(0, 86_400), (0, 2 * HOUR), (1000, 4 * HOUR + 1), (2 * HOUR + 1, 2 * HOUR + 1300), (90_000, 90_001)]
    async with serving(now=NOW + 5 * HOUR) as client:
        for site in "ba":
            await client.register(site, region="north")
        await client.send(*reversed(sent))
        for hashes in ((0, 10), (8, 2), (8, 2)):
            assert kept(client, "ab") == hashes
            for start, end in periods:
                assert await sha256(client, "north", start, end) == as_the_readme_says(sent, start, end)
            await client.run()
        sent.append(reading(700, 5, "a"))
        await client.send(sent[-1])
        assert kept(client, "ab") == (7, 3)
        assert await sha256(client, "north", 0, 86_400) == as_the_readme_says(sent, 0, 86_400)
        await client.run(advance=5 * HOUR)
        assert kept(client, "ab") == (10, 0)
        for start, end in periods:
            assert await sha256(client, "north", start, end) == as_the_readme_says(sent, start, end)


async def test_a_change_of_what_holds_for_a_site_changes_no_hash(serving):
    async with serving() as client:
        await client.register("a", price_per_kwh=1)
        await client.send(reading(60), reading(HOUR + 60))
        await client.run()
        before = await sha256(client, "a", 0, 86_400)
        await client.patch("sites/a", {"price_per_kwh": 2, "valid_from": moment(0)})
        assert kept(client, "a") == (0, 2)
        assert await sha256(client, "a", 0, 86_400) == before
        await client.run()
        assert kept(client, "a") == (2, 0)
        assert await sha256(client, "a", 0, 86_400) == before


async def test_the_hash_of_what_was_deleted_stays(serving):
    async with serving(retention="2d") as client:
        await client.register("a")
        await client.send(*(reading(600 * each) for each in range(1, 20)))
        await client.run()
        before = await sha256(client, "a", 0, 86_400)
        await client.run(advance=4 * 86_400)
        assert (await client.metrics("a", **{"from": moment(0), "to": moment(HOUR)}, step="1m"))["readings"] == 0
        assert await sha256(client, "a", 0, 86_400) == before


async def test_what_took_too_long_is_tried_again_with_fewer_hours():
    tried = []

    class Slow:
        def seal(self, before, limit):
            tried.append(limit)
            time.sleep(0.02)
            raise StorageError("db", StorageReason.UNREACHABLE, "canceling statement due to statement timeout")

        def close(self):
            pass

    service = SiteService(lambda _: Slow(), Factors(), FakeClock(wall_time=NOW), retention=1e9, auto_register=False)
    for _ in range(4):
        with pytest.raises(StorageError):
            await service.seal(1)
    service.close()
    assert tried == [10, 5, 2, 1]
