"""Sensors wherever the kernel puts them, and what they say where they have nothing to say."""

from __future__ import annotations

import os
from typing import Any

import pytest

from collector_plugins.system.sysfs import LOOK_RUNS, SEARCH_RUNS

HWMON = "sys/class/hwmon"
THERMAL = "sys/class/thermal"


def chip(machine: Any, number: int, name: str | bytes, below: str = "", **files: str | bytes | int) -> None:
    """Give the machine a chip; numbers are millidegrees."""
    folder = f"{HWMON}/hwmon{number}/{below}"
    machine.write(f"{folder}name", name)
    for file, content in files.items():
        machine.write(f"{folder}{file}", content if isinstance(content, bytes) else f"{content}\n")


def zone(machine: Any, number: int, kind: str, millidegrees: object) -> None:
    machine.write(f"{THERMAL}/thermal_zone{number}/type", f"{kind}\n")
    machine.write(f"{THERMAL}/thermal_zone{number}/temp", f"{millidegrees}\n")


def temperatures(machine: Any) -> dict[tuple[str, ...], float]:
    run = machine.run()
    assert run.failed == []
    return dict(run["system_temperature_celsius"])


@pytest.mark.parametrize("odd", [b"", b"\n", b"N/A\n", b"\xff\n", b"-\n", b"nan\n", b"9" * 400, b"0x20\n"])
def test_a_sensor_that_says_no_number_is_absent_alone(machine: Any, odd: bytes) -> None:
    chip(machine, 0, "board", temp1_input=odd, temp2_input=42000)
    chip(machine, 1, "nvme", temp1_input=31850)
    assert temperatures(machine) == {("board", "temp2"): 42.0, ("nvme", "temp1"): 31.85}
    chip(machine, 0, "board", temp1_input=17000)
    assert temperatures(machine)["board", "temp1"] == 17.0


@pytest.mark.parametrize("millidegrees", [-273150, -128000, -127000, -100000, 200000, 255000, 65261850, 4294967295000])
def test_what_no_machine_can_have_is_absent(machine: Any, millidegrees: int) -> None:
    chip(machine, 0, "board", temp1_input=millidegrees, temp2_input=-20000, temp3_input=127000)
    zone(machine, 0, "soc", millidegrees)
    zone(machine, 1, "gpu", 48500)
    assert temperatures(machine) == {("board", "temp2"): -20, ("board", "temp3"): 127, ("gpu", "thermal_zone1"): 48.5}


def test_a_sensor_with_a_fault_is_absent_until_it_is_mended(machine: Any) -> None:
    chip(machine, 0, "board", temp1_input=127000, temp1_fault=1, temp2_input=35000, temp2_fault=0)
    assert temperatures(machine) == {("board", "temp2"): 35}
    chip(machine, 0, "board", temp1_input=36000, temp1_fault=0, temp2_fault="?")
    assert temperatures(machine) == {("board", "temp1"): 36, ("board", "temp2"): 35}


def test_a_sensor_of_a_sleeping_device_is_not_read(machine: Any) -> None:
    """It would wake the device; here the value is a trap that only the look at it springs."""
    chip(machine, 0, "amdgpu", temp1_input=b"")
    chip(machine, 1, "nvme", temp1_input=30000)
    for number, status in enumerate(["suspended", "active"]):
        machine.write(f"{HWMON}/hwmon{number}/device/power/runtime_status", f"{status}\n")
    trap = machine.root / f"{HWMON}/hwmon0/temp1_input"
    trap.unlink()
    os.mkfifo(trap)  # whoever opens it waits for ever
    assert temperatures(machine) == {("nvme", "temp1"): 30}
    trap.unlink()
    chip(machine, 0, "amdgpu", temp1_input=40000)
    machine.write(f"{HWMON}/hwmon0/device/power/runtime_status", "active\n")
    assert temperatures(machine) == {("amdgpu", "temp1"): 40, ("nvme", "temp1"): 30}


@pytest.mark.parametrize(
    ("limits", "millidegrees", "believed"),
    [
        ({"temp1_crit": 100000}, 127000, False),
        ({"temp1_crit": 100000}, 112000, True),
        ({"temp1_max": 80000}, 127500, False),
        ({"temp1_crit": 118000}, 127000, True),
        ({"temp1_max": 127000, "temp1_min": -128000}, 127000, True),
        ({"temp1_max": 0, "temp1_crit": 65261850}, 127000, True),
        ({"temp1_min": 0}, -61000, False),
        ({"temp1_min": 0}, -24500, True),
        ({"temp1_min": -128000}, -61000, True),
    ],
)
def test_a_sensors_own_limits_say_what_it_cannot_read(
    machine: Any, limits: dict[str, int], millidegrees: int, believed: bool
) -> None:
    chip(machine, 0, "board", temp1_input=millidegrees, **limits)
    assert bool(temperatures(machine)) == believed


def test_a_zones_critical_trip_is_its_limit(machine: Any) -> None:
    for number, kind in enumerate(["active", "critical"]):
        zone(machine, number, "soc", 127000)
        machine.write(f"{THERMAL}/thermal_zone{number}/trip_point_0_type", f"{kind}\n")
        machine.write(f"{THERMAL}/thermal_zone{number}/trip_point_0_temp", "95000\n")
    assert temperatures(machine) == {("soc", "thermal_zone0"): 127}


def test_old_drivers_keep_their_files_with_the_device(machine: Any) -> None:
    chip(machine, 0, "lm85", below="device/", temp1_input=41000, temp1_label="Core 0", temp2_input=43000)
    chip(machine, 1, "lm75", temp1_input=27800)
    machine.write(f"{HWMON}/hwmon1/device/temp", "27800\n")
    machine.write(f"{HWMON}/hwmon1/device/temp1_input", "27800\n")
    machine.write(f"{HWMON}/hwmon1/device/temp1_max_input", "1\n")
    assert temperatures(machine) == {("lm85", "Core 0"): 41, ("lm85", "temp2"): 43, ("lm75", "temp1"): 27.8}


def test_two_chips_whose_files_are_with_one_device_show_them_once(machine: Any) -> None:
    machine.write("sys/devices/i2c-1/name", "adt7475\n")
    machine.write("sys/devices/i2c-1/temp1_input", "50000\n")
    for number in (0, 1):
        (machine.root / f"{HWMON}/hwmon{number}").mkdir(parents=True)
        (machine.root / f"{HWMON}/hwmon{number}/device").symlink_to("../../../devices/i2c-1")
    assert list(temperatures(machine).values()) == [50]


def test_two_chips_of_one_name_and_device_are_both_kept(machine: Any) -> None:
    machine.write("sys/devices/card0/vendor", "?\n")
    for number in (2, 11):
        chip(machine, number, "accel", temp1_input=number * 1000)
        (machine.root / f"{HWMON}/hwmon{number}/device").symlink_to("../../../devices/card0")
    found = temperatures(machine)
    assert found == {("accel-card0-hwmon2", "temp1"): 2, ("accel-card0-hwmon11", "temp1"): 11}


def test_labels_that_look_like_other_sensors_hide_none(machine: Any) -> None:
    chip(machine, 0, "board", temp1_input=1000, temp1_label="temp2", temp2_input=2000, temp2_label="temp2")
    assert sorted(temperatures(machine).values()) == [1, 2]


def test_names_that_are_not_utf8_have_a_label(machine: Any) -> None:
    chip(machine, 0, b"bo\xe4rd\n", temp1_input=1000, temp1_label=b"CPU \xb0\n")
    assert temperatures(machine) == {(r"bo\xe4rd", r"CPU \xb0"): 1}


def test_a_zone_that_is_a_chip_as_well_is_shown_once(machine: Any) -> None:
    chip(machine, 0, "cpu_thermal", temp1_input=51000)
    chip(machine, 1, "iwlwifi_1", temp1_input=44000)
    chip(machine, 2, "renamed", temp1_input=39000)
    (machine.root / f"{HWMON}/hwmon2/device").symlink_to("../../thermal/thermal_zone2")
    for number, kind in enumerate(["cpu-thermal", "iwlwifi_1", "skin", "gpu-thermal"]):
        zone(machine, number, kind, 52000 + number)
    assert {key for key in temperatures(machine) if key[1].startswith("thermal")} == {("gpu-thermal", "thermal_zone3")}


def test_the_packages_zone_is_shown_where_no_chip_has_it(machine: Any) -> None:
    chip(machine, 0, "nvme", temp1_input=30000)
    zone(machine, 0, "x86_pkg_temp", 66000)
    zone(machine, 1, "INT3400 Thermal", 20000)  # a constant, because the kernel wants one
    assert temperatures(machine) == {("nvme", "temp1"): 30, ("x86_pkg_temp", "thermal_zone0"): 66}
    chip(machine, 1, "coretemp", temp1_input=66000, temp1_label="Package id 0")
    for _ in range(LOOK_RUNS):
        found = temperatures(machine)
    assert found == {("nvme", "temp1"): 30, ("coretemp", "Package id 0"): 66}


def test_a_chip_stands_for_as_many_zones_as_it_has_sensors(machine: Any) -> None:
    chip(machine, 0, "acpitz", temp1_input=27000, temp2_input=28000)
    for number in range(3):
        zone(machine, number, "acpitz", 27000 + 1000 * number)
    assert sorted(temperatures(machine).values()) == [27, 28, 29]


def test_a_chip_without_temperatures_hides_no_zone(machine: Any) -> None:
    chip(machine, 0, "acpitz", fan1_input=900)
    zone(machine, 0, "acpitz", 27800)
    assert temperatures(machine) == {("acpitz", "thermal_zone0"): 27.8}


def test_a_sensor_that_its_driver_adds_later_is_found(machine: Any) -> None:
    chip(machine, 0, "board", temp1_input=1000)
    assert len(temperatures(machine)) == 1
    machine.write(f"{HWMON}/hwmon0/temp2_input", "2000\n")
    for _ in range(SEARCH_RUNS):
        found = temperatures(machine)
    assert len(found) == 2


@pytest.mark.parametrize("odd", [b"", b"<unknown>\n", b"fast\n", b"0\n", b"-1\n", b"4294967295\n", b"9" * 400])
def test_a_frequency_that_is_none_is_absent_alone(machine: Any, odd: bytes) -> None:
    for cpu, content in enumerate([b"800000\n", odd, b"3600000\n"]):
        machine.write(f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq", content)
    run = machine.run()
    assert run["system_cpu_frequency_hertz"] == {("0",): 8e8, ("2",): 3.6e9}
    assert run.failed == []


def test_a_cpu_that_comes_online_has_a_frequency(machine: Any) -> None:
    cpus = "sys/devices/system/cpu"
    machine.write(f"{cpus}/online", "0\n")
    machine.write(f"{cpus}/cpu0/cpufreq/scaling_cur_freq", "800000\n")
    machine.run()
    machine.write(f"{cpus}/cpu1/cpufreq/scaling_cur_freq", "900000\n")
    machine.write(f"{cpus}/online", "0-1\n")
    assert machine.run()["system_cpu_frequency_hertz"] == {("0",): 8e8, ("1",): 9e8}
