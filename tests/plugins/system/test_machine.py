"""The machine the tests run on: our numbers against psutil's, and ours from /proc against ours through psutil."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from collector_core import Context, Readings, is_kernel_mount
from collector_plugins.system import System
from collector_plugins.system.filters import Patterns
from collector_plugins.system.linux import LinuxSource
from collector_plugins.system.portable import PortableSource

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="compares with /proc")

ALL = Patterns()
CONTEXT = Context(name="system", logger=logging.getLogger("test"))


@pytest.fixture
def linux() -> Iterator[LinuxSource]:
    source = LinuxSource(CONTEXT, devices=ALL, mountpoints=ALL, interfaces=ALL)
    yield source
    source.close()


@pytest.fixture
def portable() -> PortableSource:
    return PortableSource(devices=ALL, mountpoints=ALL, interfaces=ALL)


def test_the_whole_collector(machine_at: Callable[..., Any]) -> None:
    machine = machine_at(Path("/"))
    machine.run()
    time.sleep(0.1)
    run = machine.run()
    assert run.failed == []
    memory = psutil.virtual_memory()
    assert run["system_memory_total_bytes"] == {(): memory.total}
    assert run["system_memory_used_bytes"][()] <= memory.total
    assert run["system_memory_available_bytes"][()] == pytest.approx(memory.available, rel=0.1)
    assert run["system_boot_time_seconds"][()] == pytest.approx(psutil.boot_time(), abs=1)
    assert len(run["system_cpu_seconds_total"]) == 8 * (psutil.cpu_count() or 0)
    assert all(0 <= ratio <= 1 for ratio in run["system_cpu_core_usage_ratio"].values())
    assert 0 <= run["system_cpu_usage_ratio"][()] <= 1


def test_cpu_times_agree(linux: LinuxSource, portable: PortableSource) -> None:
    ours, theirs = linux.cpu_times(), portable.cpu_times()
    assert ours is not None
    assert ours.modes == theirs.modes
    assert ours.total == pytest.approx(theirs.total, abs=1)
    assert ours.cores.keys() == theirs.cores.keys()
    for cpu, row in ours.cores.items():
        assert row == pytest.approx(theirs.cores[cpu], abs=1)
    assert linux.boot_time() == pytest.approx(portable.boot_time(), abs=1)


def test_cpu_facts_agree(linux: LinuxSource, portable: PortableSource) -> None:
    ours, theirs = linux.cpu_info(), portable.cpu_info()
    assert ours is not None
    assert (ours.cores, ours.threads) == (theirs.cores, theirs.threads)
    known = portable.cpu_frequencies()
    for cpu, hertz in linux.cpu_frequencies().items():
        assert hertz == pytest.approx(known[cpu], rel=0.9)


def test_memory_agrees(linux: LinuxSource, portable: PortableSource) -> None:
    ours, theirs = linux.memory(), portable.memory()
    assert ours.total == theirs.total
    assert ours.used == pytest.approx(theirs.used, rel=0.3)
    assert ours.swap_total == theirs.swap_total
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(other, abs=0.05 * (ours.total or 0))


def test_load_agrees(linux: LinuxSource, portable: PortableSource) -> None:
    assert linux.load_averages() == pytest.approx(portable.load_averages(), abs=0.5)


def test_disks_agree(linux: LinuxSource, portable: PortableSource) -> None:
    ours, theirs = linux.disks(), portable.disks()
    assert ours.keys() <= theirs.keys()
    for disk, row in ours.items():
        assert row == pytest.approx(theirs[disk], rel=0.01, abs=1e7)
        assert row[-3:] == pytest.approx(theirs[disk][-3:], rel=0.01, abs=1)


def test_interfaces_agree(linux: LinuxSource, portable: PortableSource) -> None:
    ours, theirs = linux.interfaces(), portable.interfaces()
    assert ours.keys() == theirs.keys()
    for name, row in ours.items():
        assert row == pytest.approx(theirs[name], rel=0.01, abs=1e5)


def test_file_systems_agree(linux: LinuxSource, portable: PortableSource) -> None:
    ours, theirs = linux.filesystems(), portable.filesystems()
    assert list(ours) == list(theirs)
    for key, mine in ours.items():
        other = theirs[key]
        assert not isinstance(mine, OSError)
        assert not isinstance(other, OSError)
        assert mine.size == other.size
        assert mine.available == pytest.approx(other.available, rel=0.05)
        assert mine.readonly == other.readonly


def test_temperatures_agree(linux: LinuxSource, portable: PortableSource) -> None:
    assert len(linux.temperatures()) >= len(portable.temperatures())


def test_sockets_in_use_are_counted(linux: LinuxSource) -> None:
    assert linux.sockets()["all", "used"] > 0


def test_descriptors_are_kept_open_and_given_back() -> None:
    if not is_kernel_mount(Path("/proc")):
        pytest.skip("/proc is not the kernel's")
    before = descriptors()
    collector = System(System.config_type(), CONTEXT)
    collector.open()
    for _ in range(3):
        run_once(collector)
    kept = descriptors()
    run_once(collector)
    assert descriptors() == kept
    assert kept - before >= 6
    collector.close()
    assert descriptors() == before


def test_psutil_is_not_imported_on_linux() -> None:
    code = (
        "import sys, logging\n"
        "from collector_core import Context, Readings\n"
        "from collector_plugins.system import System\n"
        "c = System(System.config_type(), Context(name='system', logger=logging.getLogger()))\n"
        "c.open(); c.collect(Readings(System.metrics, max_series=2000))\n"
        "sys.exit('psutil' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_a_new_mount_is_seen() -> None:
    """In a mount namespace of its own, where the system lets us have one."""
    code = (
        "import logging, subprocess\n"
        "from collector_core import Context\n"
        "from collector_plugins.system.filters import Patterns\n"
        "from collector_plugins.system.linux import LinuxSource\n"
        "chosen = Patterns(include=('/mnt',))\n"
        "ctx = Context(name='system', logger=logging.getLogger())\n"
        "s = LinuxSource(ctx, devices=Patterns(), mountpoints=chosen, interfaces=Patterns())\n"
        "def seen(): return [fstype for _, fstype in s.filesystems()]\n"
        "a = seen(), seen(); subprocess.run(['mount', '-t', 'tmpfs', 'none', '/mnt'], check=True)\n"
        "b = seen(), seen(); subprocess.run(['umount', '/mnt'], check=True)\n"
        "print([*a, *b, seen()])\n"
    )
    own_namespace = ["unshare", "--map-root-user", "--mount"]
    try:
        subprocess.run([*own_namespace, "mount", "-t", "tmpfs", "none", "/mnt"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no mount namespaces here")
    done = subprocess.run([*own_namespace, sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[[], [], ['tmpfs'], ['tmpfs'], []]"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def run_once(collector: System) -> None:
    collector.collect(Readings(System.metrics, max_series=2000))
