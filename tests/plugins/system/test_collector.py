"""What the collector makes of a machine that changes, fails, or lacks something."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector_core import Context, NotAvailable
from collector_core.testing import Harness
from collector_plugins.system import System, collector_types, metrics
from collector_plugins.system.sysfs import LOOK_RUNS

HEADER = "Inter-|   Receive\n face |bytes\n"


def stat(*rows: str) -> str:
    return f"cpu  {rows[0]}\n" + "".join(f"cpu{number} {row}\n" for number, row in enumerate(rows))


def context(root: Path) -> Context:
    return Context(name="system", logger=logging.getLogger("test"), root=root)


def test_the_plugin_offers_its_collector() -> None:
    assert collector_types() == [System]


def test_nothing_is_absence_not_failure(machine: Any) -> None:
    run = machine.run()
    assert run.series == {}
    assert run.failed == []


def test_usage_is_the_busy_part_of_the_time_between_two_runs(machine: Any) -> None:
    # user nice system idle iowait irq softirq steal guest guest_nice
    machine.write("proc/stat", stat("100 10 50 1000 20 1 2 3 40 5", "1 1 1 1 1 1 1 1 1 1"))
    assert machine.run()["system_cpu_usage_ratio"] == {}
    machine.write("proc/stat", stat("120 15 60 1040 40 2 4 5 60 10", "1 1 1 1 1 1 1 1 1 1"))
    run = machine.run()
    # busy: 20 + 5 + 10 + 1 + 2 + 2 = 40 (guests are in user and nice), idle: 40 + 20 = 60
    assert run["system_cpu_usage_ratio"] == {(): pytest.approx(0.4)}
    assert run["system_cpu_core_usage_ratio"] == {("0",): pytest.approx(0.4)}


def test_an_idle_cpu_is_0_in_spite_of_rounding(machine: Any) -> None:
    machine.write("proc/stat", stat("1234567 89 10111213 100 7 3 9 1 0 0"))
    machine.run()
    machine.write("proc/stat", stat("1234567 89 10111213 203 7 3 9 1 0 0"))
    assert machine.run()["system_cpu_usage_ratio"] == {(): 0.0}


def test_usage_is_absent_where_counters_began_anew_or_stood_still(machine: Any) -> None:
    machine.write("proc/stat", stat("1000 0 0 1000", "1000 0 0 1000", "1000 0 0 1000"))
    machine.run()
    machine.write("proc/stat", stat("10 0 0 20", "1010 0 0 1010", "1000 0 0 1000"))
    run = machine.run()
    assert run["system_cpu_core_usage_ratio"] == {("1",): 0.5}
    assert run["system_cpu_usage_ratio"] == {(): 0.5}  # of the CPUs that went on
    assert run["system_cpu_seconds_total"]["0", "idle"] == 0.2
    assert run.failed == []


@pytest.mark.parametrize("mode", ["idle", "iowait", "user"])
def test_a_step_back_by_a_tick_is_not_shown_and_costs_no_usage(machine: Any, mode: str) -> None:
    ticks = {"user": 5000, "nice": 0, "system": 100, "idle": 90_000, "iowait": 500}
    machine.write("proc/stat", stat(" ".join(map(str, ticks.values()))))
    before = machine.run()
    for grown in (-1, -1, 0, 1):
        later = {name: value + (grown if name == mode else 25) for name, value in ticks.items()}
        machine.write("proc/stat", stat(" ".join(map(str, later.values()))))
        run = machine.run()
        assert run["system_cpu_seconds_total"]["0", mode] == (ticks[mode] + max(grown, 0)) / 100
        ticks = {name: max(value, ticks[name]) for name, value in later.items()}
    assert set(run["system_cpu_core_usage_ratio"]) == {("0",)}
    assert set(before["system_cpu_seconds_total"]) == set(run["system_cpu_seconds_total"])


def test_iowait_that_falls_by_a_lot_is_no_restart(machine: Any) -> None:
    machine.write("proc/stat", stat("100 0 0 100 5000", "100 0 0 100 5000"))
    machine.run()
    machine.write("proc/stat", stat("150 0 0 150 4000", "150 0 0 150 4000"))
    run = machine.run()
    assert run["system_cpu_seconds_total"]["0", "iowait"] == 50
    assert run["system_cpu_usage_ratio"] == {(): 0.5}


def test_a_cpu_that_was_away_counts_on_from_where_it_is(machine: Any) -> None:
    machine.write("proc/stat", stat("100 0 0 100", "100 0 0 100", "100 0 0 100"))
    machine.run()
    machine.write("proc/stat", stat("110 0 0 110", "110 0 0 110"))
    machine.run()
    machine.write("proc/stat", stat("120 0 0 120", "120 0 0 120", "1 0 0 2"))
    assert machine.run()["system_cpu_seconds_total"]["2", "user"] == 0.01


def test_usage_is_absent_while_the_clock_stands_still(machine: Any) -> None:
    machine.write("proc/stat", stat("100 0 0 100"))
    machine.run()
    machine.write("proc/stat", stat("150 0 0 110"))
    assert machine.run(seconds=0)["system_cpu_usage_ratio"] == {}
    machine.write("proc/stat", stat("175 0 0 125"))
    assert machine.run()["system_cpu_usage_ratio"] == {(): 0.75}


def test_usage_starts_anew_when_opened_again(machine: Any) -> None:
    machine.write("proc/stat", stat("100 0 0 100"))
    machine.run()
    machine.collector.close()
    machine.collector.close()
    machine.collector.open()
    machine.write("proc/stat", stat("150 0 0 150"))
    assert machine.run()["system_cpu_usage_ratio"] == {}


def test_a_cpu_that_comes_back_has_no_usage_from_before(machine: Any) -> None:
    machine.write("proc/stat", stat("100 0 0 100", "100 0 0 100", "100 0 0 100"))
    machine.run()
    machine.write("proc/stat", stat("110 0 0 110", "110 0 0 110"))
    machine.run()
    machine.write("proc/stat", stat("120 0 0 120", "120 0 0 120", "120 0 0 120"))
    assert set(machine.run()["system_cpu_core_usage_ratio"]) == {("0",), ("1",)}


@pytest.mark.parametrize(
    ("path", "before", "after", "metric"),
    [
        ("proc/loadavg", "1 1 1 1/2 3\n", "2 1 1 1/2 3\n", "system_load_average"),
        ("proc/meminfo", "MemTotal: 1 kB\n", "MemTotal: 2 kB\n", "system_memory_total_bytes"),
        (
            "proc/diskstats",
            "8 0 sda 1 1 1 1 1 1 1 1 1 1 1\n",
            "8 0 sda 2 1 1 1 1 1 1 1 1 1 1\n",
            "system_disk_reads_total",
        ),
        (
            "proc/net/dev",
            f"{HEADER}eth0:{' 1' * 16}\n",
            f"{HEADER}eth0:{' 2' * 16}\n",
            "system_network_receive_bytes_total",
        ),
        ("proc/net/sockstat", "sockets: used 1\n", "sockets: used 2\n", "system_sockets"),
        ("proc/mounts", "/dev/a / ext4 rw 0 0\n", "/dev/a / xfs rw 0 0\n", "system_filesystem_size_bytes"),
        ("sys/class/hwmon/hwmon0/temp1_input", "1000\n", "2000\n", "system_temperature_celsius"),
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1000\n", "2000\n", "system_cpu_frequency_hertz"),
    ],
)
def test_a_replaced_file_is_seen_and_a_removed_one_is_gone(
    machine: Any, path: str, before: str, after: str, metric: str
) -> None:
    machine.write(path, before)
    first = machine.run()[metric]
    assert first
    machine.write(path, after)
    second = machine.run()
    assert second[metric]
    assert second[metric] != first
    (machine.root / path).unlink()
    third = machine.run()
    assert third[metric] == {}
    assert third.failed == []


def test_a_file_that_cannot_be_read_fails_only_its_group(machine: Any) -> None:
    machine.write("proc/loadavg", "1 1 1 1/2 3\n")
    machine.write("proc/meminfo", "MemTotal: 1 kB\n")
    (machine.root / "proc/diskstats").mkdir()
    (machine.root / "proc/net").mkdir()
    (machine.root / "proc/net/dev").symlink_to("dev")
    run = machine.run()
    assert run.failed == ["group=disks IsADirectoryError", "group=network OSError"]
    assert run["system_load_average"]
    assert run["system_memory_total_bytes"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_must_not_be_read_is_a_failure(machine: Any) -> None:
    machine.write("proc/meminfo", "MemTotal: 1 kB\n")
    (machine.root / "proc/meminfo").chmod(0)
    assert machine.run().failed == ["group=memory PermissionError"]


def test_a_failed_group_recovers(machine: Any) -> None:
    machine.write("proc/mounts", "garbage\n")
    machine.write("proc/cpuinfo", "garbage\n")
    assert machine.run().failed == ["group=cpu_info ValueError", "group=filesystems ValueError"]
    assert machine.run().failed == ["group=cpu_info ValueError", "group=filesystems ValueError"]
    machine.write("proc/mounts", "/dev/a / ext4 rw 0 0\n")
    assert set(machine.run()["system_filesystem_size_bytes"]) == {("/", "ext4")}


def mounted(machine: Any, *lines: bytes) -> dict[tuple[str, ...], float]:
    for line in lines:
        point = line.split(b" ")[1].replace(rb"\040", b" ")
        Path(os.fsdecode(os.fsencode(machine.root) + point)).mkdir(parents=True, exist_ok=True)
    machine.write("proc/mounts", b"".join(line + b" rw 0 0\n" for line in lines))
    run = machine.run()
    assert run.failed == []
    return dict(run["system_filesystem_size_bytes"])


def test_file_systems_report_what_statvfs_says(machine: Any) -> None:
    size = mounted(machine, rb"/dev/sda1 /my\040data ext4")
    status = os.statvfs(machine.root)
    assert size == {("/my data", "ext4"): status.f_blocks * status.f_frsize}


def test_inodes_are_those_of_statvfs_and_absent_where_there_is_no_table_of_them(machine: Any) -> None:
    mounted(machine, b"/dev/sda1 / ext4")
    run, status = machine.run(), os.statvfs(machine.root)
    total = {("/", "ext4"): status.f_files} if status.f_files else {}
    assert run["system_filesystem_inodes"] == total
    assert set(run["system_filesystem_inodes_available"]) == set(total)


def test_a_mount_point_that_is_not_utf8_has_a_label(machine: Any) -> None:
    try:
        found = mounted(machine, b"/dev/sda1 /caf\xe9 ext4", "/dev/sdb1 /café ext4".encode())
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    assert set(found) == {(r"/caf\xe9", "ext4"), ("/café", "ext4")}


def test_a_device_is_published_once_at_its_first_chosen_mount_point(machine: Any) -> None:
    machine.options["mountpoints"] = {"exclude": ["/first"]}
    lines = [b"/dev/sda1 /first ext4", b"/dev/sda1 /second ext4", b"/dev/sda1 /third ext4", b"/dev/sdb1 /b ext4"]
    assert set(mounted(machine, *lines)) == {("/second", "ext4"), ("/b", "ext4")}


def test_zfs_datasets_are_file_systems_of_their_own(machine: Any) -> None:
    assert len(mounted(machine, b"tank /tank zfs", b"tank/home /tank/home zfs")) == 2


def test_two_file_systems_in_memory_are_not_one(machine: Any) -> None:
    machine.options["mountpoints"] = {"include": ["/a", "/b"]}
    assert len(mounted(machine, b"tmpfs /a tmpfs", b"tmpfs /b tmpfs")) == 2


def test_what_is_mounted_over_something_hides_it(machine: Any) -> None:
    assert set(mounted(machine, b"/dev/sda1 /data ext4", b"nas:/data /data nfs4")) == set()
    assert set(mounted(machine, b"rootfs / rootfs", b"/dev/sda1 / ext4")) == {("/", "ext4")}


@pytest.mark.parametrize(
    "line",
    [
        b"nas:/a /mnt/nas nfs4",
        b"//nas/a /mnt/nas cifs",
        b"me@nas: /mnt/nas fuse.sshfs",
        b"/dev/fuse /mnt/nas fuse",
    ],
)
def test_network_file_systems_must_be_named_in_full(
    machine_at: Callable[..., Any], tmp_path: Path, line: bytes
) -> None:
    (tmp_path / "proc").mkdir()
    for include in ([], ["*"], ["/mnt/*"]):
        assert mounted(machine_at(tmp_path, {"mountpoints": {"include": include}}), line) == {}
    assert len(mounted(machine_at(tmp_path, {"mountpoints": {"include": ["/mnt/nas"]}}), line)) == 1


def test_a_file_system_that_cannot_be_asked_fails_alone(machine: Any) -> None:
    (machine.root / "loop").symlink_to("loop")
    machine.write("proc/mounts", "/dev/a /loop ext4 rw 0 0\n/dev/b / ext4 rw 0 0\n")
    run = machine.run()
    assert run.failed == ["group=filesystems,mountpoint=/loop,fstype=ext4 OSError"]
    assert set(run["system_filesystem_size_bytes"]) == {("/", "ext4")}


def test_a_network_interface_that_is_not_utf8_has_a_label(machine: Any) -> None:
    machine.write("proc/net/dev", HEADER.encode() + b"n\xff:" + b" 1" * 16 + b"\n")
    assert machine.run()["system_network_receive_bytes_total"] == {(r"n\xff",): 1}


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        (rb"/a\012b", "/a\nb"),
        (b'/a"b', '/a"b'),
        (rb"/a\134b", r"/a\b"),
        (b"/red\x1b[31m", r"/red\x1b[31m"),
        ("/\u202edrac".encode(), r"/\u202edrac"),
        (b"/deep" * 40, "/deep" * 40),
    ],
)
def test_whatever_a_mount_point_is_called_it_is_one_line_of_the_page(tmp_path: Path, raw: bytes, label: str) -> None:
    point = raw.replace(rb"\012", b"\n").replace(rb"\134", b"\\")
    Path(os.fsdecode(os.fsencode(tmp_path) + point)).mkdir(parents=True)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/mounts").write_bytes(b"/dev/sdx %b ext4 rw 0 0\n/dev/sdy / ext4 rw 0 0\n" % raw)
    harness = Harness(System, tmp_path)
    harness.run()
    assert set(harness.series(metrics.FILESYSTEM_SIZE)) == {(label, "ext4"), ("/", "ext4")}
    (family,) = [each for each in text_string_to_metric_families(harness.exposition()) if "size" in each.name]
    assert {sample.labels["mountpoint"] for sample in family.samples} == {label, "/"}
    harness.close()


def test_partitions_are_told_by_name_where_sys_block_is_missing(machine: Any) -> None:
    names = ["sda", "sda1", "nvme0n1", "nvme0n1p2", "mmcblk0", "mmcblk0p1", "vdb", "vdb12", "xvda1"]
    machine.write("proc/diskstats", "".join(f"8 0 {name} 1 1 1 1 1 1 1 1 1 1 1\n" for name in names))
    devices = {device for (device,) in machine.run()["system_disk_reads_total"]}
    assert devices == {"sda", "nvme0n1", "mmcblk0", "vdb"}


def test_a_slash_in_the_name_of_a_disk_is_a_bang_in_sys(machine: Any) -> None:
    (machine.root / "sys/block/cciss!c0d0").mkdir(parents=True)
    machine.write("proc/diskstats", "1 0 cciss/c0d0 1 1 1 1 1 1 1 1 1 1 1\n1 1 cciss/c0d0p1 1 1 1 1 1 1 1 1 1 1 1\n")
    assert set(machine.run()["system_disk_reads_total"]) == {("cciss/c0d0",)}


def test_two_chips_of_one_kind_are_told_apart_by_their_devices(machine: Any) -> None:
    for number, device in enumerate(["nvme0", "nvme1"]):
        machine.write(f"sys/devices/{device}/hwmon{number}/name", "nvme\n")
        machine.write(f"sys/devices/{device}/hwmon{number}/temp1_input", f"{30000 + number}\n")
        (machine.root / f"sys/devices/{device}/hwmon{number}/device").symlink_to(f"../../{device}")
        (machine.root / "sys/class/hwmon").mkdir(parents=True, exist_ok=True)
        (machine.root / f"sys/class/hwmon/hwmon{number}").symlink_to(f"../../devices/{device}/hwmon{number}")
    assert machine.run()["system_temperature_celsius"] == {
        ("nvme-nvme0", "temp1"): 30.0,
        ("nvme-nvme1", "temp1"): 30.001,
    }


def test_sensors_with_the_same_label_and_sleeping_ones(machine: Any) -> None:
    chip = "sys/class/hwmon/hwmon0"
    machine.write(f"{chip}/name", "board\n")
    for number in (1, 2, 10):
        machine.write(f"{chip}/temp{number}_input", f"{number}000\n")
        machine.write(f"{chip}/temp{number}_label", "Core\n")
    (machine.root / f"{chip}/temp3_input").symlink_to("temp3_input")  # as good as EIO
    run = machine.run()
    assert run["system_temperature_celsius"] == {("board", "Core"): 1, ("board", "temp2"): 2, ("board", "temp10"): 10}
    assert run.failed == []


def test_a_new_chip_is_found(machine: Any) -> None:
    machine.write("sys/class/hwmon/hwmon0/temp1_input", "1000\n")
    machine.run()
    machine.write("sys/class/hwmon/hwmon1/temp1_input", "2000\n")
    for _ in range(LOOK_RUNS):
        found = machine.run()["system_temperature_celsius"]
    assert found == {("hwmon0", "temp1"): 1, ("hwmon1", "temp1"): 2}


def test_detect_says_why_and_what_fixes_it(tmp_path: Path) -> None:
    missing = System.detect(context(tmp_path))
    assert missing is not None
    assert missing.reason == "not_found"
    assert "/host" in missing.fix
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").touch()
    assert System.detect(context(tmp_path)) is None


def test_open_below_a_wrong_root_is_not_available(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="does not exist"):
        System(System.config_type(), context(tmp_path)).open()


def test_close_is_legal_without_open(tmp_path: Path) -> None:
    System(System.config_type(), context(tmp_path)).close()
