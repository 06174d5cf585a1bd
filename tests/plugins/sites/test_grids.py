"""The grid's factor of each hour, as another collector publishes it."""

from __future__ import annotations

import asyncio
from contextlib import closing
from types import MappingProxyType

import pytest

from collector_core import Collector, Gauge
from collector_core.metering import by_country
from collector_core.storage import Database, Schema
from collector_core.testing.harness import Harness
from collector_plugins.sites import FILE
from collector_plugins.sites.factors import Factors
from collector_plugins.sites.site import Terms
from collector_plugins.sites.sqlite_store import SCHEMA, SqliteStore
from tests.plugins.sites.conftest import NOW, moment, reading
from tests.plugins.sites.stores import stored  # noqa: F401 - a fixture

HOUR = 3600
CARBON = Gauge(
    "dam_carbon_grams_per_kwh", "Carbon.", labels=("zone", "provider"), topic="carbon_intensity", of="grid", title="C"
)


class Dam(Collector):
    """Tells the carbon intensity of zones."""

    name = "dam"
    metrics = (CARBON,)
    told = MappingProxyType({})
    provider = "meter_of_dam"

    def collect(self, out):
        for zone, grams in self.told.items():
            out.add(CARBON, grams, zone=zone, provider=self.provider)


@pytest.fixture
def dam(monkeypatch):
    """Says what is published of zones: `await dam(DE=300)`."""
    harness = Harness(Dam)

    async def tell(**zones):
        monkeypatch.setattr(Dam, "told", zones)
        await asyncio.to_thread(harness.run)

    tell.published = harness.published
    yield tell
    harness.close()


async def rows(client, site="a"):
    status, answer = await client.get(
        f"analytics/carbon/{site}", **{"from": moment(0), "to": moment(3 * HOUR), "step": "1h"}
    )
    assert status == 200, answer
    return [(each["t"], each["origin"], each["factor_g_per_kwh"]) for each in answer["series"]], answer


async def test_the_hour_of_the_zone_is_between_what_is_configured_and_the_country(serving, dam):
    async with serving(now=NOW + 60, published=dam.published) as client:
        await client.register("a", zone="DE", pue=2)
        await client.register("b", zone="DE", sources=[{"type": "grid", "share": 1, "factor_g_per_kwh": 7}])
        await dam(DE=300, FR=20)
        await client.run()
        await dam(DE=500)
        await client.run(advance=120)  # the mean of an hour in which it has changed
        await client.run(advance=HOUR)
        await dam()
        await client.run(advance=2 * HOUR)
        hours = [HOUR * each for each in (1, 2, 3)]
        await client.send(*(reading(each, 1000, site=site, interval_seconds=HOUR) for each in hours for site in "ab"))
        for _ in range(2):  # of readings, then of sums
            (first, second, third), answer = await rows(client)
            assert first == (moment(0), "meter_of_dam_DE", pytest.approx(400))
            assert second == (moment(HOUR), "meter_of_dam_DE", pytest.approx(500))
            assert third[1].startswith("our_world_in_data")
            grams = 2 * (400 + 500 + third[2])
            assert answer["location_based_grams"] == pytest.approx(grams)
            assert {origin for _, origin, _ in (await rows(client, "b"))[0]} == {"configured"}
            await client.run(advance=5)
        total = f'carbon_emission_grams{{site="a",source="grid"}} {grams:.3f}'
        assert total[:-4] in client.harness.exposition()


async def test_what_becomes_known_within_the_hour_holds_for_what_was_added_up_before(serving, dam):
    async with serving(now=NOW + 120, published=dam.published) as client:
        await client.register("a", zone="X")
        await client.send(reading(60, 60_000))
        await client.run()
        assert (await rows(client))[1]["location_based_grams"] is None
        await dam(X=250)
        await client.run(advance=60)
        await client.run(advance=5)
        assert (await rows(client))[1]["location_based_grams"] == pytest.approx(250)


async def test_zones_that_no_site_is_in_and_means_of_a_year_are_not_kept(serving, dam, monkeypatch):
    yearly = by_country("DE")
    async with serving(now=NOW + 120, published=dam.published) as client:
        await client.register("a", zone="DE")
        await dam(FR=20)
        await client.run()
        monkeypatch.setattr(Dam, "provider", yearly.source)
        await dam(DE=5)
        await client.run(advance=60)
        await client.send(reading(60, 60_000))
        factor = (await rows(client))[0][0][1:]
        assert factor == (f"{yearly.source}_DE", pytest.approx(yearly.grams_per_kwh))


def test_a_factor_is_as_uncertain_before_anything_was_added_up():
    yearly = f"{by_country('DE').source}_DE"
    fresh, used = Factors(), Factors("DE")
    assert [part.origin for part in used.mix(Terms(), None, None)] == [yearly]
    assert fresh.uncertainty("grid", yearly) == used.uncertainty("grid", yearly)
    assert fresh.uncertainty("grid", yearly) > fresh.uncertainty("grid", "meter_of_dam_DE")


def test_a_file_of_an_earlier_version_is_taken_over(tmp_path):
    path = tmp_path / FILE
    with closing(Database(path, Schema(SCHEMA.migrations[:1]))) as earlier, earlier.transaction() as connection:
        connection.execute("INSERT INTO site (id) VALUES ('a')")
    store = SqliteStore(path)
    store.open()
    assert [site.id for site in store.sites()] == ["a"]
    assert store.grid_hours(["DE"], 0, 10) == []
    store.close()
