"""Energy, cost, emissions and gaps of what was sent, whenever it arrives."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.sites import service, site_metrics
from collector_plugins.sites.periods import gaps
from collector_plugins.sites.rollup import measure
from collector_plugins.sites.site import SiteCreate
from collector_plugins.sites.store import MeterRows, Row
from tests.plugins.sites.conftest import moment, reading, total
from tests.plugins.sites.stores import stored  # noqa: F401 - a fixture

HOUR = 3600


async def test_power_times_interval_is_energy_cost_and_emissions(serving):
    async with serving() as client:
        sources = [{"type": "grid", "share": 0.5, "factor_g_per_kwh": 400}, {"type": "solar", "share": 0.5}]
        await client.register("a", pue=1.5, price_per_kwh=0.2, sources=sources)
        await client.send(*(reading(60 * each, 6000, hashrate_th=100) for each in range(1, 61)))
        answer = await client.metrics("a", **{"from": moment(0), "to": moment(HOUR), "step": "30m"})
    assert answer["energy_kwh"] == pytest.approx(6)
    assert answer["cost"] == pytest.approx(6 * 1.5 * 0.2)
    assert answer["carbon_grams"] == pytest.approx(6 * 1.5 * (0.5 * 400 + 0.5 * 48))
    assert answer["power_watts"] == {"now": None, "mean": 6000, "peak": 6000}
    assert answer["hashrate_th"] == pytest.approx(100)
    assert answer["efficiency_j_per_th"] == pytest.approx(60)
    assert answer["load_factor"] == 1
    assert answer["gaps"] == []
    assert answer["readings"] == 60
    assert answer["series"]["energy_kwh"] == [
        {"t": moment(0), "value": pytest.approx(3)},
        {"t": moment(1800), "value": pytest.approx(3)},
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_totals_are_differences_in_the_order_of_time(serving, seed):
    sent = [total(60, 100), total(120, 101), total(180, 104), total(240, 2), total(300, 3), total(7200, 10)]
    random.Random(seed).shuffle(sent)
    async with serving() as client:
        await client.register("a")
        for each in sent:
            await client.send(each)
            await client.run()
        answer = await client.metrics("a", **{"from": moment(0), "to": moment(10_800), "step": "1h"})
        assert answer["energy_kwh"] == pytest.approx(1 + 3 + 2 + 1 + 7)
        assert [each["value"] for each in answer["series"]["energy_kwh"]] == pytest.approx([7, 7])
        await client.run()
        text = client.harness.exposition()
        assert 'mining_energy_consumption_kwh{region="",site="a"} 14.0' in text


async def test_power_between_two_totals_is_not_counted_again(serving):
    async with serving() as client:
        await client.register("a")
        await client.send(reading(60, 60_000), total(120, 100), reading(180, 60_000), reading(240, 60_000))
        assert (await client.metrics("a"))["energy_kwh"] == pytest.approx(3)
        await client.run()
        await client.send(total(300, 101.5))
        assert (await client.metrics("a"))["energy_kwh"] == pytest.approx(1 + 1.5)


async def test_meters_of_a_site_add_up(serving):
    async with serving() as client:
        await client.register("a")
        both = [reading(60 * each, 1000, meter=meter) for each in range(1, 61) for meter in ("x", "y")]
        await client.send(*both)
        answer = await client.metrics("a")
    assert answer["energy_kwh"] == pytest.approx(2)
    assert answer["power_watts"]["mean"] == pytest.approx(2000)
    assert answer["power_watts"]["peak"] == 2000


async def test_adjoining_periods_add_up_to_the_whole(serving):
    async with serving() as client:
        await client.register("a")
        await client.send(*(reading(each, 1000 + each, interval_seconds=50) for each in range(50, 9000, 50)))
        for cut in (3600, 4000, 5025, 7200):
            for _ in range(2):
                one = await client.metrics("a", **{"from": moment(0), "to": moment(cut)})
                two = await client.metrics("a", **{"from": moment(cut), "to": moment(9000)})
                both = await client.metrics("a", **{"from": moment(0), "to": moment(9000)})
                assert one["readings"] + two["readings"] == both["readings"] == 179
                assert one["energy_kwh"] + two["energy_kwh"] == pytest.approx(both["energy_kwh"])
                await client.run()


async def test_gaps_are_what_no_interval_covers(serving):
    async with serving() as client:
        await client.register("a")
        await client.send(
            reading(60), reading(120), reading(300, interval_seconds=90), reading(7200, interval_seconds=600)
        )
        answer = await client.metrics("a", **{"from": moment(0), "to": moment(6900), "step": "1h"})
        assert answer["gaps"] == [
            {"from": moment(120), "to": moment(210), "seconds": 90},
            {"from": moment(300), "to": moment(6600), "seconds": 6300},
        ]
        assert [each["t"] for each in answer["series"]["power_watts"]] == [moment(0)]


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), max_size=10))
def test_gaps_and_spans_are_the_whole_period(spans):
    covered = {second for start, length in spans for second in range(start, start + length)}
    found = gaps([(start, start + length) for start, length in spans], 10, 90)
    assert {second for start, end in found for second in range(start, end)} == set(range(10, 90)) - covered


async def test_what_a_reading_brings_wins_and_terms_hold_at_the_beginning_of_an_interval(serving):
    async with serving() as client:
        await client.register("a", price_per_kwh=0.1, zone="DE")
        await client.send(*(reading(HOUR * each, 1000, interval_seconds=HOUR) for each in range(1, 5)))
        await client.send(
            reading(HOUR * 5, 1000, interval_seconds=HOUR, sources={"coal": 1.0}, grid={"price_per_kwh": 1}),
            reading(HOUR * 6, 1000, interval_seconds=HOUR, grid={"carbon_g_per_kwh": 100}),
        )
        await client.run()
        status, _ = await client.patch("sites/a", {"price_per_kwh": 0.5, "valid_from": moment(2 * HOUR)})
        assert status == 200
        first = await client.metrics("a", **{"from": moment(0), "to": moment(2 * HOUR)})
        second = await client.metrics("a", **{"from": moment(2 * HOUR), "to": moment(4 * HOUR)})
        third = await client.metrics("a", **{"from": moment(4 * HOUR), "to": moment(6 * HOUR)})
    assert first["cost"] == pytest.approx(0.2)
    assert second["cost"] == pytest.approx(1.0)
    assert third["cost"] == pytest.approx(1.0 + 0.5)
    assert third["carbon_grams"] == pytest.approx(820 + 100)


async def test_series_of_the_last_reading_disappear_and_counters_go_on_after_a_restart(serving):
    async with serving(now=1_767_225_600 + 3600) as client:
        await client.register("a", region="north", capacity_watts=5000, grid_connection_watts=9000, price_per_kwh=1)
        await client.register("b")
        await client.send(*(reading(60 * each, 60_000, hashrate_th=100) for each in range(1, 61)))
        await client.run()
        text = client.harness.exposition()
        for line in (
            'mining_energy_consumption_kwh{region="north",site="a"} 60.0',
            'sites_energy_joules_total{region="north",site="a"} 2.16e+08',
            'mining_hashrate_th{site="a"} 100.0',
            "mining_network_hashrate_th 100.0",
            'sites_power_watts{site="a"} 60000.0',
            'sites_efficiency_joules_per_terahash{site="a"} 600.0',
            'sites_last_reading_age_seconds{site="a"} 0.0',
            'sites_ingested_readings_total{result="accepted"} 60.0',
            'sites_cost_total{currency="EUR"} 60.0',
            'sites_capacity_watts{site="a"} 5000.0',
            'sites_grid_connection_watts{site="a"} 9000.0',
        ):
            assert line in text
        await client.run(advance=601)
        assert "sites_power_watts{" not in client.harness.exposition()
        assert "mining_hashrate_th{" not in client.harness.exposition()
    async with serving(now=1_767_225_600 + 3600) as client:
        await client.send(reading(3660, 60_000))
        await client.run()
        assert client.harness.series(client.harness.collector.metrics[0])[("a", "north")] == pytest.approx(61)


async def test_emissions_are_published_by_source(serving):
    async with serving() as client:
        await client.register("a", sources=[{"type": "hydro", "share": 1, "factor_g_per_kwh": 24}])
        await client.send(reading(60, 60_000))
        await client.run()
        assert 'carbon_emission_grams{site="a",source="hydro"} 24.0' in client.harness.exposition()


async def test_groups_without_readings_are_shown_and_energy_is_split_by_share(serving):
    async with serving() as client:
        await client.register(
            "a",
            region="north",
            operator="x",
            sources=[{"type": "solar", "share": 0.25}, {"type": "grid", "share": 0.75}],
        )
        await client.register("b", region="south", operator="x")
        await client.send(*(reading(60 * each, 1000, hashrate_th=5) for each in range(1, 61)))
        for _ in range(2):
            _, regions = await client.get("metrics/aggregate", **{"from": moment(0), "to": moment(HOUR)})
            _, sources = await client.get("metrics/aggregate", group_by="source")
            _, operators = await client.get("metrics/aggregate", group_by="operator")
            assert [(each["region"], each["sites"], each["sites_reporting"]) for each in regions["groups"]] == [
                ("north", 1, 1),
                ("south", 1, 0),
            ]
            assert regions["total"]["energy_kwh"] == pytest.approx(1)
            assert regions["total"]["network_hashrate_th"] == pytest.approx(5)
            assert {each["source"]: each["energy_kwh"] for each in sources["groups"]} == pytest.approx(
                {"grid": 0.75, "solar": 0.25}
            )
            assert [(each["operator"], each["sites"]) for each in operators["groups"]] == [("x", 2)]
            await client.run()


@pytest.mark.parametrize("is_rolled_up", [False, True])
async def test_groups_have_series_where_a_step_is_given(serving, is_rolled_up):
    async with serving() as client:
        half = [{"type": "solar", "share": 0.5}, {"type": "grid", "share": 0.5}]
        for site, region in (("a", "north"), ("b", "north"), ("c", "south")):
            await client.register(site, region=region, sources=half)
        for site, power in (("a", 1000), ("b", 3000)):
            await client.send(*(reading(60 * each, power, site=site, hashrate_th=5) for each in range(1, 60)))
        if is_rolled_up:
            await client.run()
        await client.send(reading(HOUR, 1000, hashrate_th=5))
        await client.send(reading(HOUR, 3000, site="b", hashrate_th=5), reading(3 * HOUR, 6000, site="b"))
        period = {"from": moment(0), "to": moment(4 * HOUR), "step": "1h"}
        _, regions = await client.get("metrics/aggregate", **period)
        north, south = regions["groups"]
        assert (regions["from"], regions["to"]) == (moment(0), moment(4 * HOUR))
        assert north["series"] == {
            "power_watts": [{"t": moment(0), "value": 4000}, {"t": moment(2 * HOUR), "value": 6000}],
            "energy_kwh": [
                {"t": moment(0), "value": pytest.approx(4)},
                {"t": moment(2 * HOUR), "value": pytest.approx(0.1)},
            ],
            "hashrate_th": [{"t": moment(0), "value": 10}],
        }
        assert south["series"] == {"power_watts": [], "energy_kwh": [], "hashrate_th": []}
        assert regions["total"]["series"] == north["series"]
        _, longer = await client.get("metrics/aggregate", **period | {"step": "2h"})
        assert longer["groups"][0]["series"] == north["series"]
        _, sources = await client.get("metrics/aggregate", **period, group_by="source")
        assert {each["source"]: each["series"]["power_watts"][0]["value"] for each in sources["groups"]} == {
            "grid": 2000,
            "solar": 2000,
        }
        _, unstepped = await client.get("metrics/aggregate", **{"from": moment(0), "to": moment(HOUR)})
        assert "series" not in unstepped["total"]


@pytest.mark.parametrize("step", ["30m", "1h"])
async def test_a_site_that_is_registered_while_groups_are_summed_up_waits_for_the_next_question(
    serving, monkeypatch, step
):
    async with serving() as client:
        await client.register("a", region="north")
        await client.send(reading(60), reading(2400))
        summed = site_metrics.site_totals

        def slowly_summed(service, *question, **options):
            found = summed(service, *question, **options)
            if "b" not in service.sites:
                service.register(SiteCreate(id="b", region="south")).result()
            return found

        monkeypatch.setattr(site_metrics, "site_totals", slowly_summed)
        status, told = await client.get("metrics/aggregate", **{"from": moment(0), "to": moment(HOUR), "step": step})
        assert (status, [each["region"] for each in told["groups"]]) == (200, ["north"])


def test_a_total_that_fell_began_at_zero():
    rows = [Row(1000, 1000, None, value, None, None) for value in (5.0, 2.0)]
    measured = list(measure(MeterRows("m", (0, 4.0), 1000, [rows[0], rows[1]._replace(time=2000)])))
    assert [each.kwh for each in measured] == [1.0, 2.0]


async def test_old_readings_are_deleted_bit_by_bit_and_their_sums_stay(serving, monkeypatch):
    monkeypatch.setattr(service, "MOST_DELETED_AT_ONCE", 2)
    async with serving(retention="2d") as client:
        await client.register("a", price_per_kwh=1)
        await client.send(*(reading(60 * each, 60_000.0, id=f"id {each}") for each in range(1, 6)))
        await client.run()
        period = {"from": moment(0), "to": moment(HOUR)}
        assert (await client.metrics("a", **period, step="1m"))["readings"] == 5
        await client.run(advance=4 * 86_400)
        await client.patch("sites/a", {"price_per_kwh": 2, "valid_from": moment(0)})
        await client.run()
        assert (await client.metrics("a", **period, step="1m"))["readings"] == 0
        kept = await client.metrics("a", **period)
        assert (kept["readings"], kept["cost"]) == (5, pytest.approx(5))
        later = reading(4 * 86_400, id="id 1")
        assert (await client.send(later))["accepted"] == 1
