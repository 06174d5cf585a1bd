"""Cards that sleep, rest, hang and come back; what the ledger is told."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Component, NotAvailable
from collector_core.devices import GpuCard
from collector_core.devices import gpu_metrics as metrics
from collector_core.devices.followed_gpu import REST_SECONDS
from collector_core.metering import choose
from collector_plugins.amdgpu import AmdGpu

LABELS = {"gpu": "0000:03:00.0", "driver": "amdgpu"}


class Machine:
    """A tree with cards that are known by their events only, as containers show them."""

    def __init__(self, root, harness):
        self.root = root
        self.harness = harness

    def card(self, number, address="0000:03:00.0", **files):
        folder = self.root / f"sys/class/drm/card{number}/device"
        files = {"uevent": f"DRIVER=amdgpu\nPCI_SLOT_NAME={address}"} | files
        for name, content in files.items():
            file = folder / name.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{content}\n")

    def watts(self, number, value, **files):
        sensors = {"hwmon__hwmon1__name": "amdgpu", "hwmon__hwmon1__power1_average": round(value * 1e6)}
        self.card(number, **(sensors | files))

    def collect(self, **more):
        return self.harness(AmdGpu, self.root, **more)


@pytest.fixture
def machine(collector_harness, tmp_path):
    return Machine(tmp_path, collector_harness)


def test_a_card_that_falls_asleep_disappears_and_comes_back(machine):
    machine.watts(0, 30, power__runtime_status="active", power__control="auto", gpu_busy_percent=7)
    harness = machine.collect()
    harness.run()
    assert harness.value(metrics.POWER, **LABELS) == 30
    (meter,) = harness.collector.collector_energy_meters()
    machine.card(0, power__runtime_status="suspended")
    harness.run(advance=5)
    assert harness.value(metrics.POWER, **LABELS) is None
    assert harness.value(metrics.ASLEEP, **LABELS) == 1
    assert meter.latest() is None
    machine.card(0, power__runtime_status="active")
    harness.run(advance=5)
    assert harness.value(metrics.POWER, **LABELS) == 30
    assert meter.latest() is not None


def test_an_idle_card_that_may_sleep_is_left_alone_for_a_while(machine):
    machine.watts(0, 9, power__runtime_status="active", power__control="auto", gpu_busy_percent=0)
    harness = machine.collect()
    harness.run()
    machine.watts(0, 99)
    for _ in range(3):
        harness.run(advance=5)
        assert harness.value(metrics.POWER, **LABELS) == 9
    harness.run(advance=REST_SECONDS)
    assert harness.value(metrics.POWER, **LABELS) == 99
    machine.watts(0, 10)
    harness.run(advance=5)
    assert harness.value(metrics.POWER, **LABELS) == 10, "it stays awake: it is read again for ten minutes"


def test_its_energy_is_the_area_under_its_power(machine):
    machine.watts(0, 100, gpu_busy_percent=50)
    harness = machine.collect()
    for _ in range(3):
        harness.run(advance=5)
    assert harness.value(metrics.ENERGY, **LABELS) == pytest.approx(1000)
    (meter,) = choose(harness.collector.collector_energy_meters())
    assert (meter.component, meter.device, meter.method) == (Component.GPU, "0000:03:00.0", "power_integral")


def test_what_an_apu_says_is_within_the_processor_and_counts_for_nothing(machine):
    machine.card(0, hwmon__hwmon1__name="amdgpu", hwmon__hwmon1__power1_input=25_000_000)
    harness = machine.collect()
    harness.run()
    assert harness.value(metrics.POWER, **LABELS) == 25
    (meter,) = harness.collector.collector_energy_meters()
    assert meter.inside == Component.CPU
    assert choose([meter]) == []


def test_a_card_that_hangs_costs_the_other_nothing(machine, monkeypatch):
    machine.watts(0, 20)
    machine.watts(1, 40, uevent="DRIVER=amdgpu\nPCI_SLOT_NAME=0000:0a:00.0")
    go_on = threading.Event()
    number = GpuCard.number

    def hang(self, path):
        if self.address == "0000:0a:00.0":
            go_on.wait(60)
        return number(self, path)

    monkeypatch.setattr(GpuCard, "number", hang)
    harness = machine.collect(interval=0.2, timeout=10.0)
    for _ in range(2):
        harness.run(advance=9)
        assert harness.series(metrics.POWER) == {("0000:03:00.0", "amdgpu"): 20}
    assert [(part.name, part.error.reason) for part in harness.part_failures] == [("gpu=0000:0a:00.0", "timeout")]
    go_on.set()


@given(st.text(max_size=24) | st.integers().map(str))
def test_whatever_its_files_say_is_possible_or_absent(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp() / "card"
    folder.mkdir(exist_ok=True)
    for name in ("gpu_busy_percent", "power1_average", "temp1_input"):
        (folder / name).write_text(text, errors="replace")
    (folder / "mem_info_vram_total").write_text("1")
    sensors = {name: folder / name for name in ("power1_average", "temp1_input")}
    reading = AmdGpu.read(None, GpuCard("0000:03:00.0", "amdgpu", folder, None, sensors))
    limits = {"watts": 5000, "utilization": 1, "celsius": 200}
    assert all(
        value is None or 0 <= value <= limits[name]
        for name, value in zip(limits, reading[:1] + reading[2:3] + reading[4:5], strict=True)
    )


def test_a_machine_without_such_a_gpu_says_so(machine):
    assert AmdGpu.detect(machine.collect().context).reason == "not_found"
    with pytest.raises(NotAvailable, match="amdgpu"):
        machine.collect().run()
