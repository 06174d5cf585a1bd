"""All that the agent knows in one sum: this machine, other hosts, batteries, plugs; its carbon, cost and runtime."""

from __future__ import annotations

import asyncio
import platform
from dataclasses import replace

import pytest

from collector_core import Gauge, Published, Readings, Unit
from collector_core.metering import Origin
from collector_core.testing import serve_routes
from collector_plugins.energy import metrics

HOST = platform.node()
KWH = 3.6e6


def watts(harness):
    return {key: pytest.approx(value) for key, value in harness.series(metrics.SITE_POWER).items()}


def joules(harness):
    return sum(harness.series(metrics.SITE_ENERGY).values())


def test_the_site_holds_this_machine_what_feeds_it_and_what_it_does_not_feed(run, source):
    cpu, desk = source("cpu", "package-0", "rapl"), source("plug", "desk", "meter", feeds=("this",))
    harness = run({cpu: 60, desk: 100, source("plug", "lamp", "meter"): 20})
    assert watts(harness) == {
        ("cpu", "package-0", HOST): 60,
        ("host", "rest", HOST): 40,
        ("plug", "lamp", ""): 20,
    }
    assert joules(harness) == pytest.approx(600)
    text = harness.exposition()
    assert 'energy_site_power_watts{component="plug",device="lamp",host=""} 20.0' in text
    assert 'energy_site_joules_total{component="plug",device="lamp",host=""} 100.0' in text


def test_a_battery_that_feeds_two_hosts_counts_beyond_what_is_known_of_them(run, source):
    cpu, garage = source("cpu", "package-0", "rapl"), source("battery", "garage", "meter", feeds=("this", "nas"))
    nas = source("gpu", "GPU-1", "nvml_counter", host="nas")
    harness = run({cpu: 60, garage: 100, nas: 30})
    assert watts(harness) == {
        ("cpu", "package-0", HOST): 60,
        ("gpu", "GPU-1", "nas"): 30,
        ("battery", "garage", ""): 10,
    }
    assert joules(harness) == pytest.approx(500)


def test_a_host_that_is_named_twice_is_fed_once(run, source):
    garage = source("battery", "garage", "meter", feeds=("nas", "nas"))
    harness = run({garage: 100})
    assert harness.series(metrics.FLOW)["battery/garage", "host/nas"] == pytest.approx(100)
    assert watts(harness) == {("battery", "garage", "nas"): 100}


def test_a_published_power_that_comes_back_takes_nothing_off_what_was_counted_behind_it(ledger, source):
    told = []
    plug = source("plug", "desk", "meter")
    harness = ledger(plug, published=lambda: told)
    start = harness.clock.monotonic()
    for second in (0, 5, 10, 15):
        out = Readings((GRID, DESK), max_series=10)
        out.add(DESK, 60.0, plug="desk")
        if second >= 10:
            out.add(GRID, 100.0)
        told = [Published("home", {}, out.snapshot())]
        plug.says(60.0 * second, start + second)
        harness.run(advance=5.0 if second else 0.0)
    assert joules(harness) == pytest.approx(60 * 10 + 100 * 5)


def test_what_another_host_draws_is_not_this_machines(run, source):
    harness = run({source("gpu", "GPU-1", "nvml_counter", host="nas"): 30})
    assert harness.series(metrics.POWER) == {}
    assert harness.series(metrics.FLOW)["host/nas", "component/nas/gpu"] == pytest.approx(30)
    assert watts(harness) == {("gpu", "GPU-1", "nas"): 30}


def test_the_first_reading_of_a_meter_counts_nothing(ledger, source):
    plug = source("plug", "lamp", "meter")
    harness = ledger(plug)
    plug.says(1e9, harness.clock.monotonic())
    harness.run()
    assert harness.series(metrics.SITE_ENERGY) == {("plug", "lamp", ""): 0}


def test_a_meter_that_comes_back_counts_once(ledger, source):
    plug = source("plug", "lamp", "meter")
    harness = ledger(plug)
    start = harness.clock.monotonic()
    for second in range(0, 200, 5):
        if not 50 < second < 120:
            plug.says(20.0 * second, start + second)
        harness.run(advance=5.0 if second else 0.0)
    assert joules(harness) == pytest.approx(20.0 * 195)


@pytest.mark.parametrize("order", [1, -1])
def test_a_gpu_that_two_collectors_see_counts_once(run, source, order):
    """Under two names of its host, directly and through another collector."""
    own = source("gpu", "GPU-1", "nvml_counter", host="gpu-a")
    theirs = source("gpu", "GPU-1", "meter", host="rack-a", origin=Origin("them"))
    harness = run(dict(list({own: 30, theirs: 30}.items())[::order]))
    assert watts(harness) == {("gpu", "GPU-1", "gpu-a"): 30}


def test_the_same_component_of_two_hosts_counts_twice(run, source):
    one, other = (source("cpu", "package-0", "meter", host=host, origin=Origin(host)) for host in ("a", "b"))
    assert joules(run({one: 30, other: 40})) == pytest.approx(350)


def test_another_copy_steps_in_and_no_joule_counts_twice(ledger, source):
    own = source("gpu", "GPU-1", "nvml_counter", host="gpu-a")
    theirs = source("gpu", "GPU-1", "meter", host="gpu-a", origin=Origin("them"))
    harness = ledger(own, theirs)
    start = harness.clock.monotonic()
    for second in range(0, 205, 5):
        theirs.says(1000.0 + 30.0 * second, start + second)
        if not 50 < second < 150:
            own.says(30.0 * second, start + second)
        harness.run(advance=5.0 if second else 0.0)
    assert 0.8 * 6000 < joules(harness) <= 6000


def test_what_comes_back_from_another_collector_is_not_taken(ledger, source):
    back = source("plug", "lamp", "meter")
    harness = ledger(back)
    back.meter = replace(back.meter, origin=Origin(harness.collector._site.data()["agent"]))
    for second in (0.0, 5.0):
        back.says(20 * second, harness.clock.monotonic() + second)
        harness.run(advance=second)
    assert harness.series(metrics.SITE_ENERGY) == {}


def test_emissions_are_those_of_the_mix_and_the_cost_that_of_all(run, source):
    cpu = source("cpu", "package-0", "rapl")
    harness = run({cpu: 720_000}, carbon_intensity=300, price_per_kwh=0.5, pue=2)
    assert "energy_mix_grams_per_kwh 300.0" in harness.exposition()
    assert "energy_site_emissions_grams_total 600.0" in harness.exposition()
    assert harness.value(metrics.SITE_COST, currency="EUR") == pytest.approx(1.0)


def test_without_a_factor_or_a_price_there_is_neither(run, source):
    harness = run({source("cpu", "package-0", "rapl"): 60})
    for metric in (metrics.MIX, metrics.SITE_EMISSIONS, metrics.SITE_COST, metrics.RUNTIME):
        assert harness.series(metric) == {}


def test_the_energy_of_another_collector_emits_what_is_known_there(run, source):
    theirs = source("cpu", "package-0", "meter", host="nas", origin=Origin("them", grams_per_kwh=50.0))
    harness = run({theirs: 720_000}, carbon_intensity=300)
    assert harness.value(metrics.SITE_EMISSIONS) == pytest.approx(50)


def battery(topic, unit, name):
    return Gauge(f"garage_{name}", "About a battery.", unit, ("device",), topic=topic, of="battery", title=name)


GRID = Gauge("meter_import_watts", "From the grid.", Unit.WATTS, topic="import_power", of="grid", title="Grid")
DESK = Gauge("home_plug_watts", "Of a plug.", Unit.WATTS, ("plug",), topic="power", of="plug", title="Plug")
BATTERY = {
    "capacity": battery("capacity", Unit.JOULES, "capacity_joules"),
    "charge": battery("charge", Unit.RATIO, "charge_ratio"),
    "out": battery("discharge_power", Unit.WATTS, "discharge_power_watts"),
    "into": battery("charge_power", Unit.WATTS, "charge_power_watts"),
}


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({"capacity": KWH, "charge": 0.5, "out": 100}, 18_000),
        ({"capacity": KWH, "charge": 0.5, "out": 120, "into": 20}, 18_000),
        ({"capacity": KWH, "charge": 0.5, "out": 0}, None),
        ({"capacity": KWH, "charge": 0.5, "out": 20, "into": 50}, None),
        ({"charge": 0.5, "out": 100}, None),
        ({"capacity": KWH, "out": 100}, None),
    ],
)
def test_a_battery_lasts_as_long_as_its_charge_at_this_draw(run, source, values, seconds):
    out = Readings(tuple(BATTERY.values()), max_series=10)
    for word, value in values.items():
        out.add(BATTERY[word], value, device="garage")
    harness = run({source("cpu", "package-0", "rapl"): 60}, published=lambda: [Published("garage", {}, out.snapshot())])
    expected = {} if seconds is None else {("garage",): pytest.approx(seconds)}
    assert harness.series(metrics.RUNTIME) == expected
    assert ('energy_battery_runtime_seconds{device="garage"}' in harness.exposition()) is (seconds is not None)


async def test_the_route_tells_the_sum_and_its_parts(run, source):
    sources = {source("cpu", "package-0", "rapl"): 60, source("plug", "lamp", "meter"): 20}
    harness = await asyncio.to_thread(run, sources, price_per_kwh=0.5)
    routes = harness.collector.collector_routes()
    async with serve_routes(routes) as session, session.get("/api/v1/energy/site") as response:
        data = await response.json()
    assert data["total_watts"] == pytest.approx(80)
    assert data["total_joules"] == data["joules_today"] == pytest.approx(400)
    assert data["cost"] == pytest.approx(400 / KWH * 0.5)
    assert data["mix_grams_per_kwh"] is data["emissions_grams"] is None
    assert [(part["component"], part["kind"], part["watts"]) for part in data["parts"]] == [
        ("cpu", "component", 60.0),
        ("plug", "plug", 20.0),
    ]
