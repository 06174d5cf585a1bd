"""Each joule once, to whom it belongs."""

from __future__ import annotations

import pytest

from collector_plugins.workloads import metrics
from tests.plugins.workloads.conftest import Host, Site

IDLE = {"cpu": 20.0, "dram": 5.0}


@pytest.mark.parametrize("version", [1, 2])
def test_burners_draw_by_their_cpu_time(tmp_path, collector_harness, version):
    host = Host(tmp_path / "root", version=version)
    for percent in (10, 30, 60):
        host.make(f"/system.slice/burner{percent}.service", usage=500.0)
    site = Site(host, collector_harness, idle_watts=IDLE)
    for _ in range(6):
        for percent in (10, 30, 60):
            host.spend(f"/system.slice/burner{percent}.service", percent / 10)
        site.run()
    dynamic = (100 - 20) * 60
    for percent in (10, 30, 60):
        assert site.named(f"burner{percent}.service") == pytest.approx(dynamic * percent / 100, rel=1e-3)
    assert site.of(metrics.IDLE) == pytest.approx(20 * 60)
    assert site.of(metrics.UNATTRIBUTED) == pytest.approx(0, abs=1e-3)


def test_known_loads_get_their_joules(site, host):
    """Burners, a thousand processes of 20 ms, a memory hog and a service that is mostly idle: CPU seconds and bytes."""
    cpu = {"burner10": 6.0, "burner30": 18.0, "burner60": 36.0, "build": 20.0, "hog": 3.0, "idle": 0.06}
    memory = {"hog": 2 << 30, "idle": 64 << 20, "build": 256 << 20}
    for name in cpu:
        host.make(f"/system.slice/{name}.service", usage=500.0, memory=memory.get(name, 0))
    started = site(idle_watts=IDLE)
    for _ in range(6):
        for name, seconds in cpu.items():
            if name != "build":
                host.spend(f"/system.slice/{name}.service", seconds / 6)
        for number in range(5):  # groups that come and go between two looks
            short = f"/system.slice/build.service/job-{number}"
            host.make(short)
            host.spend(short, cpu["build"] / 30)
            host.remove(short)
        host.spend_outside(1.0)
        started.run()
    busy = sum(cpu.values()) + 6
    for name, seconds in cpu.items():
        assert started.named(f"{name}.service") == pytest.approx(80 * 60 * seconds / busy, rel=1e-3), name
    for name, size in memory.items():
        assert started.named(f"{name}.service", "dram") == pytest.approx(15 * 60 * size / (4 << 30), rel=1e-3), name
    assert started.of(metrics.IDLE) == pytest.approx(20 * 60)
    assert started.of(metrics.UNATTRIBUTED) == pytest.approx(80 * 60 * 6 / busy, rel=1e-3)


def test_what_groups_used_before_the_start_brings_no_joules(site, host):
    host.make("/system.slice/old.service", usage=1e6)
    started = site(idle_watts=IDLE)
    host.spend_outside(10)
    started.run()
    assert started.named("old.service") == 0
    assert started.of(metrics.UNATTRIBUTED) == pytest.approx(800)


def test_kernel_threads_are_unattributed(site, host):
    host.make("/system.slice/a.service")
    started = site(idle_watts=IDLE)
    host.spend("/system.slice/a.service", 5)
    host.spend_outside(15)
    started.run()
    assert started.named("a.service") == pytest.approx(200)
    assert started.of(metrics.UNATTRIBUTED) == pytest.approx(600)


def test_dynamic_joules_of_a_machine_that_nobody_used_are_unattributed(site, host):
    host.make("/system.slice/a.service")
    started = site(idle_watts=IDLE)
    started.run()
    assert started.of(metrics.UNATTRIBUTED) == pytest.approx(800)
    assert started.of(metrics.IDLE) == pytest.approx(200)


def test_short_lived_groups_count_where_they_were(site, host):
    host.make("/kubepods.slice/kubepods-pod11111111_2222_3333_4444_555555555555.slice")
    host.make("/system.slice/build.service")
    started = site(idle_watts=IDLE)
    pod = "/kubepods.slice/kubepods-pod11111111_2222_3333_4444_555555555555.slice"
    container = f"{pod}/cri-containerd-{'a' * 64}.scope"
    for place in (container, "/system.slice/passing.service"):
        host.make(place)
        host.spend(place, 2)
        host.remove(place)
    host.make("/system.slice/new.service")
    host.spend("/system.slice/new.service", 4)
    started.run()
    assert started.named("11111111-2222-3333-4444-555555555555") == pytest.approx(200)
    assert started.joules()["other", "other", "", ""] == pytest.approx(200)
    assert started.named("new.service") == pytest.approx(400)


def test_a_container_is_taken_out_of_the_unit_and_session_above_it(site, host):
    container = f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{'b' * 64}.scope"
    host.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n")
    host.make(container)
    host.make("/user.slice/user-1000.slice/session-3.scope")
    started = site(idle_watts=IDLE)
    host.spend(container, 6)
    host.spend("/user.slice/user-1000.slice/session-3.scope", 1)
    host.spend("/user.slice/user-1000.slice/user@1000.service", 1)
    started.run()
    assert started.joules() == {
        ("container", "b" * 12, "", ""): pytest.approx(600),
        ("session", "ada", "", ""): pytest.approx(200),
    }
    info = started.workloads.series(metrics.INFO)
    assert ("container", "b" * 12, "", "", "podman", "", "", "user.slice") in info
    assert ("session", "ada", "", "", "", "", "ada", "user.slice") in info


def test_a_parent_that_was_read_before_its_children_takes_the_difference_back(site, host):
    unit, container = "/system.slice/docker.service", f"/system.slice/docker.service/docker-{'c' * 64}.scope"
    host.make(container)
    started = site(idle_watts=IDLE)
    for skew in (0.5, -0.5) * 10:
        host.spend(container, 4.0)
        host.usage[container] += skew  # read later than the unit, then at the same time
        host._write_group(container)
        started.run()
    assert started.named("c" * 12) == pytest.approx(16_000, rel=0.01)
    assert started.named("docker.service") == pytest.approx(0, abs=1)
    host.spend(unit, 4.0)
    started.run()
    assert started.named("docker.service") == pytest.approx(800, rel=0.01)


def test_a_group_that_tells_no_cpu_time_costs_those_below_it_nothing(site, host):
    unit = "/odd.slice/a.service"
    host.make(unit)
    host.make("/b.service")
    host.write("sys/fs/cgroup/odd.slice/cpu.stat", "nr_periods 0\n")
    started = site(idle_watts=IDLE)
    for _ in range(3):
        host.spend(unit, 2.0)
        host.spend("/b.service", 2.0)
        host.write("sys/fs/cgroup/odd.slice/cpu.stat", "nr_periods 0\n")
        started.run()
    assert (started.named("a.service"), started.named("b.service")) == pytest.approx((1200, 1200))
    assert started.of(metrics.UNATTRIBUTED) == pytest.approx(0, abs=1e-6)


def test_joules_that_come_late_go_to_those_who_were_busy_meanwhile(site, host):
    host.make("/a.service")
    host.make("/b.service")
    started = site(idle_watts=IDLE)
    host.spend("/a.service", 10)
    started.workloads.run(advance=10)  # the ledger has not run
    started.powercap.advance(10)
    host.spend("/b.service", 10)
    started.run()
    assert started.named("a.service") == pytest.approx(started.named("b.service")) == pytest.approx(800)


def test_memory_is_handed_out_by_use(site, host):
    host.make("/system.slice/hog.service", memory=3 << 30)
    host.make("/system.slice/small.service", memory=1 << 29)
    started = site(idle_watts=IDLE)
    host.spend("/system.slice/small.service", 1)
    started.run()
    assert started.named("hog.service", "dram") == pytest.approx(150 * 3 / 4)
    assert started.named("small.service", "dram") == pytest.approx(150 / 8)
    assert started.of(metrics.UNATTRIBUTED, "dram") == pytest.approx(150 / 8)
    assert started.of(metrics.IDLE, "dram") == pytest.approx(50)


def test_file_pages_not_used_lately_are_nobodys_memory(site, host):
    host.make("/system.slice/reader.service", memory=2 << 30)
    host.write("sys/fs/cgroup/system.slice/reader.service/memory.stat", f"anon 1\ninactive_file {1 << 30}\n")
    started = site(idle_watts=IDLE)
    started.run()
    assert started.named("reader.service", "dram") == pytest.approx(150 / 4)


def test_memory_that_cannot_be_read_costs_no_joule(site, host):
    host.make("/system.slice/a.service", memory=1 << 30)
    started = site(idle_watts=IDLE)
    host.write("proc/meminfo", "nonsense\n")
    started.run()
    assert [part.name for part in started.workloads.part_failures] == ["component=dram"]
    assert started.of(metrics.UNATTRIBUTED, "dram") == pytest.approx(150)


def test_by_use_hands_out_idle_joules_too(site, host):
    host.make("/a.service", memory=4 << 30)
    started = site(idle_watts=IDLE, idle="by_use")
    host.spend("/a.service", 8)
    host.spend_outside(2)
    started.run()
    assert started.named("a.service") == pytest.approx(800)
    assert started.of(metrics.UNATTRIBUTED) == pytest.approx(200)
    assert started.of(metrics.IDLE) == started.of(metrics.IDLE, "dram") == 0
    assert started.named("a.service", "dram") == pytest.approx(200)


def test_by_reservation_hands_idle_joules_to_those_who_reserved(site, host):
    host.make("/system.slice/half.service")
    host.make("/system.slice/free.service")
    host.write("sys/fs/cgroup/system.slice/half.service/cpu.max", "200000 100000\n")
    host.write("sys/fs/cgroup/system.slice/free.service/cpu.max", "max 100000\n")
    started = site(idle_watts=IDLE, idle="by_reservation")
    host.spend("/system.slice/free.service", 4)
    started.run()
    assert started.named("half.service") == pytest.approx(100)
    assert started.named("free.service") == pytest.approx(800)
    assert started.of(metrics.IDLE) == pytest.approx(100)


def test_idle_power_is_learnt(site, host):
    host.make("/a.service")
    started = site()
    for load, watts in [(0.1, 32), (0.9, 128), (0.5, 80)] * 10:
        started.package.watts = watts
        host.spend("/a.service", load * 40)
        started.run()
    before = started.of(metrics.IDLE)
    started.package.watts = 80
    host.spend("/a.service", 20)
    started.run()
    assert started.of(metrics.IDLE) - before == pytest.approx(200, rel=0.02)  # 20 W + 120 W × load
