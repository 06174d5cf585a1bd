"""Groups of processes and guests without a scope of their own, and real control groups."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collector_core.procfs import CgroupTree, is_kernel_mount
from collector_plugins.workloads import metrics
from collector_plugins.workloads.group_tree import GroupTree

IDLE = {"cpu": 20.0, "dram": 5.0}
V2 = next(
    (path for path in map(Path, ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")) if (path / "cgroup.procs").exists()), None
)


class Process:
    """Writes `/proc/PID`; times are in seconds."""

    def __init__(self, host, pid, name, group="/", parent=1, cmdline=(), resident=0):
        self.host, self.pid, self.name, self.parent, self.resident = host, pid, name, parent, resident
        self.cpu = self.reaped = 0.0
        number = "0::" if host.version == 2 else "4:cpu,cpuacct:"
        host.write(f"proc/{pid}/cgroup", f"{number}{group}\n")
        host.write(f"proc/{pid}/cmdline", "\0".join(cmdline) + "\0")
        self.write()

    def spend(self, seconds, reaped=0.0):
        self.cpu += seconds
        self.reaped += reaped
        self.write()

    def write(self):
        numbers = ["0"] * 18
        numbers[0] = str(self.parent)
        numbers[10], numbers[12] = str(round(self.cpu * 100)), str(round(self.reaped * 100))
        numbers[16] = "1"
        tail = " ".join([*numbers[:17], "0", str(self.pid * 10), "0", str(self.resident // 4096)])
        self.host.write(f"proc/{self.pid}/stat", f"{self.pid} ({self.name}) S {tail} 0 0\n")

    def end(self):
        for file in (self.host.root / f"proc/{self.pid}").iterdir():
            file.unlink()
        (self.host.root / f"proc/{self.pid}").rmdir()


def started_with(site, **options):
    return site(idle_watts=IDLE, groups=[{"name": "chain", "match": "^geth"}], **options)


def test_a_group_is_taken_out_of_its_unit(site, host):
    host.make("/system.slice/node.service", memory=2 << 30)
    geth = Process(host, 100, "geth", "/system.slice/node.service", resident=1 << 30)
    started = started_with(site)
    host.spend("/system.slice/node.service", 8)
    geth.spend(6)
    started.run()
    assert started.joules() == {
        ("group", "chain", "", ""): pytest.approx(600),
        ("unit", "node.service", "", ""): pytest.approx(200),
    }
    assert started.named("chain", "dram") == started.named("node.service", "dram") == pytest.approx(150 / 4)


def test_a_group_in_no_control_group_is_taken_out_of_what_nobody_has(site, host):
    geth = Process(host, 100, "geth")
    started = started_with(site)
    host.spend_outside(8)
    geth.spend(6)
    started.run()
    assert started.named("chain") == pytest.approx(600)
    assert started.of(metrics.UNATTRIBUTED) == pytest.approx(200)


def test_what_a_process_used_before_the_start_brings_no_joules(site, host):
    geth = Process(host, 100, "geth")
    geth.spend(1000)
    started = started_with(site)
    host.spend_outside(8)
    started.run()
    assert started.named("chain") == 0


def test_a_thousand_short_children_count_by_their_parent(site, host):
    host.make("/system.slice/build.service")
    make = Process(host, 100, "geth-make", "/system.slice/build.service")
    started = started_with(site)
    host.spend("/system.slice/build.service", 20)
    make.spend(0.5, reaped=19.5)
    started.run()
    assert started.named("chain") == pytest.approx(800)
    assert started.named("build.service") == 0


def test_a_child_of_the_group_is_not_counted_again_when_its_parent_has_waited_for_it(site, host):
    parent = Process(host, 100, "geth")
    child = Process(host, 101, "geth-worker", parent=100)
    started = started_with(site)
    host.spend_outside(10)
    child.spend(5)
    started.run()
    assert started.named("chain") == pytest.approx(400)
    child.end()
    parent.spend(0, reaped=6.0)  # the child used one second more
    host.spend_outside(10)
    started.run()
    assert started.named("chain") == pytest.approx(480)


def test_a_process_that_gets_the_pid_of_another_is_new(site, host):
    Process(host, 100, "geth").spend(50)
    started = started_with(site)
    again = Process(host, 100, "geth")
    again.cpu = 3
    again.pid = 100.1  # another start time
    again.write()
    stat = host.root / "proc/100.1/stat"
    (host.root / "proc/100/stat").write_text(stat.read_text().replace("100.1 (", "100 ("))
    (host.root / "proc/100/stat").write_text((host.root / "proc/100/stat").read_text().replace("1001.0", "1001"))
    host.spend_outside(10)
    started.run()
    assert started.named("chain") == pytest.approx(240)


def test_a_guest_is_named_as_its_command_line_says(site, host):
    host.make("/user.slice/user-1000.slice/session-1.scope")
    host.make("/qemu.slice/100.scope")
    command = ("qemu-system-x86_64", "-name", "guest=web,debug-threads=on", "-m", "1G")
    guest = Process(host, 100, "qemu-system-x86", "/user.slice/user-1000.slice/session-1.scope", cmdline=command)
    Process(host, 101, "kvm", "/qemu.slice/100.scope", cmdline=("kvm", "-id", "100", "-name", "db,debug-threads=on"))
    started = site(idle_watts=IDLE)
    host.spend("/user.slice/user-1000.slice/session-1.scope", 5)
    guest.spend(4)
    host.spend("/qemu.slice/100.scope", 5)
    started.run()
    assert started.joules() == {
        ("guest", "web", "", ""): pytest.approx(320),
        ("session", "1000", "", ""): pytest.approx(80),
        ("guest", "db", "", ""): pytest.approx(400),
    }


def test_a_guest_in_a_container_is_the_containers(site, host):
    group = f"/docker/{'d' * 64}"
    host.make(group)
    guest = Process(host, 100, "qemu-system-x86", group, cmdline=("qemu-system-x86_64", "-name", "web"))
    started = site(idle_watts=IDLE)
    host.spend(group, 5)
    guest.spend(4)
    started.run()
    assert set(started.joules()) == {("container", "d" * 12, "", "")}


@pytest.fixture
def real_group():
    """A container's control group of the kernel's own."""
    if V2 is None or not is_kernel_mount(V2):
        pytest.skip("no control groups of version 2 are mounted")
    folder = V2 / f"energy-collector-test-{os.getpid()}.slice" / f"docker-{os.urandom(32).hex()}.scope"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        pytest.skip(f"control groups cannot be made: {error}")
    yield folder
    folder.rmdir()
    folder.parent.rmdir()


def test_the_kernels_own_control_groups_are_followed(real_group):
    tree = GroupTree(CgroupTree(V2, 2))
    tree.read(0.0)
    burn = "import os, sys, time; open(sys.argv[1], 'w').write('0')\nwhile time.process_time() < 0.3: pass\n"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", burn, str(real_group / "cgroup.procs")], check=True)
    grown = {workload.id: seconds for workload, seconds in tree.read(100.0).items() if workload.kind == "container"}
    tree.close()
    assert 0.3 < grown[real_group.name.removeprefix("docker-").removesuffix(".scope")] < 10


def test_a_real_group_that_comes_after_the_start_and_goes_is_seen(real_group):
    tree = GroupTree(CgroupTree(V2, 2))
    tree.read(0.0)
    new = real_group.parent / "new.service"
    new.mkdir()
    assert "new.service" in {workload.id for workload in tree.read(1.0)}
    new.rmdir()
    tree.read(1.0)
    assert "new.service" not in {workload.id for workload in tree.read(1.0)}
    tree.close()


def test_the_user_of_a_job_of_version_2_is_that_of_its_processes(site, host):
    host.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n")
    host.make("/system.slice/slurmstepd.scope/job_42/step_0/user/task_0")
    host.write("sys/fs/cgroup/system.slice/slurmstepd.scope/job_42/step_0/cgroup.procs", "7\n")
    host.write("sys/fs/cgroup/system.slice/slurmstepd.scope/job_42/step_0/user/task_0/cgroup.procs", "8\n")
    host.write("proc/7/status", "Name:\tslurmstepd\nUid:\t0\t0\t0\t0\n")
    host.write("proc/8/status", "Name:\tsolver\nUid:\t1000\t1000\t1000\t1000\n")
    started = site(idle_watts=IDLE)
    host.spend("/system.slice/slurmstepd.scope/job_42/step_0/user/task_0", 5)
    started.run()
    assert started.joules() == {("slurm", "42", "", "0"): pytest.approx(800)}
    assert ("slurm", "42", "", "", "", "", "ada", "system.slice") in started.workloads.series(metrics.INFO)
