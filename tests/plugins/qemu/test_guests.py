"""Which guests there are: found, told apart, followed and dropped."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from collector_core import NotAvailable
from collector_core.testing import Harness
from collector_plugins.qemu import metrics
from collector_plugins.qemu.discovery import ALL_RUNS, Discovery
from collector_plugins.qemu.guest import RECOUNT_CHANGED_SECONDS, RECOUNT_SECONDS
from collector_plugins.qemu.proc import Proc

from .conftest import Machine, vms, write

Watching = Callable[..., Harness]

pytestmark = pytest.mark.usefixtures("speed_path")


def cores(harness: Harness, vm: str, uuid: str = "") -> float | None:
    return harness.value(metrics.VM_CPU_USAGE, vm=vm, uuid=uuid)


def seconds(harness: Harness, vm: str, uuid: str = "") -> float | None:
    return harness.value(metrics.VM_CPU_SECONDS, vm=vm, uuid=uuid)


def test_a_process_that_only_speaks_of_qemu_is_no_guest(machine: Machine, watching: Watching) -> None:
    machine.guest("-name", "real")
    machine.start("grep", "--color=auto", "qemu-system-x86_64")
    machine.start("sh", "-c", "qemu-system-x86_64 -name guest=wrapped -smp 4 & wait")
    machine.start("/usr/bin/python3", "/usr/bin/qemu-system-x86_64", "-name", "script")
    machine.start("tail", "-f", "/var/log/qemu-kvm")
    machine.start("", comm="kthreadd")
    harness = watching()
    harness.run()
    assert vms(harness) == ["real"]
    assert harness.value(metrics.VMS) == 1


def test_an_emulator_that_runs_no_machine_is_no_guest(machine: Machine, watching: Watching) -> None:
    machine.start("/usr/bin/qemu-lite-system-x86_64", "-name", "sandbox", "-smp", "2")
    machine.start("/usr/libexec/qemu-kvm", "-nodefaults", "-machine", "none,accel=kvm", "-daemonize")
    machine.start("/usr/lib/xen/bin/qemu-system-i386", "-xen-domid", "0", "-name", "dom0", "-M", "xenpv")
    harness = watching()
    harness.run()
    assert vms(harness) == ["sandbox"]
    assert harness.value(metrics.VMS) == 1


def test_the_program_that_runs_counts_and_not_what_it_is_called(machine: Machine, watching: Watching) -> None:
    pretender = machine.start("qemu-system-x86_64", "-name", "pretender")
    (pretender.folder / "exe").symlink_to("/usr/bin/sleep")
    disguised = machine.start("my-guest", "-name", "disguised")
    (disguised.folder / "exe").symlink_to("/usr/bin/qemu-system-x86_64 (deleted)")
    harness = watching()
    harness.run()
    assert vms(harness) == ["disguised"]


def test_usage_needs_two_readings(machine: Machine, watching: Watching) -> None:
    guest = machine.guest("-name", "vm")
    guest.burn(100)
    harness = watching()
    harness.run()
    assert cores(harness, "vm") is None
    assert harness.value(metrics.VM_POWER, vm="vm", uuid="") is None
    assert harness.value(metrics.VM_STATIC_POWER, vm="vm", uuid="") == 0.625
    guest.burn(2, system=1)
    harness.run(advance=2)
    assert cores(harness, "vm") == 1.5
    assert seconds(harness, "vm") == 103
    harness.run(advance=1)
    assert cores(harness, "vm") == 0


def test_cpu_time_that_steps_back_by_a_tick_is_not_counted_again(machine: Machine, watching: Watching) -> None:
    guest = machine.guest("-name", "vm")
    guest.burn(10)
    harness = watching()
    for step in (0.0, -0.01, 0.01, 0.5):
        guest.burn(step)
        harness.run(advance=1)
    assert seconds(harness, "vm") == 10.5
    assert cores(harness, "vm") == pytest.approx(0.5)


def test_a_pid_that_is_used_again_is_another_guest(machine: Machine, watching: Watching) -> None:
    machine.guest("-name", "old", pid=5000).burn(1000)
    harness = watching()
    harness.run()
    harness.run(advance=1)
    machine.guest("-name", "new", pid=5000, start=2000).burn(3000)
    harness.run(advance=1)
    assert vms(harness) == ["new"]
    assert cores(harness, "new") is None
    harness.run(advance=1)
    assert cores(harness, "new") == 0


def test_a_pid_of_another_program_becomes_a_guest_and_the_other_way_round(machine: Machine, watching: Watching) -> None:
    machine.start("/bin/true", pid=5000)
    machine.guest("-name", "vm", pid=6000)
    harness = watching()
    harness.run()
    machine.guest("-name", "late", pid=5000, start=2000)
    machine.start("/bin/true", pid=6000, start=2000)
    for _ in range(ALL_RUNS + 1):
        harness.run(advance=1)
    assert vms(harness) == ["late"]


def test_a_launcher_that_turns_into_a_guest_is_seen_at_once(machine: Machine, watching: Watching) -> None:
    harness = watching()
    for _ in range(300):
        machine.start("/usr/sbin/libvirtd")
    harness.run()
    launcher = machine.start("/usr/sbin/libvirtd", pid=7000)
    harness.run(advance=1)
    write(launcher.folder / "cmdline", b"/usr/bin/qemu-system-x86_64\0-name\0guest=vm\0")
    harness.run(advance=1)
    assert vms(harness) == ["vm"]


@pytest.mark.parametrize("end", ["vanish", "die"])
def test_a_guest_that_ends_is_gone_and_goes_on_when_it_comes_back(
    machine: Machine, watching: Watching, end: str
) -> None:
    guest = machine.guest("-name", "vm")
    harness = watching()
    harness.run()
    guest.burn(2)
    harness.run(advance=2)
    before = harness.value(metrics.VM_ENERGY, vm="vm", uuid="")
    assert before == pytest.approx(2 * (0.625 + 7.5))
    getattr(guest, end)()
    harness.run(advance=1)
    assert vms(harness) == []
    assert harness.value(metrics.VMS) == 0
    assert harness.series(metrics.VM_ENERGY) == {}
    again = machine.guest("-name", "vm", start=9000)
    again.burn(50)
    harness.run(advance=1)
    assert (cores(harness, "vm"), seconds(harness, "vm")) == (None, 2)
    assert harness.value(metrics.VM_ENERGY, vm="vm", uuid="") == before
    again.burn(1)
    harness.run(advance=1)
    assert (cores(harness, "vm"), seconds(harness, "vm")) == (1, 3)
    assert harness.value(metrics.VM_ENERGY, vm="vm", uuid="") == pytest.approx(before + 8.125)


def test_counters_go_on_after_the_collector_was_closed(machine: Machine, watching: Watching) -> None:
    guest = machine.guest("-name", "vm")
    harness = watching()
    harness.run()
    guest.burn(1)
    harness.run(advance=1)
    harness.collector.close()
    harness.collector.open()
    guest.burn(5)
    harness.run(advance=1)
    assert seconds(harness, "vm") == 1
    guest.burn(1)
    harness.run(advance=1)
    assert seconds(harness, "vm") == 2


def test_two_guests_of_one_name_stay_apart(machine: Machine, watching: Watching) -> None:
    first = machine.guest("-name", "twin", pid=4100, start=500)
    second = machine.guest("-name", "twin", pid=4000, start=600)
    third = machine.guest("-name", "twin", "-uuid", "A-b", pid=4001, start=700)
    harness = watching()
    harness.run()
    for number, guest in enumerate((first, second, third), 1):
        guest.burn(number)
    harness.run(advance=1)
    assert harness.series(metrics.VM_CPU_USAGE) == {
        ("twin", ""): 1,
        ("twin", "pid-4000-600"): 2,
        ("twin", "a-b"): 3,
    }
    first.vanish()
    second.burn(1)
    harness.run(advance=1)
    assert seconds(harness, "twin") == 2, "what is left has the name, and its counter never falls"


def test_guests_without_a_name(machine: Machine, watching: Watching) -> None:
    machine.guest(pid=4001, start=10)
    machine.guest(pid=4002, start=11)
    machine.guest("-uuid", "U-1")
    machine.guest("-id", "103", "-uuid", "u-2")
    harness = watching()
    harness.run()
    assert set(harness.series(metrics.VM_VCPUS)) == {
        ("pid-4001-10", ""),
        ("pid-4002-11", ""),
        ("u-1", "u-1"),
        ("103", "u-2"),
    }


def test_names_are_bytes_of_any_kind_and_length(machine: Machine, watching: Watching) -> None:
    machine.guest("-name", b'a"\\\n\xff\x01')
    machine.guest("-name", "x" * 5000 + "1")
    machine.guest("-name", "x" * 5000 + "2")
    harness = watching()
    harness.run()
    assert len(harness.series(metrics.VM_VCPUS)) == 3
    assert 'vm="a\\"\\\\\\n\\\\xff\\\\x01"' in harness.exposition()


def test_live_vcpu_threads_count_where_they_have_names(machine: Machine, watching: Watching) -> None:
    guest = machine.guest("-name", "vm", "-smp", "2,maxcpus=4")
    plain = machine.guest("-name", "plain", "-smp", "3")
    guest.name_threads("CPU 0/KVM", "CPU 1/KVM", "vnc_worker")
    plain.name_threads("qemu-system-x86", "qemu-system-x86")
    harness = watching()
    harness.run()
    assert harness.series(metrics.VM_VCPUS) == {("vm", ""): 2, ("plain", ""): 3}
    guest.name_threads("CPU 0/KVM", "CPU 1/KVM", "CPU 2/KVM", "vnc_worker")
    harness.run(advance=RECOUNT_CHANGED_SECONDS)
    assert harness.value(metrics.VM_VCPUS, vm="vm", uuid="") == 3
    guest.name_threads("CPU 0/KVM", "vnc_worker", "vnc_worker", "vnc_worker")
    harness.run(advance=RECOUNT_SECONDS)
    assert harness.value(metrics.VM_VCPUS, vm="vm", uuid="") == 1


def test_a_guest_whose_file_cannot_be_read_is_counted_and_goes_on_later(machine: Machine, watching: Watching) -> None:
    guest, other = machine.guest("-name", "vm"), machine.guest("-name", "other")
    harness = watching()
    harness.run()
    write(guest.folder / "stat", b"garbage")
    harness.run(advance=1)
    assert [part.name for part in harness.part_failures] == ["vm=vm"]
    assert vms(harness) == ["other"]
    assert harness.value(metrics.VMS) == 2
    guest.burn(3)
    other.burn(1)
    harness.run(advance=1)
    assert (cores(harness, "vm"), cores(harness, "other")) == (1.5, 1)


def test_a_guest_that_cannot_be_read_stands_behind_those_found_meanwhile(machine: Machine, watching: Watching) -> None:
    broken, other = machine.guest("-name", "vm"), machine.guest("-name", "other")
    harness = watching()
    discovery = Discovery(Proc(harness.context), harness.clock.monotonic)
    discovery.update()
    write(broken.folder / "stat", b"garbage")
    new = machine.guest("-name", "new")
    discovery.update()
    assert list(discovery.guests) == [process.folder.name for process in (other, new, broken)]
    discovery.close()


def test_a_readconfig_file(machine: Machine, watching: Watching) -> None:
    write(machine.root / "etc/vm.cfg", b'[name]\n guest = "absolute"\n[smp-opts]\n cpus = "3"\n')
    guest = machine.guest("-readconfig", "vm.cfg")
    write(guest.folder / "cwd/vm.cfg", b'[name]\n guest = "relative"\n')
    machine.guest("-readconfig", "/etc/vm.cfg")
    harness = watching()
    harness.run()
    assert vms(harness) == ["absolute", "relative"]


def test_a_readconfig_file_that_is_a_trap(machine: Machine, watching: Watching) -> None:
    os.mkfifo(machine.root / "fifo")
    (machine.root / "zero").symlink_to("/dev/zero")
    for name in ("/fifo", "/zero", "/proc", "/missing", "a\0b", "\udcff", "/" * 5000):
        machine.guest("-readconfig", name.encode("utf-8", "surrogateescape"), "-name", "vm")
    harness = watching()
    harness.run()
    assert len(harness.series(metrics.VM_VCPUS)) == 7
    proc = Proc(harness.context)
    write(machine.root / "plain", b"text")
    assert proc.guest_config("1", "/plain") == "text"
    assert [proc.guest_config("1", name) for name in ("/fifo", "/zero", "/proc")] == [None, None, None]


def test_energy_after_a_gap_is_unknown(machine: Machine, watching: Watching) -> None:
    guest = machine.guest("-name", "vm", "-smp", "4")
    harness = watching(coefficients=[10, 10], server_cores=16)
    harness.run()
    harness.run(advance=10)
    assert harness.value(metrics.VM_ENERGY, vm="vm", uuid="") == pytest.approx(25)
    guest.burn(100)
    harness.run(advance=11)
    assert harness.value(metrics.VM_ENERGY, vm="vm", uuid="") == pytest.approx(25)
    assert harness.value(metrics.UNKNOWN_GAPS) == 1
    assert seconds(harness, "vm") == 100
    harness.run(advance=1)
    assert harness.value(metrics.VM_ENERGY, vm="vm", uuid="") == pytest.approx(27.5)


def test_a_long_interval_is_no_gap(machine: Machine, watching: Watching) -> None:
    machine.guest("-name", "vm", "-smp", "4")
    harness = watching(interval=60.0, coefficients=[10, 10], server_cores=16)
    harness.run()
    harness.run(advance=60)
    assert harness.value(metrics.VM_ENERGY, vm="vm", uuid="") == pytest.approx(150)
    assert harness.value(metrics.UNKNOWN_GAPS) == 0


def test_what_no_guest_accounts_for(machine: Machine, watching: Watching) -> None:
    guest = machine.guest("-name", "vm", "-smp", "4")
    machine.host(0)
    harness = watching()
    harness.run()
    guest.burn(1.5)
    machine.host(2)
    harness.run(advance=1)
    assert harness.value(metrics.HOST_CPU_USAGE) == 2
    assert harness.value(metrics.UNACCOUNTED_CPU) == 0.5
    assert harness.value(metrics.UNACCOUNTED_POWER) == pytest.approx(30 - 13.75)
    guest.burn(40)
    machine.host(3)
    harness.run(advance=1)
    assert harness.value(metrics.UNACCOUNTED_CPU) == 0
    assert harness.value(metrics.UNACCOUNTED_POWER) is None


def test_the_host_says_how_many_cores_and_cpus_it_has(machine: Machine, watching: Watching) -> None:
    guest = machine.guest("-name", "vm", "-smp", "4")
    machine.host(0, cpus=8, cores=4)
    harness = watching(coefficients=[10, 1], cpu_unit="host_percent")
    harness.run()
    guest.burn(2)
    harness.run(advance=1)
    assert harness.value(metrics.VM_STATIC_POWER, vm="vm", uuid="") == 10
    assert harness.value(metrics.VM_DYNAMIC_POWER, vm="vm", uuid="") == pytest.approx(25)


def test_without_a_number_of_cores_it_says_what_to_do(machine: Machine, watching: Watching) -> None:
    harness = watching(coefficients=[10, 10])
    with pytest.raises(NotAvailable, match="how many cores") as caught:
        harness.run()
    assert "server_cores" in caught.value.fix


def test_outside_of_the_fitted_range_the_edge_counts_and_is_marked(machine: Machine, watching: Watching) -> None:
    guest = machine.guest("-name", "vm", "-smp", "4")
    harness = watching(coefficients=[10, 10], fitted_range=[0, 2], server_cores=16)
    harness.run()
    for burnt, watts, outside in ((2, 22.5, 0), (3, 22.5, 1), (1, 12.5, 0)):
        guest.burn(burnt)
        harness.run(advance=1)
        assert harness.value(metrics.VM_POWER, vm="vm", uuid="") == watts
        assert harness.value(metrics.VM_OUTSIDE_RANGE, vm="vm", uuid="") == outside


def test_hidden_processes_are_a_question_of_permission(
    machine: Machine, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.guest("-name", "vm")
    harness = watching()

    def denied(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Proc, "read", denied)
    with pytest.raises(NotAvailable, match="hidepid") as caught:
        harness.run()
    assert caught.value.reason == "permission"


def test_what_it_says_where_no_configuration_names_it(machine: Machine, watching: Watching) -> None:
    machine.guest("-name", "vm")
    answer = type(watching().collector).detect(watching().context)
    assert answer is not None
    assert answer.detail.startswith("1 QEMU guests run here")
    assert "energy-collector calibrate qemu" in answer.fix


def test_a_thousand_guests_come_and_go(machine: Machine, watching: Watching) -> None:
    guests = [machine.guest("-name", f"vm{number}", "-smp", "2") for number in range(1000)]
    for number in range(200):
        machine.start("/usr/bin/sleep", str(number))
    harness = watching()
    harness.run()
    for guest in guests[:500]:
        guest.burn(0.5)
    for guest in guests[500:]:
        guest.vanish()
    harness.run(advance=1)
    assert harness.value(metrics.VMS) == 500
    assert set(harness.series(metrics.VM_CPU_USAGE).values()) == {0.5}


def open_files(machine: Machine) -> list[str]:
    opened = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    return [name for name in opened if name.startswith(str(machine.root))]


def test_descriptors_are_let_go(machine: Machine, watching: Watching) -> None:
    guests = [machine.guest("-name", f"vm{number}") for number in range(3)]
    harness = watching()
    harness.run()
    harness.run(advance=1)
    assert len(open_files(machine)) == 3
    guests[0].vanish()
    guests[1].die()
    harness.run(advance=1)
    assert len(open_files(machine)) == 1
    harness.collector.close()
    assert open_files(machine) == []


def test_with_few_descriptors_files_are_opened_each_time(
    machine: Machine, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (8, 8))
    guests = [machine.guest("-name", f"vm{number}") for number in range(4)]
    harness = watching()
    harness.run()
    harness.run(advance=1)
    assert len(open_files(machine)) == 2
    for guest in guests:
        guest.burn(1)
    harness.run(advance=1)
    assert set(harness.series(metrics.VM_CPU_USAGE).values()) == {1}
    for guest in guests:
        guest.vanish()
    newcomers = [machine.guest("-name", f"new{number}") for number in range(4)]
    harness.run(advance=1)
    harness.run(advance=1)
    assert len(open_files(machine)) == 2, "those that ended left theirs to others"
    assert vms(harness) == [f"new{number}" for number in range(len(newcomers))]


def test_a_guest_is_gone_though_its_file_is_still_open(machine: Machine, watching: Watching) -> None:
    guest = machine.guest("-name", "vm")
    harness = watching()
    harness.run()
    harness.run(advance=1)
    guest.folder.rename(machine.root / "elsewhere")
    harness.run(advance=1)
    assert vms(harness) == []
