"""Series that end, names that come again, restarts, and files that cannot be used."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from collector_core import NotAvailable
from collector_plugins.workloads import Workloads, metrics, state_file
from tests.plugins.workloads.conftest import Host, Site
from tests.plugins.workloads.test_processes import Process

IDLE = {"cpu": 20.0, "dram": 5.0}


def test_a_series_outlives_its_workload_for_a_while(site, host):
    host.make("/a.service")
    host.make("/b.service")
    started = site(idle_watts=IDLE, keep="30s")
    host.spend("/a.service", 5)
    started.run()
    host.remove("/a.service")
    host.spend("/b.service", 5)
    started.run(20)
    assert started.named("a.service") == pytest.approx(800)
    started.run(20)
    assert "a.service" not in {key[1] for key in started.joules()}
    assert started.of(metrics.ENDED) == pytest.approx(800)
    assert {key[1] for key in started.workloads.series(metrics.INFO)} == {"b.service"}


def test_a_unit_that_is_restarted_counts_on(site, host):
    host.make("/a.service", usage=100)
    started = site(idle_watts=IDLE)
    host.spend("/a.service", 5)
    started.run()
    host.remove("/a.service")
    host.make("/a.service")
    host.spend("/a.service", 5)
    started.run()
    assert started.named("a.service") == pytest.approx(1600)


def test_containers_of_a_day_keep_memory_and_series_flat(collector_harness):
    """10,000 an hour at a 400th: as many looks as a day has quarters of an hour, and 6 that come and go in each."""
    tmpfs = Path("/dev/shm")
    with TemporaryDirectory(dir=tmpfs if tmpfs.is_dir() else None) as folder:
        host = Host(Path(folder))
        host.make("/docker")
        started = Site(host, collector_harness, idle_watts=IDLE, keep="10m", max_workloads=40)
        blocks, series = [], []
        for run in range(96):
            groups = [f"/docker/{run * 6 + number:064x}" for number in range(6)]
            for group in groups:
                host.make(group)
                host.spend(group, 0.3)
            started.run(60)
            for group in groups:
                host.remove(group)
            if run % 12 == 11:
                gc.collect()
                blocks.append(sys.getallocatedblocks())
                series.append(len(started.joules()))
        assert max(series) <= 41
        assert len(started.workloads.collector._accounts.workloads) <= 41
        assert blocks[-1] < 1.05 * blocks[2], "and so is memory"
        assert sum(started.joules().values()) + started.of(metrics.ENDED) == pytest.approx(96 * 4800)


def test_counters_go_on_after_a_restart(site, host):
    host.make("/a.service")
    started = site(idle_watts=IDLE)
    host.spend("/a.service", 5)
    started.run()
    started.end()
    host.spend("/a.service", 50)  # nobody looks
    before = counters(started)
    started.workloads = started.start()
    started.workloads.run()
    assert counters(started) == before
    host.spend("/a.service", 5)
    started.run()
    assert started.named("a.service") == pytest.approx(1600)


def test_a_new_process_begins_a_new_ledger(site, host, collector_harness, monkeypatch):
    host.make("/a.service")
    started = site(idle_watts=IDLE)
    host.spend("/a.service", 5)
    started.run()
    started.end()
    pid = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    again = Site(Host(host.root.parent / "again"), collector_harness, idle_watts=IDLE)
    for _ in range(2):
        again.clock.advance(10)
        again.powercap.advance(10)
        for collector in (again.rapl, again.energy, again.workloads):
            collector.run()
    assert again.of(metrics.MEASURED) == pytest.approx(1000 + again.ledger("cpu"))
    assert again.named("a.service") == pytest.approx(800)


def test_no_counter_falls_when_the_program_is_killed(site, host, tmp_path):
    host.make("/a.service")
    started = site(idle_watts=IDLE)
    for _ in range(5):
        host.spend("/a.service", 5)
        started.run(10)
    before = counters(started)
    file = tmp_path / "state/energy-collector/workloads/state.json"
    assert json.loads(file.read_text())["accounts"]["measured"]["cpu"] == pytest.approx(5000)
    started.workloads.collector._state._lock.release()  # as the kernel does, and nobody has ended the first one
    started.workloads = started.start()
    started.workloads.run()
    assert counters(started) == before


def test_a_second_process_neither_loses_nor_overwrites_what_the_first_keeps(site, host, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(state_file, "LOCK_SECONDS", 0.0)
    host.make("/a.service")
    first = site(idle_watts=IDLE)
    host.spend("/a.service", 5)
    first.run()
    before = counters(first)
    file = tmp_path / "state/energy-collector/workloads/state.json"
    second = first.start(idle="by_use")
    for _ in range(3):
        first.clock.advance(10)
        second.run()
    assert caplog.text.count("another process keeps its counters there") == 1
    assert second.value(metrics.MEASURED, component="cpu") == pytest.approx(before["workloads_measured_joules_total"])
    assert json.loads(file.read_text())["accounts"]["measured"]["cpu"] == pytest.approx(1000)
    asyncio.run(second.collector.close())
    host.spend("/a.service", 5)
    first.run()
    assert json.loads(file.read_text())["accounts"]["measured"]["cpu"] == first.of(metrics.MEASURED)


def test_a_second_process_keeps_the_counters_once_the_first_has_ended(site, host, tmp_path, monkeypatch):
    monkeypatch.setattr(state_file, "LOCK_SECONDS", 0.0)
    host.make("/a.service")
    started = site(idle_watts=IDLE)
    host.spend("/a.service", 5)
    started.run()
    second = started.start()
    second.run()
    started.end()
    started.workloads = second
    host.spend("/a.service", 5)
    started.run()
    saved = json.loads((tmp_path / "state/energy-collector/workloads/state.json").read_text())
    assert saved["accounts"]["measured"]["cpu"] == started.of(metrics.MEASURED) > 1000


def test_a_large_state_is_written_less_often(site, host, tmp_path, monkeypatch):
    monkeypatch.setattr(state_file, "BYTES_PER_SECOND", 1)
    host.make("/a.service")
    started = site(idle_watts=IDLE)
    file = tmp_path / "state/energy-collector/workloads/state.json"
    written = []
    for _ in range(12):
        started.run(10)
        written.append(json.loads(file.read_text())["accounts"]["measured"].get("cpu"))
    assert len(set(written)) == 3, "at the start, and once a minute"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"version": 1}', '{"version": 2}', '{"version": 1, "accounts": {"measured": {"cpu": -1}}}'],
)
def test_a_state_that_cannot_be_used_is_set_aside(site, host, tmp_path, content):
    folder = tmp_path / "state/energy-collector/workloads"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(content)
    started = site(idle_watts=IDLE)
    started.run()
    assert started.of(metrics.MEASURED) == pytest.approx(1000)
    assert [file.name for file in folder.glob("state.json.corrupt-*")]


def test_a_state_whose_joules_do_not_add_up_is_set_aside(site, host, tmp_path):
    host.make("/a.service")
    first = site(idle_watts=IDLE)
    host.spend("/a.service", 5)
    first.run()
    first.end()
    file = tmp_path / "state/energy-collector/workloads/state.json"
    state = json.loads(file.read_text())
    state["accounts"]["measured"]["cpu"] += 500
    file.write_text(json.dumps(state))
    first.workloads = first.start()
    first.run()
    assert list(file.parent.glob("state.json.corrupt-*"))


def test_a_program_that_looks_once_leaves_the_state_alone(host, collector_harness, tmp_path):
    harness = collector_harness(Workloads, host.root, keeps_running=False)
    with pytest.raises(NotAvailable, match="no energy"):
        harness.run()
    assert not (tmp_path / "state").exists()


def test_without_control_groups_it_says_what_to_do(tmp_path, collector_harness):
    (tmp_path / "proc").mkdir()
    harness = collector_harness(Workloads, tmp_path)
    with pytest.raises(NotAvailable, match="no control groups") as error:
        harness.run()
    assert error.value.fix


def test_without_a_ledger_it_adds_up_the_meters(host, collector_harness):
    host.make("/a.service")
    started = Site(host, collector_harness, idle_watts=IDLE)
    alone = collector_harness(
        Workloads,
        host.root,
        clock=started.clock,
        energy_meters=started.rapl.collector.collector_energy_meters,
        idle_watts=IDLE,
    )
    for _ in range(6):
        started.clock.advance(10)
        started.powercap.advance(10)
        host.spend("/a.service", 1)
        started.rapl.run()
        alone.run()
    measured = alone.value(metrics.MEASURED, component="cpu")
    assert measured is not None
    assert measured >= 2000
    assert alone.value(metrics.ENERGY, kind="unit", name="a.service", namespace="", part="", component="cpu")


def counters(site):
    return dict(site.joules()) | {
        metric.name: site.of(metric) for metric in (metrics.IDLE, metrics.UNATTRIBUTED, metrics.MEASURED, metrics.ENDED)
    }


def test_containers_that_begin_in_the_other_hierarchy_are_followed_there_and_counted_once(host, collector_harness):
    v1 = host.root / "sys/fs/cgroup/cpuacct"
    v1.mkdir()
    (v1 / "cpuacct.usage").write_text("0\n")
    host.make("/a.service")
    started = Site(host, collector_harness, idle_watts=IDLE)
    container = v1 / "docker" / ("a" * 64)
    container.mkdir(parents=True)
    for usage in (0, 0, 5, 10):
        for folder in (container, container.parent):
            (folder / "cpuacct.usage").write_text(f"{usage * 10**9}\n")
        host.spend_outside(5)
        started.run()
    assert started.named("a" * 12) == pytest.approx(2 * 800)


def test_a_watched_unit_is_found_in_the_hierarchy_that_is_followed_since(host, collector_harness):
    v1 = host.root / "sys/fs/cgroup/cpuacct"
    v1.mkdir()
    (v1 / "cpuacct.usage").write_text("0\n")
    host.make("/web.service")
    process = Process(host, 100, "web", "/docker", resident=1 << 20)
    host.write("proc/100/cgroup", "4:cpuacct:/web.service\n0::/\n")
    started = Site(host, collector_harness, idle_watts=IDLE, watch=[{"name": "web", "unit": "web.service"}])
    assert started.workloads.series(metrics.PROCESS_MEMORY) == {}
    (v1 / "docker" / ("a" * 64)).mkdir(parents=True)
    for folder in (v1 / "docker" / ("a" * 64), v1 / "docker"):
        (folder / "cpuacct.usage").write_text("0\n")
    for _ in range(3):
        process.spend(1)
        started.run()
    assert started.workloads.value(metrics.PROCESS_MEMORY, process="web") == 1 << 20


def test_what_was_added_up_before_a_ledger_appears_is_counted_once(host, collector_harness):
    host.make("/a.service")
    started = Site(host, collector_harness, idle_watts=IDLE)
    shown = []
    late = collector_harness(
        Workloads,
        host.root,
        clock=started.clock,
        energy_meters=started.rapl.collector.collector_energy_meters,
        published=lambda: shown,
        idle_watts=IDLE,
    )
    for run in range(8):
        started.clock.advance(10)
        started.powercap.advance(10)
        started.rapl.run()
        started.energy.run()
        shown = started.energy.published() if run > 5 else []
        late.run()
    assert late.value(metrics.MEASURED, component="cpu") == pytest.approx(started.ledger("cpu"))
