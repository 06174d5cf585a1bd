"""What the meters count over time: busy, idle, suspended, and read by several at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from collector_core import Component, EnergyMethod, EnergyReading
from collector_plugins.estimate import MODEL, UNKNOWN_GAPS

IDLE, AWAKE, FULL = 8.5, 17.0, 55.25  # of a TDP of 85 W: a tenth, two tenths, 65 %


def test_power_moves_with_load_between_the_floor_and_what_a_server_draws_at_work(machine: Any) -> None:
    watts = []
    machine.run()
    for utilization in (0.0, 0.1, 0.25, 0.5, 0.75, 1.0):
        before = machine.joules()
        machine.run(10.0, utilization)
        watts.append((machine.joules() - before) / 10)
    assert watts[0] == pytest.approx(IDLE)
    assert watts[-1] == pytest.approx(FULL)
    assert watts == sorted(watts)
    rises = [after - before for before, after in pairwise(watts[2:])]
    assert rises == sorted(rises, reverse=True), "each further step of load costs less"


def test_it_says_that_it_is_a_model_and_how_good(machine: Any) -> None:
    machine.run()
    cpu, dram = machine.meters()
    assert (cpu.component, cpu.device, cpu.method, cpu.uncertainty) == (Component.CPU, "cpu", EnergyMethod.MODEL, 0.35)
    assert (dram.component, dram.device, dram.method) == (Component.DRAM, "memory", EnergyMethod.MODEL)
    ((cpu_name, sockets, share, tdp, source, calibrated),) = machine.harness.series(MODEL)
    assert (sockets, share, tdp, source, calibrated) == ("1", "1", "85", "table", "false")
    assert cpu_name == "Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz"


def test_memory_draws_by_its_size(machine: Any) -> None:
    machine.run()
    machine.run(10.0, 0.5)
    assert machine.joules(Component.DRAM) == pytest.approx(32 * 0.375 * 10)


def test_memory_of_unknown_size_has_no_meter(machine: Any) -> None:
    machine.write("/proc/meminfo", "")
    machine.run()
    assert [meter.component for meter in machine.meters()] == [Component.CPU]


def test_a_reading_looks_now_without_the_collector(machine: Any) -> None:
    machine.run()
    meter = machine.meter()
    assert meter.latest() == EnergyReading(0.0, machine.clock.monotonic())
    machine.spend(2.0, 1.0)
    assert meter.latest().joules == 0
    assert meter.read().joules == pytest.approx(2 * FULL)
    machine.spend(600.0, 1.0)
    assert meter.read() == EnergyReading(pytest.approx(602 * FULL), machine.clock.monotonic())


def test_each_interval_counts_by_its_own_load(machine: Any) -> None:
    """No slope from one to the next, as there would be between momentary readings."""
    machine.run()
    machine.run(5.0, 0.0)
    machine.run(5.0, 1.0)
    machine.run(5.0, 0.0)
    assert machine.joules() == pytest.approx(10 * IDLE + 5 * FULL)


def test_two_readings_within_a_tick_are_one(machine: Any) -> None:
    machine.run()
    machine.run(1.0, 1.0)
    reading = machine.meter().latest()
    machine.clock.advance(0.001)
    assert machine.meter().read() == reading
    machine.spend(1.0, 1.0)
    assert machine.meter().read().joules == pytest.approx(2.001 * FULL)


def test_readers_on_many_threads_count_the_time_once(machine: Any) -> None:
    machine.run()
    machine.spend(10.0, 1.0)
    threads = [threading.Thread(target=meter.read) for meter in machine.meters() * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert machine.joules() == pytest.approx(10 * FULL)


def test_a_suspend_is_a_gap_of_unknown_energy(machine: Any) -> None:
    machine.run()
    machine.run(5.0, 1.0)
    machine.work(3.0, 1.0)
    machine.clock.advance(60.0)
    machine.harness.run()
    assert machine.joules() == pytest.approx(5 * FULL)
    assert machine.harness.value(UNKNOWN_GAPS) == 1
    machine.run(5.0, 1.0)
    assert machine.joules() == pytest.approx(10 * FULL)


def test_cpu_times_that_fall_are_a_gap(machine: Any) -> None:
    machine.run()
    machine.run(5.0, 1.0)
    machine.busy = machine.idle = 0.0
    machine.run(5.0, 0.5)
    assert machine.joules() == pytest.approx(5 * FULL)
    assert machine.harness.value(UNKNOWN_GAPS) == 1


def test_hours_without_a_look_are_a_gap(machine: Any) -> None:
    machine.run()
    machine.run(3601.0, 0.5)
    assert machine.joules() == 0
    assert machine.harness.value(UNKNOWN_GAPS) == 1


def test_joules_never_fall_when_the_collector_is_opened_again(machine: Any) -> None:
    machine.run()
    machine.run(5.0, 1.0)
    machine.harness.collector.close()
    assert machine.meters() == ()
    machine.run(5.0, 1.0)
    machine.run(5.0, 1.0)
    assert machine.joules() == pytest.approx(10 * FULL)
    assert machine.harness.value(UNKNOWN_GAPS) == 1


def test_unreadable_cpu_times_raise_and_change_nothing(machine: Any) -> None:
    machine.run()
    meter = machine.meter()
    machine.write("/proc/stat", "nonsense\n")
    with pytest.raises(ValueError, match="proc/stat"):
        meter.read()
    machine.spend(5.0, 1.0)
    assert meter.read().joules == pytest.approx(5 * FULL)


@pytest.mark.parametrize(
    ("base_file", "text", "ratio"),
    [("cpufreq/base_frequency", "1600000\n", 0.75), ("acpi_cppc/nominal_freq", "1600\n", 0.75), (None, "", 0.5)],
)
def test_cores_below_their_base_clock_draw_less(machine: Any, base_file: str | None, text: str, ratio: float) -> None:
    for cpu in range(machine.cpus):
        folder = f"/sys/devices/system/cpu/cpu{cpu}"
        machine.write(f"{folder}/cpufreq/scaling_cur_freq", "1200000\n")
        if base_file:
            machine.write(f"{folder}/{base_file}", text)
    machine.run()
    machine.run(10.0, 1.0)
    assert machine.joules() / 10 == pytest.approx(AWAKE + (FULL - AWAKE) * ratio)
    machine.run(10.0, 0.0)
    assert machine.joules() / 10 == pytest.approx(AWAKE + (FULL - AWAKE) * ratio + IDLE)


@pytest.mark.parametrize("odd", ["", "<unknown>\n", "0\n", "-1\n", "4294967295\n", "9" * 400])
def test_a_clock_that_is_none_counts_as_not_known(machine: Any, odd: str) -> None:
    for cpu in range(machine.cpus):
        machine.write(f"/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq", odd)
    machine.run()
    machine.run(10.0, 1.0)
    assert machine.joules() / 10 == pytest.approx(FULL)


def test_only_the_clocks_of_busy_cpus_count(machine: Any) -> None:
    for cpu, kilohertz in ((0, 2_400_000), (1, 800_000)):
        machine.write(f"/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq", f"{kilohertz}\n")
    cpus = machine.cpus
    machine.run()
    idle_others = [f"cpu{cpu} 0 0 0 1000" for cpu in range(1, cpus)]
    machine.write("/proc/stat", "\n".join([f"cpu  1000 0 0 {1000 * (cpus - 1)}", "cpu0 1000 0 0 0", *idle_others, ""]))
    machine.clock.advance(10.0)
    machine.harness.run()
    fast = machine.joules()
    machine.write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1200000\n")
    idle_others = [f"cpu{cpu} 0 0 0 2000" for cpu in range(1, cpus)]
    machine.write("/proc/stat", "\n".join([f"cpu  2000 0 0 {2000 * (cpus - 1)}", "cpu0 2000 0 0 0", *idle_others, ""]))
    machine.clock.advance(10.0)
    machine.harness.run()
    slow = machine.joules() - fast
    floor = 10 * (IDLE + 8.5 * (1 - (1 - 1 / cpus) ** cpus))
    assert slow - floor == pytest.approx((fast - floor) / 2)


def test_a_guest_gets_its_share_of_the_processor_and_never_its_deepest_sleep(
    make_machine: Callable[..., Any],
) -> None:
    guest = make_machine(cpus=3, flags="fpu hypervisor")
    guest.run()
    guest.run(10.0, 0.0)
    assert guest.joules() / 10 == pytest.approx(AWAKE * 3 / 12)
    assert guest.meter().uncertainty == pytest.approx(0.55)
    guest.run(10.0, 1.0)
    assert guest.joules() / 10 == pytest.approx((AWAKE + FULL) * 3 / 12)
