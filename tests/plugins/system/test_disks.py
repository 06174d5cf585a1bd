"""Every byte of a disk once, whatever is stacked on it and however many ways lead to it."""

from __future__ import annotations

from typing import Any

import pytest

from collector_plugins.system.disks import SEARCH_RUNS

ROW = "1 0 {sectors} 1 1 0 16 1 0 2 2"


def diskstats(machine: Any, **sectors: int) -> None:
    rows = (f"   8 {number} {name} {ROW.format(sectors=read)}\n" for number, (name, read) in enumerate(sectors.items()))
    machine.write("proc/diskstats", "".join(rows))


def block(machine: Any, name: str, **files: str) -> None:
    (machine.root / "sys/block" / name / "slaves").mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        machine.write(f"sys/block/{name}/{file}", content)


def read_bytes(machine: Any) -> dict[str, float]:
    run = machine.run()
    assert run.failed == []
    return {device: read for (device,), read in run["system_disk_read_bytes_total"].items()}


def test_hidden_paths_are_not_disks(machine: Any) -> None:
    block(machine, "nvme3n2", hidden="0\n")
    for path in ("nvme3c0n2", "nvme3c1n2"):
        block(machine, path, hidden="1\n")
    diskstats(machine, nvme3n2=20, nvme3c0n2=12, nvme3c1n2=8)
    assert read_bytes(machine) == {"nvme3n2": 20 * 512}


def test_any_disk_that_the_kernel_hides_is_none(machine: Any) -> None:
    block(machine, "sda", hidden="0\n")
    block(machine, "sdb", hidden="1\n")
    diskstats(machine, sda=1, sdb=2)
    assert read_bytes(machine) == {"sda": 512}


@pytest.mark.parametrize("has_sys", [True, False])
def test_where_only_the_paths_count_theirs_are_the_disks(machine: Any, has_sys: bool) -> None:
    if has_sys:
        for name in ("nvme0n1", "nvme0c0n1", "nvme0c1n1"):
            block(machine, name)
    machine.write(
        "proc/diskstats",
        "259 0 nvme0n1 0 0 0 0 0 0 0 0 0 0 0\n"
        f"259 1 nvme0c0n1 {ROW.format(sectors=30)}\n"
        f"259 2 nvme0c1n1 {ROW.format(sectors=12)}\n"
        f"259 3 nvme0n1p1 {ROW.format(sectors=42)}\n",
    )
    assert read_bytes(machine) == {"nvme0n1": 42 * 512}


def test_what_a_path_counted_stays_when_it_is_lost_and_comes_back(machine: Any) -> None:
    head = "259 0 nvme0n1 0 0 0 0 0 0 0 0 0 0 0\n"
    first, second = (f"259 {path} nvme0c{path}n1 {{}} 0 {{}} 1 1 0 16 1 0 2 2\n" for path in (0, 1))
    for lines, sectors in [
        ([first.format(9, 30), second.format(5, 12)], 42),
        ([first.format(9, 33)], 45),
        ([first.format(9, 33), second.format(1, 2)], 47),
        ([first.format(1, 1), second.format(1, 2)], 48),
    ]:
        machine.write("proc/diskstats", head + "".join(lines))
        assert read_bytes(machine) == {"nvme0n1": sectors * 512}


@pytest.mark.parametrize("name", ["dm-0", "md127", "bcache0", "zd16", "loop0", "vdo7"])
def test_what_is_stacked_on_other_disks_is_left_out(machine: Any, name: str) -> None:
    for disk in ("sda", name):
        block(machine, disk)
    (machine.root / f"sys/block/{name}/slaves/sda").touch()
    diskstats(machine, sda=7, **{name: 7})
    assert read_bytes(machine) == {"sda": 7 * 512}


def test_a_stacked_disk_can_be_asked_for_by_a_pattern(machine: Any) -> None:
    machine.options["devices"] = {"include": ["vdo*", "zd*", "nvme0c0n1"]}
    for disk in ("sda", "vdo7", "zd0", "nvme0c0n1", "nvme0n1"):
        block(machine, disk, hidden="1" if "c0" in disk else "0")
    (machine.root / "sys/block/vdo7/slaves/sda").touch()
    diskstats(machine, sda=1, vdo7=2, zd0=3, nvme0c0n1=4, nvme0n1=5)
    assert read_bytes(machine) == {"vdo7": 1024, "zd0": 1536, "nvme0c0n1": 2048}


@pytest.mark.parametrize(
    ("disk", "partition"),
    [("dasda", "dasda1"), ("pmem0", "pmem0p1"), ("nvme0n1", "nvme0n1p15"), ("rbd0", "rbd0p1"), ("xvda", "xvda1")],
)
def test_partitions_are_told_by_their_names_in_a_container(machine: Any, disk: str, partition: str) -> None:
    diskstats(machine, **{disk: 3, partition: 3})
    assert read_bytes(machine) == {disk: 1536}


def test_a_disk_that_gets_its_folder_late_is_found(machine: Any) -> None:
    block(machine, "sda")
    diskstats(machine, sda=1, sdb=2)
    assert list(read_bytes(machine)) == ["sda"]
    block(machine, "sdb")
    for _ in range(SEARCH_RUNS):
        found = read_bytes(machine)
    assert list(found) == ["sda", "sdb"]


def test_a_disk_that_cannot_be_read_fails_alone(machine: Any) -> None:
    machine.write("proc/diskstats", f"8 0 sda {ROW.format(sectors=9)}\n8 16 sdb {'9' * 400} 0 0 1 1 0 16 1 0 2 2\n")
    run = machine.run()
    assert run.failed == ["group=disks,device=sdb ValueError"]
    assert run["system_disk_read_bytes_total"] == {("sda",): 9 * 512}
