"""The processes that draw the most, watched while somebody asks."""

from __future__ import annotations

import asyncio

import pytest

from collector_core import ApiError
from collector_core.testing import serve_routes
from collector_plugins.workloads.top import PATH, TopQuery
from tests.plugins.workloads.test_processes import Process

IDLE = {"cpu": 20.0, "dram": 5.0}


def test_the_busiest_processes_come_first_with_their_watts_and_workloads(site, host):
    host.make("/system.slice/web.service")
    web = Process(host, 100, "nginx", "/system.slice/web.service", resident=1 << 20)
    cron = Process(host, 101, "cron")
    Process(host, 102, "idle")
    started = site(idle_watts=IDLE)
    host.spend("/system.slice/web.service", 8)
    started.run()

    async def work(seconds):
        web.spend(2 * seconds)
        cron.spend(0.5 * seconds)
        Process(host, 103, "born").spend(0.25 * seconds)

    top = started.workloads.collector._top.answer(TopQuery(limit=3, seconds=4), work)
    found = asyncio.run(top)["processes"]
    assert [(each["pid"], each["cpu_cores"]) for each in found] == [(100, 2.0), (101, 0.5), (103, 0.25)]
    assert found[0]["workload"] == {"kind": "unit", "name": "web.service"}
    assert found[0]["power_watts"] == pytest.approx(2 * 800 / 8)
    assert found[0]["resident_memory_bytes"] == 1 << 20
    assert found[1]["workload"] == {"kind": "other", "name": "other"}


def test_what_a_child_used_before_it_ended_is_not_its_parents_work_of_now(site, host):
    make, child = Process(host, 100, "make"), Process(host, 101, "cc", parent=100)
    child.spend(60)
    started = site(idle_watts=IDLE)

    async def work(seconds):
        child.end()
        make.spend(1, reaped=62)

    found = asyncio.run(started.workloads.collector._top.answer(TopQuery(seconds=4), work))["processes"]
    assert [(each["pid"], each["cpu_cores"]) for each in found] == [(100, (1 + 2) / 4)]


def test_the_route_answers(site, host):
    Process(host, 100, "nginx")
    started = site(idle_watts=IDLE)

    async def ask():
        async with serve_routes(started.workloads.collector.collector_routes()) as client:
            return await (await client.get(PATH, params={"seconds": "0.1"})).json()

    assert asyncio.run(ask()) == {"seconds": 0.1, "processes": []}


@pytest.mark.parametrize("asked", [{"limit": "0"}, {"seconds": "60"}, {"x": "1"}])
def test_other_queries_are_refused(asked):
    with pytest.raises(ApiError):
        TopQuery.parse(asked)
