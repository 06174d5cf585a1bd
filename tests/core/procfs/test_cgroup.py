"""Control groups in the three ways that systems mount them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.procfs import CgroupTree, find_cgroups, list_cgroup_trees

V2 = b"0::/system.slice/cron.service\n"
V1 = b"5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n"
HYBRID = b"4:cpu,cpuacct:/docker/abc\n1:name=systemd:/system.slice\n0::/system.slice\n"


class Machine:
    """A /sys with control groups below it."""

    def __init__(self, sys: Path) -> None:
        self.sys = sys

    def write(self, path: str, text: str) -> None:
        file = self.sys / "fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def v1(self, group: str, nanoseconds: int) -> None:
        self.write("cpu,cpuacct/cpuacct.usage", "999000000000\n")
        self.write(f"cpu,cpuacct{group}/cpuacct.usage", f"{nanoseconds}\n")

    def v2(self, group: str, microseconds: int, mount: str = "") -> None:
        self.write(f"{mount}cgroup.controllers", "cpu memory\n")
        self.write(f"{mount}{group.lstrip('/')}/cpu.stat", f"usage_usec {microseconds}\nuser_usec 1\nsystem_usec 2\n")

    def tree(self) -> CgroupTree:
        tree = find_cgroups(self.sys)
        assert tree is not None
        return tree


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_version_2(machine: Machine) -> None:
    machine.v2("/system.slice/cron.service", 2_500_000)
    group = machine.tree().group_of(V2)
    assert group == "/system.slice/cron.service"
    assert machine.tree().cpu_seconds(group) == 2.5
    assert machine.tree().group_of(V1) is None


@pytest.mark.parametrize("cgroup", [V1, HYBRID])
def test_version_1_alone_and_beside_version_2(machine: Machine, cgroup: bytes) -> None:
    machine.v1("/docker/abc", 2_500_000_000)
    machine.v2("/system.slice", 7, mount="unified/")
    tree = machine.tree()
    group = tree.group_of(cgroup)
    assert group == "/docker/abc"
    assert tree.cpu_seconds(group) == 2.5


def test_version_2_beside_a_version_1_that_counts_no_cpu_time(machine: Machine) -> None:
    machine.write("memory/memory.usage_in_bytes", "1\n")
    machine.v2("/system.slice", 1_000_000, mount="unified/")
    group = machine.tree().group_of(HYBRID)
    assert group == "/system.slice"
    assert machine.tree().cpu_seconds(group) == 1.0


def test_both_hierarchies_of_the_hybrid_layout_are_listed(machine: Machine) -> None:
    machine.v1("/docker/abc", 2_500_000_000)
    machine.v2("/system.slice", 7, mount="unified/")
    assert [tree.version for tree in list_cgroup_trees(machine.sys)] == [1, 2]


def test_a_system_without_control_groups(machine: Machine) -> None:
    assert find_cgroups(machine.sys) is None


def test_a_group_that_is_gone_keeps_its_name_and_has_no_time(machine: Machine) -> None:
    machine.v2("/a", 1)
    group = machine.tree().group_of(b"0::/gone:with a colon (deleted)\n")
    assert group == "/gone:with a colon"
    with pytest.raises(FileNotFoundError):
        machine.tree().cpu_seconds(group)


def test_a_group_outside_of_our_namespace_leads_nowhere(machine: Machine) -> None:
    machine.v2("/a", 1)
    with pytest.raises(ValueError, match="outside"):
        machine.tree().cpu_seconds("/../../a")


def test_a_file_that_does_not_say_the_time_is_refused(machine: Machine) -> None:
    machine.v2("/a", 1)
    machine.write("a/cpu.stat", "nr_periods 0\n")
    with pytest.raises(ValueError, match="usage_usec"):
        machine.tree().cpu_seconds("/a")


@pytest.mark.parametrize("time", ["9" * 400, "-1", "soon"])
def test_a_time_that_cannot_be_is_refused(machine: Machine, time: str) -> None:
    machine.v2("/a", 1)
    machine.write("a/cpu.stat", f"usage_usec {time}\n")
    with pytest.raises(ValueError, match="counter|literal"):
        machine.tree().cpu_seconds("/a")


@given(st.lists(st.sampled_from([b"0::/a", b"4:cpuacct:/b", b":", b"0:"]) | st.binary(max_size=12)))
def test_whatever_a_process_is_in_it_is_a_group_or_none(lines: list[bytes]) -> None:
    for version in (1, 2):
        group = CgroupTree(Path("/"), version).group_of(b"\n".join(lines))
        assert group is None or isinstance(group, str)
