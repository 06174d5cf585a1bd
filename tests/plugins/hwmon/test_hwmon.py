"""Chips that hang, sleep, fail and come back; batteries; what the ledger is told."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import NotAvailable
from collector_core.metering.supply import fed, outermost
from collector_plugins.hwmon import Hwmon, collector_demo_types, metrics, sources
from collector_plugins.hwmon.chips import ChipReader
from collector_plugins.hwmon.pmic import parse_adc
from collector_plugins.hwmon.supplies import SupplyReader


class Machine:
    """A tree of /sys, and the collector that reads it."""

    def __init__(self, root, harness):
        self.root = root
        self._harness = harness

    def chip(self, number, name, **files):
        self._write(f"class/hwmon/hwmon{number}", name=name, **files)

    def supply(self, name, **files):
        self._write(f"class/power_supply/{name}", **files)

    def sleep(self, number, status):
        self._write(f"class/hwmon/hwmon{number}/device/power", runtime_status=status)

    def collect(self, **more):
        return self._harness(Hwmon, self.root, **more)

    def _write(self, folder, **files):
        path = self.root / "sys" / folder
        path.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (path / name).write_text(f"{content}\n")


@pytest.fixture
def machine(collector_harness, tmp_path):
    return Machine(tmp_path, collector_harness)


def watts(harness):
    return {chip: value for (chip, _), value in harness.series(metrics.POWER).items()}


def test_a_chip_that_hangs_costs_the_others_nothing_and_comes_back(machine, monkeypatch, eventually):
    stuck, go_on = threading.Event(), threading.Event()
    read = ChipReader.__call__

    def hang(self):
        if self.chip.name == "slow" and not go_on.is_set():
            stuck.set()
            go_on.wait(60)
        return read(self)

    monkeypatch.setattr(ChipReader, "__call__", hang)
    machine.chip(0, "slow", power1_input=1_000_000)
    machine.chip(1, "good", power1_input=2_000_000)
    harness = machine.collect(interval=0.2, timeout=10.0)
    for _ in range(2):
        harness.run(advance=9)
        assert watts(harness) == {"good": 2.0}
    assert stuck.is_set()
    assert [(part.name, part.error.reason) for part in harness.part_failures] == [("source=slow", "timeout")]
    go_on.set()
    eventually(lambda: harness.run(advance=5) and watts(harness) == {"good": 2.0, "slow": 1.0})


def test_meters_know_what_was_said_last_while_chips_are_read(machine, monkeypatch):
    machine.chip(0, "board", power1_input=2_000_000)
    harness = machine.collect()
    harness.run()
    (meter,) = harness.collector.collector_energy_meters()
    known, read = [], ChipReader.__call__
    monkeypatch.setattr(ChipReader, "__call__", lambda self: [known.append(meter.latest()), read(self)][1])
    harness.run(advance=10)
    assert known[-1] is not None


def test_a_device_that_sleeps_is_not_read(machine):
    machine.chip(0, "nvme", power1_input=3_000_000)
    harness = machine.collect()
    for status, expected in (("suspended", {}), ("active", {"nvme": 3.0}), ("suspending", {})):
        machine.sleep(0, status)
        harness.run(advance=60)
        assert watts(harness) == expected


def test_a_file_that_would_block_is_not_waited_for(machine):
    machine.chip(0, "board", power2_input=5_000_000)
    os.mkfifo(machine.root / "sys/class/hwmon/hwmon0/power1_input")
    harness = machine.collect()
    harness.run()
    assert harness.series(metrics.POWER) == {("board", "power2"): 5.0}


def test_chips_that_come_and_go_are_noticed(machine):
    machine.chip(0, "one", power1_input=1_000_000)
    harness = machine.collect()
    harness.run()
    machine.chip(1, "two", power1_average=2_000_000)
    harness.run(advance=10)
    assert watts(harness) == {"one": 1.0, "two": 2.0}
    (machine.root / "sys/class/hwmon").rename(machine.root / "away")
    with pytest.raises(NotAvailable) as caught:
        harness.run(advance=10)
    assert caught.value.reason == "not_found"
    (machine.root / "away").rename(machine.root / "sys/class/hwmon")
    harness.run(advance=10)
    assert watts(harness) == {"one": 1.0, "two": 2.0}


def test_two_chips_of_one_name_are_told_apart_and_labels_of_one_chip_too(machine):
    for number in (0, 1):
        machine.chip(number, "psu", power1_input=1_000_000 * (number + 1), power1_label="out", power2_input=7_000_000)
    machine.chip(0, "psu", power2_label="out")
    harness = machine.collect()
    harness.run()
    assert harness.series(metrics.POWER) == {
        ("psu-hwmon0", "out"): 1.0,
        ("psu-hwmon0", "power2"): 7.0,
        ("psu-hwmon1", "out"): 2.0,
        ("psu-hwmon1", "power2"): 7.0,
    }


def test_what_is_excluded_is_not_read(machine):
    machine.chip(0, "nct6775", in0_input=1000)
    machine.chip(1, "ina226", power1_input=1_000_000)
    harness = machine.collect(exclude=["nct*"])
    harness.run()
    assert harness.series(metrics.VOLTAGE) == {}
    assert watts(harness) == {"ina226": 1.0}


def test_a_sensor_counts_for_nothing_unless_it_feeds_the_machine(machine):
    machine.chip(0, "ina3221", in1_label="VDD_IN", in1_input=5000, curr1_input=2000)
    harness = machine.collect()
    for _ in range(3):
        harness.run(advance=10)
    (meter,) = harness.collector.collector_energy_meters()
    assert (meter.component, meter.device, meter.feeds, meter.of_machine) == ("hwmon", "ina3221/VDD_IN", (), False)
    assert meter.latest().joules == pytest.approx(200)
    assert outermost([meter], [meter]) == []
    feeding = fed(replace(meter, plugin="hwmon"), {"hwmon/ina3221/VDD_IN": ("host",)})
    assert outermost([feeding], [feeding]) == [feeding]


def test_a_battery_is_a_meter_while_it_discharges(machine):
    machine.supply("BAT0", type="Battery", status="Discharging", power_now=9_000_000, energy_now=1, energy_full=2)
    harness = machine.collect()
    harness.run()
    (meter,) = harness.collector.collector_energy_meters()
    assert meter.device == "BAT0"
    assert meter.latest() is not None
    machine.supply("BAT0", status="Charging")
    harness.run(advance=10)
    assert meter.latest() is None
    assert harness.value(metrics.CHARGE_POWER, battery="BAT0") == 9.0
    assert harness.value(metrics.DISCHARGE_POWER, battery="BAT0") == 0.0


def test_a_counter_never_falls(machine):
    harness = machine.collect()
    seen = []
    for microjoules in (5_000_000, 9_000_000, 1_000_000, 2_000_000, 0, 4_000_000):
        machine.chip(0, "amd_energy", energy1_input=microjoules)
        harness.run(advance=10)
        seen.append(harness.value(metrics.ENERGY, chip="amd_energy", sensor="energy1"))
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"status": "Discharging", "current_now": -1_500_000, "voltage_now": 10_000_000}, (15.0, 0.0, None)),
        ({"status": "Full", "power_now": 0, "capacity": 100}, (0.0, 0.0, 1.0)),
        ({"status": "Not charging", "power_now": 0, "capacity": 250}, (0.0, 0.0, None)),
        ({"status": "Charging", "current_now": 1_000_000, "charge_now": 3, "charge_full": 4}, (None, None, 0.75)),
        ({"status": "Charging", "current_now": 2_000_000, "voltage_min_design": 11_000_000}, (0.0, 22.0, None)),
        ({"status": "Unknown", "power_now": 5_000_000, "energy_now": 5, "energy_full": 0}, (None, None, None)),
        ({"power_now": "n/a", "status": "Discharging"}, (None, None, None)),
    ],
)
def test_a_battery_says_what_it_knows(machine, files, expected):
    machine.supply("BAT0", type="Battery", **files)
    ((_, *told),) = SupplyReader(machine.root / "sys/class/power_supply/BAT0")()
    assert tuple(told) == pytest.approx(expected)


def test_a_pi_without_vcgencmd_says_what_to_install(machine, monkeypatch):
    (machine.root / "proc/device-tree").mkdir(parents=True)
    (machine.root / "proc/device-tree/model").write_text("Raspberry Pi 5 Model B Rev 1.0\0")
    monkeypatch.setenv("PATH", str(machine.root))
    with pytest.raises(NotAvailable, match="vcgencmd") as caught:
        machine.collect().run()
    assert "apt install" in caught.value.fix


def test_a_machine_without_sensors_says_so(machine):
    problem = Hwmon.detect(machine.collect().context)
    assert problem.reason == "not_found"
    machine.supply("BAT0", type="Battery", capacity=50)
    assert Hwmon.detect(machine.collect().context) is None
    assert set(sources.find_sources(machine.collect().context, ())) == {"BAT0"}


@given(st.text(max_size=200), st.integers(0, 10**6), st.integers(0, 10**6))
def test_whatever_the_firmware_says_is_rails_or_nothing(noise, milliamperes, millivolts):
    amperes, volts = milliamperes / 1000, millivolts / 1000
    lines = f"\n X_A current(1)={amperes:.8f}A\n X_V volt(2)={volts:.8f}V\n"
    rails = {rail.sensor: rail for rail in parse_adc(noise + lines)}
    assert rails["X"].watts == pytest.approx(amperes * volts)


def test_the_demo_is_a_power_supply(collector_harness):
    (demo,) = collector_demo_types()
    harness = collector_harness(demo)
    harness.run()
    rails = harness.series(metrics.POWER)
    assert sum(value for (_, rail), value in rails.items() if rail.startswith("+")) == pytest.approx(
        rails["corsairpsu", "total"]
    )
