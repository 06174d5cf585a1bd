"""Why there is no data, told apart, with a fix that works."""

from __future__ import annotations

import os
import subprocess

import pytest

from collector_core import NotAvailable
from collector_plugins.rapl import ENERGY, RESCAN_SECONDS, Rapl


def cpuinfo(rig, flags):
    proc = rig.tree.root / "proc"
    proc.mkdir()
    (proc / "cpuinfo").write_text(f"processor\t: 0\nmodel name\t: hypervisor of things\nflags\t\t: {flags}\n")


def problem(rig):
    found = Rapl.detect(rig.context())
    with pytest.raises(NotAvailable) as raised:
        rig.collector.open()
    assert (raised.value.reason, raised.value.detail, raised.value.fix) == (found.reason, found.detail, found.fix)
    return found


def test_zones_that_can_be_read_are_fine(two_sockets):
    assert Rapl.detect(two_sockets.context()) is None


def test_without_a_tree_the_driver_is_missing(rig):
    cpuinfo(rig, "fpu vme")
    found = problem(rig)
    assert found.reason == "not_found"
    assert "does not exist" in found.detail
    assert found.fix == "sudo modprobe intel_rapl_msr"


def test_a_virtual_machine_is_told_to_measure_on_the_host(rig):
    cpuinfo(rig, "fpu hypervisor vme")
    found = problem(rig)
    assert "virtual machine" in found.detail
    assert "on the host" in found.fix


def test_a_tree_without_energy_says_so(rig):
    rig.tree.control_type("intel-rapl")
    (rig.tree.by_class / "intel-rapl:9").write_text("")
    found = problem(rig)
    assert found.reason == "not_found"
    assert "no zone that counts energy" in found.detail


def test_a_container_that_masks_the_zones_is_recognised(two_sockets):
    masked = two_sockets.tree.root / "sys/devices/virtual/powercap"
    masked.rename(two_sockets.tree.root / "hidden")
    found = problem(two_sockets)
    assert found.reason == "not_found"
    assert "masked" in found.detail
    assert "root: /host" in found.fix


def test_a_tree_that_is_a_file_is_not_found(rig):
    rig.tree.by_class.parent.mkdir(parents=True)
    rig.tree.by_class.write_text("")
    assert problem(rig).reason == "not_found"


def test_all_denied_is_permission_and_the_fix_works(two_sockets):
    two_sockets.tree.deny(*two_sockets.tree.zones)
    with two_sockets.unprivileged():
        found = problem(two_sockets)
        with pytest.raises(NotAvailable) as raised:
            two_sockets.run()
    assert found.reason == raised.value.reason == "permission"
    assert found.fix == f"sudo chmod a+r {two_sockets.tree.by_class}/*/energy_uj"
    subprocess.run(found.fix.removeprefix("sudo "), shell=True, check=True)
    with two_sockets.unprivileged():
        assert Rapl.detect(two_sockets.context()) is None
        two_sockets.open()
    two_sockets.tree.advance(1.0)
    two_sockets.clock.advance(1.0)
    with two_sockets.unprivileged():
        assert len(two_sockets.run().by_path(ENERGY)) == 10


def test_one_denied_zone_fails_alone(two_sockets):
    two_sockets.tree.deny("intel-rapl:2")
    with two_sockets.unprivileged():
        run = two_sockets.open()
    assert set(run.failures) == {"intel-rapl:2"}
    assert isinstance(run.failures["intel-rapl:2"], PermissionError)
    assert len(run.roles()) == 9


def test_permission_lost_while_running_is_not_available_from_the_next_scan_on(two_sockets):
    two_sockets.open()
    two_sockets.tree.deny(*two_sockets.tree.zones)
    two_sockets.clock.advance(RESCAN_SECONDS)
    with two_sockets.unprivileged(), pytest.raises(NotAvailable) as raised:
        two_sockets.run()
    assert raised.value.reason == "permission"


def test_a_tree_that_may_not_be_listed_is_permission(two_sockets):
    two_sockets.tree.by_class.chmod(0o700 if os.geteuid() == 0 else 0)
    try:
        with two_sockets.unprivileged():
            found = problem(two_sockets)
    finally:
        two_sockets.tree.by_class.chmod(0o755)
    assert found.reason == "permission"


def test_denied_and_broken_together_are_permission(rig):
    for number in (0, 1):
        rig.tree.add(f"intel-rapl:{number}", f"package-{number}")
    rig.tree.deny("intel-rapl:0")
    rig.tree.break_with_eio("intel-rapl:1")
    with rig.unprivileged():
        assert problem(rig).reason == "permission"


def test_zones_that_only_fail_are_there_all_the_same(rig):
    rig.tree.add("intel-rapl:0", "package-0")
    rig.tree.break_with_eio("intel-rapl:0")
    assert Rapl.detect(rig.context()) is None
    assert set(rig.open().failures) == {"intel-rapl:0"}


def test_detecting_changes_nothing(two_sockets):
    def state():
        return {path: path.lstat().st_mtime_ns for path in two_sockets.tree.root.rglob("*")}

    before = state()
    Rapl.detect(two_sockets.context())
    assert state() == before
