"""What the host's /proc says of its CPUs and of the threads of a guest."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from collector_core import Context
from collector_core.procfs import CLOCK_TICKS_PER_SECOND
from collector_plugins.qemu.host import Host
from collector_plugins.qemu.proc import Proc


@pytest.fixture
def proc(machine: Any) -> Proc:
    return Proc(Context(name="qemu", logger=logging.getLogger("test"), root=machine.root))


def test_busy_cores_are_those_since_the_last_call(machine: Any, proc: Proc) -> None:
    host = Host(proc)
    machine.host(100.0, cpus=4)
    assert host.busy_cores(10.0) is None
    machine.host(106.0, cpus=4)
    assert host.busy_cores(12.0) == pytest.approx(3.0)
    assert host.cpus == 4
    machine.host(50.0, cpus=4)
    assert host.busy_cores(14.0) is None, "CPU times fell"


def test_a_host_that_does_not_list_its_cpus(machine: Any, proc: Proc) -> None:
    (machine.root / "proc/stat").write_text(f"cpu  {CLOCK_TICKS_PER_SECOND} 0 0 9\nbtime 1\n")
    host = Host(proc)
    host.busy_cores(1.0)
    assert host.cpus is None
    assert host.physical_cores() is None


def test_physical_cores_are_counted_once_however_many_threads_they_have(machine: Any, proc: Proc) -> None:
    machine.host(0.0, cpus=8, cores=4)
    assert Host(proc).physical_cores() == 4


def test_vcpus_run_in_threads_of_their_own(machine: Any, proc: Proc) -> None:
    guest = machine.guest("-smp", "4")
    guest.name_threads("CPU 0/KVM", "CPU 12/TCG", "CPU 12/TCG", "ALL CPUs/TCG", "CPU x/KVM", "IO mon_iothread", "kvm")
    pid = Path(guest.folder).name
    assert proc.running_vcpus(pid) == 2
    with pytest.raises(FileNotFoundError):
        proc.running_vcpus("1")
