"""Sums that the database adds up are those of the readings, whatever happened to them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.testing.harness import FakeClock
from collector_plugins.sites.factors import Factors
from collector_plugins.sites.forecasting import past_points
from collector_plugins.sites.periods import site_totals, total_of
from collector_plugins.sites.rollup import RollUp
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import SiteCreate, SitePatch
from collector_plugins.sites.sqlite_store import SqliteStore
from collector_plugins.sites.store import HOUR, Part
from tests.plugins.sites.conftest import NOW, moment, reading, total
from tests.plugins.sites.stores import stored  # noqa: F401 - a fixture

SITES = ("a", "b")
MINUTE, HOURS = 60, 5


def service_in(folder):
    """A service with an embedded store."""
    return SiteService(
        lambda read_only: SqliteStore(Path(folder, "sites.db"), read_only=read_only),
        Factors(),
        FakeClock(wall_time=NOW + 86_400.0),
        retention=1e9,
        auto_register=False,
    )


readings = st.builds(
    lambda make, minutes, value, **more: make(MINUTE * minutes, value, **more),
    st.sampled_from([reading, total]),
    st.integers(1, HOURS * 60),
    st.integers(0, 5000).map(float),
    site=st.sampled_from(SITES),
    meter=st.sampled_from(["x", "y"]),
    interval_seconds=st.sampled_from([20.0, 60.0, 600.0, 5400.0]),
    hashrate_th=st.sampled_from([None, 10.0]),
    sources=st.sampled_from([None, {"grid": 0.5, "solar": 0.5}]),
    grid=st.sampled_from([None, {"carbon_g_per_kwh": 90.0}, {"price_per_kwh": 2.0, "load_watts": 7.0}]),
).map(lambda sent: {key: value for key, value in sent.items() if value is not None})
patches = st.builds(
    lambda minutes, terms: {**terms, "valid_from": moment(MINUTE * minutes)},
    st.integers(0, HOURS * 60),
    st.sampled_from(
        [{"price_per_kwh": 0.3}, {"pue": 1.5}, {"zone": "NO"}, {"sources": [{"type": "coal", "share": 1}]}]
    ),
)
streams = st.builds(
    lambda first, count, length, site, power: [
        reading(MINUTE * first + length * each, power + each, site, interval_seconds=length, hashrate_th=1.0 + each)
        for each in range(count)
    ],
    st.integers(1, HOURS * 60),
    st.integers(1, 90),
    st.sampled_from([20, 60, 300]),
    st.sampled_from(SITES),
    st.integers(0, 5000).map(float),
)
steps = st.lists(st.one_of(st.lists(readings, min_size=1, max_size=30), streams, patches, st.none()), max_size=6)
minutes = st.integers(0, HOURS * 60)


async def play(service, played):
    """Readings, changes of site a, and (None) turns of the sums."""
    for site in SITES:
        await service.ensure(SiteCreate(id=site, price_per_kwh=0.1, zone="DE"))
    for step in played:
        if step is None:
            await service.roll_up(60.0)
        elif isinstance(step, list):
            await asyncio.wrap_future(service.ingest.submit(step))
        else:
            await asyncio.wrap_future(service.change("a", SitePatch.model_validate(step)))


def from_readings(service, store, site, start, end):
    """The sums without any that are kept, hour by hour."""
    pieces = RollUp(site, service.factors, lambda time: (time - 1) // 3_600_000).pieces(
        store.rows(site.number, start, end)
    )
    return total_of(pieces.values())


def parts_of(piece, *, by_source):
    """Energy and emissions of each source, or of all."""
    parts = {}
    for key, part in piece.parts.items():
        parts.setdefault(key if by_source else "", Part()).add(part)
    return {key: vars(part) for key, part in parts.items()}


def figures_of(piece):
    numbers = {key: value for key, value in vars(piece).items() if key not in ("spans", "parts")}
    for name in ("grid_load", "grid_price"):
        mean = numbers.pop(name)
        numbers |= {f"{name}_total": mean.total, f"{name}_count": mean.count}
    return numbers


def about(numbers):
    return {key: value if value is None else pytest.approx(value) for key, value in numbers.items()}


@given(steps, minutes, minutes, st.booleans())
def test_the_fast_way_gives_what_the_readings_say(played, one, other, by_source):
    start, end = sorted((NOW + MINUTE * each) * 1000 for each in (one, other))
    with TemporaryDirectory() as folder:
        service = service_in(folder)

        async def ask():
            await asyncio.wrap_future(service.load())
            await play(service, played)
            sites = list(service.sites.values())
            return await asyncio.wrap_future(
                service.read(
                    lambda store: (
                        site_totals(service, store, sites, start, end + 1000, by_source=by_source),
                        {site.id: from_readings(service, store, site, start, end + 1000) for site in sites},
                    )
                )
            )

        try:
            fast, slow = asyncio.run(ask())
        finally:
            service.close()
    for site in SITES:
        assert figures_of(fast[site]) == about(figures_of(slow[site]))
        wanted = parts_of(slow[site], by_source=by_source)
        assert parts_of(fast[site], by_source=by_source) == {key: about(part) for key, part in wanted.items()}


async def test_a_moment_that_two_hours_cover_counts_once_in_the_efficiency(serving):
    async with serving() as client:
        await client.register("a")
        await client.send(
            *(reading(each, 3600, hashrate_th=10) for each in range(60, 3 * 3600 + 1, 60)),
            reading(2 * 3600 + 600, 3600, meter="slow", interval_seconds=5400),
        )
        await client.run()
        answers = [
            await client.get("metrics/aggregate", **{"from": moment(0), "to": moment(3 * 3600)}, group_by=group)
            for group in ("region", "source")
        ]
    for _, answer in answers:
        assert answer["total"]["efficiency_j_per_th"] == pytest.approx((3600 * 3 + 5400) / 3 / 10)


async def test_readings_of_many_sites_are_added_up_as_those_of_each(serving):
    sites = [f"site-{each}" for each in range(6)]
    async with serving() as client:
        for site in sites:
            await client.register(site, region=site, zone="NO", price_per_kwh=0.1)
        await client.patch("sites/site-1", {"price_per_kwh": 7, "valid_from": moment(600)})
        for site in sites:
            await client.send(*(reading(60 * each, 60.0 * each, site, hashrate_th=each) for each in range(1, 181)))
        await client.send(total(720, 5, "site-2"), reading(30, 6000, "site-3"))
        others = (
            reading(660, 600, "site-4", meter="second"),
            reading(10_500, 9, "site-5", temperature_celsius=9, meter="x"),
        )
        await client.send(*others)
        for turn in range(2):  # from readings, then from sums with readings at the edges
            period = {"from": moment(330), "to": moment(10_530)}
            status, answer = await client.get("metrics/aggregate", **period)
            assert status == 200, answer
            for group in answer["groups"]:
                alone = await client.metrics(group["region"], **period)
                for name in ("readings", "energy_kwh", "cost", "carbon_grams"):
                    assert group[name] == pytest.approx(alone[name]), (turn, group["region"], name)
                assert group["power_watts_mean"] == pytest.approx(alone["power_watts"]["mean"])
                assert group["network_hashrate_th"] == pytest.approx(alone["hashrate_th"])
            await client.run()


async def test_what_all_sites_together_learn_from_is_the_sum_of_each(serving):
    async with serving(NOW + 6 * 3600) as client:
        for number, site in enumerate("abc"):
            await client.register(site)
            hours = range(1 + number, 5)
            await client.send(*(reading(3600 * each, 100.0 * each, site, interval_seconds=3600) for each in hours))
        await client.run()
        await client.send(reading(3600 * 4 - 60, 50.0, "a", meter="other"), reading(3600 * 6, 10.0, "b", hashrate_th=7))
        service = client.harness.collector._service

        def asked(store):
            sites = list(service.sites.values())
            return {
                kind: (
                    past_points(service, store, sites[:2], kind, HOUR),
                    [past_points(service, store, [site], kind, HOUR) for site in sites[:2]],
                )
                for kind in ("load", "hashrate")
            }

        found = await asyncio.wrap_future(service.read(asked))
    for together, alone in found.values():
        sums = {}
        for points in alone:
            for when, value in points:
                sums[when] = sums.get(when, 0.0) + value
        assert together == [(when, pytest.approx(value)) for when, value in sorted(sums.items())]
    assert len(found["load"][0]) == 5
    assert len(found["hashrate"][0]) == 1
