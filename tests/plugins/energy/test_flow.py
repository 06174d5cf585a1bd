"""Where the watts go, of a machine with a plug and of the whole demo rack."""

from __future__ import annotations

import asyncio
import platform
from collections import defaultdict

import pytest

from collector_core.testing import FakeClock, serve_routes
from collector_plugins.energy import Energy, metrics
from collector_plugins.qemu.demo import DemoQemu
from collector_plugins.rapl.demo import DemoRapl
from collector_plugins.solix.demo import DemoSolix
from collector_plugins.workloads.demo import DemoWorkloads

HOST = f"host/{platform.node()}"
CPU = f"component/{platform.node()}/cpu"


def flow_of(harness):
    return harness.series(metrics.FLOW)


def test_a_plug_feeds_the_machine_whose_parts_leave_something_over(run, source):
    cpu, plug = source("cpu", "package-0", "rapl"), source("plug", "desk", "meter", feeds=("this",))
    harness = run({cpu: 60, plug: 100})
    assert f'energy_flow_power_watts{{from="plug/desk",to="{HOST}"}} 100.0' in harness.exposition()
    flow = flow_of(harness)
    assert flow["plug/desk", HOST] == pytest.approx(100)
    assert flow[HOST, CPU] == pytest.approx(60)
    assert flow[HOST, f"unknown/{HOST}"] == pytest.approx(40)


def test_a_battery_feeds_this_machine_and_another_one(run, source):
    cpu, garage = source("cpu", "package-0", "rapl"), source("battery", "garage", "meter", feeds=("this", "nas"))
    flow = flow_of(run({cpu: 60, garage: 100}))
    assert flow["battery/garage", HOST] == pytest.approx(60)
    assert flow["battery/garage", "host/nas"] == pytest.approx(40)


def test_a_ups_that_feeds_a_plug_comes_before_it(run, source):
    cpu, plug = source("cpu", "package-0", "rapl"), source("plug", "desk", "meter", feeds=("this",))
    ups = source("ups", "rack", "meter", feeds=("plug/desk",))
    flow = flow_of(run({cpu: 60, plug: 100, ups: 130}))
    assert flow["ups/rack", "plug/desk"] == pytest.approx(100)
    assert flow["ups/rack", "unknown/ups/rack"] == pytest.approx(30)


def test_devices_of_one_name_are_two_nodes(run, source):
    flow = flow_of(run({source("plug", "desk", "meter"): 10, source("circuit", "desk", "meter"): 20}))
    assert flow == {("plug/desk", "unknown/plug/desk"): 10, ("circuit/desk", "unknown/circuit/desk"): 20}


def test_nothing_measured_is_an_empty_graph(collector_harness, ledger, source):
    harness = ledger(source("cpu", "package-0", "rapl"))
    harness.run()
    assert flow_of(harness) == {}


def demo(make):
    """The ledger beside the simulated collectors that know of power, three runs long."""
    clock = FakeClock()
    others = [make(cls, clock=clock) for cls in (DemoRapl, DemoQemu, DemoSolix, DemoWorkloads)]
    meters = [each.collector for each in others if hasattr(each.collector, "collector_energy_meters")]
    energy = make(
        Energy,
        clock=clock,
        energy_meters=lambda: [meter for each in meters for meter in each.collector_energy_meters()],
        published=lambda: [published for each in others for published in each.published()],
    )
    for _ in range(4):
        for each in (*others, energy):
            each.run()
        clock.advance(10.0)
    return energy


def test_the_demo_shows_sun_grid_batteries_hosts_components_and_guests_and_conserves(collector_harness):
    harness = demo(collector_harness)
    into, out_of = defaultdict(float), defaultdict(float)
    for (source, target), watts in flow_of(harness).items():
        out_of[source] += watts
        into[target] += watts
    kinds = {node.partition("/")[0] for node in {*into, *out_of}}
    assert {"battery", "site", "host", "component", "guest", "container", "service"} <= kinds
    for node in into.keys() & out_of.keys():
        if not node.startswith("battery/"):
            assert into[node] == pytest.approx(out_of[node], rel=0.01, abs=0.2), node


def test_the_demos_site_is_what_the_sources_of_its_graph_give(collector_harness):
    harness = demo(collector_harness)
    flow = flow_of(harness)
    fed = {target for _, target in flow}
    given = sum(watts for (source, _), watts in flow.items() if source not in fed or source.startswith("battery/"))
    kept = sum(watts for (_, target), watts in flow.items() if target.startswith(("battery/", "grid/")))
    assert sum(harness.series(metrics.SITE_POWER).values()) == pytest.approx(given - kept, abs=0.01)


async def test_the_route_has_the_edges_of_the_metric(collector_harness):
    harness = await asyncio.to_thread(demo, collector_harness)
    routes = harness.collector.collector_routes()
    async with serve_routes(routes) as session, session.get("/api/v1/energy/flow") as response:
        data = await response.json()
    edges = {(edge["from"], edge["to"]): edge["watts"] for edge in data["edges"]}
    assert edges == flow_of(harness)
    nodes = {node["id"]: node for node in data["nodes"]}
    assert nodes.keys() == {node for edge in edges for node in edge}
    assert all(node["id"].startswith(f"{node['kind']}/") and node["label"] for node in nodes.values())
