"""A value that fails, or that no GPU can have, is absent, and costs no other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.nvidia import Nvidia, metrics
from collector_plugins.nvidia.energy import GpuEnergy
from collector_plugins.nvidia.gpu import Gpu, Series
from collector_plugins.nvidia.possible import MOST_WATTS, most_watts, possible, possible_joules

GPU_0 = {"host": "here", "gpu": "0", "uuid": "GPU-0"}
GPU_1 = {"host": "here", "gpu": "1", "uuid": "GPU-1"}
UINT_MAX = (1 << 32) - 1
ULLONG_MAX = (1 << 64) - 1
NOT_UTF8 = b"\xf8\x95\xa0 \xe8".decode(errors="surrogateescape")


@pytest.fixture
def harness(nvml, collector_harness):
    def make(**options):
        return collector_harness(Nvidia, **{"local": "nvml", "local_name": "here"} | options)

    return make


def complete(nvidia, **gpu):
    """The values of a GPU that is well, by metric and further labels."""
    labels = tuple(gpu.values())
    found = {}
    for metric in metrics.GPU_METRICS:
        found |= {(metric.name, *key[3:]): value for key, value in nvidia.series(metric).items() if key[:3] == labels}
    return found


@pytest.mark.parametrize("name", [NOT_UTF8, f"NVIDIA {NOT_UTF8} RTX", "名前"])
def test_a_name_that_is_not_text_costs_nothing_else(harness, nvml, name):
    nvml.say(f"1 name {name}")
    nvidia = harness()
    nvidia.run()
    assert nvidia.part_failures == []
    shown = name.encode(errors="surrogateescape").decode(errors="replace")
    assert nvidia.value(metrics.GPU_INFO, name=shown, driver="550.54.15", **GPU_1) == 1
    assert (nvidia.value(metrics.POWER, **GPU_0), nvidia.value(metrics.POWER, **GPU_1)) == (100, 110)
    nvidia.exposition().encode()


@pytest.mark.parametrize("code", [3, 4, 999])
def test_a_name_or_driver_that_is_not_told_is_empty(harness, nvml, code):
    nvml.say(f"1 name error {code}", f"driver error {code}")
    nvidia = harness()
    nvidia.run()
    assert nvidia.value(metrics.GPU_INFO, name="", driver="", **GPU_1) == 1
    assert nvidia.value(metrics.POWER, **GPU_1) == 110


def test_gpus_whose_uuid_is_not_supported_are_told_apart_by_their_index(harness, nvml):
    nvml.say("* uuid error 3")
    nvidia = harness()
    nvidia.run()
    nvml.say("0 energy 1500000", "1 energy 2100000")
    nvidia.run(advance=5)
    assert nvidia.series(metrics.POWER) == {("here", "0", ""): 100, ("here", "1", ""): 110}
    assert nvidia.series(metrics.ENERGY) == {("here", "0", ""): 500, ("here", "1", ""): 100}
    assert nvidia.part_failures == []


def test_gpus_with_one_uuid_keep_their_joules_apart(harness, nvml):
    nvml.say("* uuid GPU-clone")
    nvidia = harness()
    nvidia.run()
    nvml.say("0 energy 1500000", "1 energy 2100000")
    nvidia.run(advance=5)
    assert nvidia.series(metrics.ENERGY) == {("here", "0", "GPU-clone"): 500, ("here", "1", "GPU-clone"): 100}


WORDS = {
    "clock_graphics": metrics.CLOCK,
    "clock_video": metrics.CLOCK,
    "ecc_corrected": metrics.ECC_ERRORS,
    "pcie_receive": metrics.PCIE_THROUGHPUT,
    "temperature": metrics.TEMPERATURE,
    "memory_temperature": metrics.MEMORY_TEMPERATURE,
    "reasons": metrics.THROTTLED,
    "encoder": metrics.ENCODER_UTILIZATION,
    "limit": metrics.POWER_LIMIT,
}


@pytest.mark.parametrize(("word", "metric"), WORDS.items())
@pytest.mark.parametrize(("code", "parts"), [(3, 0), (999, 1)])
def test_one_query_that_fails_leaves_all_others(harness, nvml, word, metric, code, parts):
    nvidia = harness()
    nvidia.run()
    before = complete(nvidia, **GPU_0)
    nvml.say(f"0 {word} error {code}")
    nvidia.run(advance=5)
    lost = before.keys() - complete(nvidia, **GPU_0).keys()
    allowed = {metric.name} | ({metrics.POWER_LIMIT_USAGE.name} if word == "limit" else set())
    assert {name for name, *_ in lost} == allowed
    assert len(lost) == (9 if word == "reasons" else len(allowed))
    assert len(nvidia.part_failures) == (0 if word == "memory_temperature" else parts)


@pytest.mark.parametrize("process", ["error 6", "error 4", NOT_UTF8])
def test_a_process_that_has_ended_or_hides_its_name_costs_no_other(harness, nvml, process):
    nvml.say(f"process {process}", "0 compute 4096", "1 graphics 8192", "0 graphics error 3")
    nvidia = harness(processes=True)
    nvidia.run()
    memory = nvidia.series(metrics.PROCESS_MEMORY)
    name = {"error 6": None, "error 4": ""}.get(
        process, NOT_UTF8.encode(errors="surrogateescape").decode(errors="replace")
    )
    expected = {("here", "0", "GPU-0", "4711", name): 4096, ("here", "1", "GPU-1", "4711", name): 8192}
    assert memory == ({} if name is None else expected)
    assert nvidia.part_failures == []
    assert nvidia.value(metrics.POWER, **GPU_0) == 100


def test_a_list_of_processes_that_cannot_be_had_leaves_the_other(harness, nvml):
    nvml.say("process sh", "0 compute error 999", "0 graphics 8192")
    nvidia = harness(processes=True)
    nvidia.run()
    assert nvidia.series(metrics.PROCESS_MEMORY) == {("here", "0", "GPU-0", "4711", "sh"): 8192}
    assert [str(part.error) for part in nvidia.part_failures] == ["computing processes says Unknown Error"]


@pytest.mark.parametrize(
    ("word", "value", "metric"),
    [
        ("power", UINT_MAX, metrics.POWER),
        ("power", 65_535_000, metrics.POWER),
        ("power", 2_200_000, metrics.POWER),
        ("limit", UINT_MAX, metrics.POWER_LIMIT),
        ("temperature", UINT_MAX, metrics.TEMPERATURE),
        ("temperature", 255, metrics.TEMPERATURE),
        ("memory_temperature", 3_892_314, metrics.MEMORY_TEMPERATURE),
        ("utilization", UINT_MAX, metrics.UTILIZATION),
        ("encoder", 255, metrics.ENCODER_UTILIZATION),
        ("fan", UINT_MAX, metrics.FAN_SPEED),
        ("memory_used", ULLONG_MAX, metrics.MEMORY_USED),
        ("memory_used", 85_520_809_985, metrics.MEMORY_USED),
        ("memory_total", ULLONG_MAX, metrics.MEMORY_TOTAL),
        ("energy", ULLONG_MAX, metrics.ENERGY_INTEGRAL),
        ("mig", UINT_MAX, metrics.MIG_ENABLED),
    ],
)
def test_what_no_gpu_can_have_is_absent_and_no_fault(harness, nvml, word, value, metric):
    nvml.say(f"0 {word} {value}")
    nvidia = harness()
    nvidia.run()
    assert nvidia.value(metric, **GPU_0) is None
    assert nvidia.value(metrics.POWER, **GPU_1) == 110
    assert nvidia.part_failures == []


@pytest.mark.parametrize("value", [UINT_MAX, 2_200_000])
def test_a_power_that_cannot_be_enters_neither_energy_nor_sum_nor_meter(harness, nvml, value):
    nvml.say("* energy error 3")
    nvidia = harness()
    nvidia.run()
    nvml.say(f"0 power {value}")
    for _ in range(5):
        nvidia.run(advance=5)
    assert nvidia.value(metrics.CLUSTER_POWER) == 110
    nvml.say("0 power 100000")
    nvidia.run(advance=5)
    nvidia.run(advance=5)
    assert nvidia.value(metrics.ENERGY, **GPU_0) == pytest.approx(500)
    meter, _ = nvidia.collector.collector_energy_meters()
    assert meter.latest().joules == pytest.approx(500)
    assert meter.max_watts == 1400


def test_a_counter_that_leaps_and_returns_leaves_nothing(harness, nvml):
    nvidia = harness()
    nvidia.run()
    for energy in (95_000_000_000, 2_000_000, 2_500_000):
        nvml.say(f"0 energy {energy}")
        nvidia.run(advance=5)
    assert nvidia.value(metrics.ENERGY, **GPU_0) == pytest.approx(1500), "twice the area under 100 W, then the counter"


@pytest.mark.parametrize("celsius", [-20.0, 0.0, 95.0])
def test_temperatures_that_can_be_stay(celsius):
    series = {Series(metrics.TEMPERATURE): celsius}
    assert possible(series) == series


def test_a_short_peak_above_the_limit_stays():
    series = {Series(metrics.POWER): 1300.0, Series(metrics.POWER_LIMIT): 700.0}
    assert possible(series) == series
    laptop = {Series(metrics.POWER): 60.0, Series(metrics.POWER_LIMIT): 5.0}
    assert possible(laptop) == laptop


@given(
    limit=st.none() | st.floats(1, 2000),
    readings=st.lists(st.tuples(st.none() | st.floats(0, 1e19), st.none() | st.floats(-1e3, 1e8)), max_size=12),
)
def test_whatever_is_read_the_energy_never_falls_and_is_never_more_than_the_gpu_can_draw(limit, readings):
    energy, before = GpuEnergy(15.0), 0.0
    for number, (counter, watts) in enumerate(readings):
        series = {} if watts is None else {Series(metrics.POWER): watts}
        series |= {} if limit is None else {Series(metrics.POWER_LIMIT): limit}
        energy.update(Gpu("0", "", possible(series), possible_joules(counter)), 5.0 * number)
        assert 0 <= energy.joules - before <= 5.0 * max(most_watts(limit), MOST_WATTS if limit is None else 0) * 1.001
        before = energy.joules


@pytest.mark.parametrize("seconds", [-3600, 3600, -1e9])
def test_a_wall_clock_that_jumps_changes_no_energy(harness, nvml, seconds):
    nvml.say("1 energy error 3")
    nvidia = harness()
    nvidia.run()
    nvidia.clock.wall_time += seconds
    nvml.say("0 energy 1500000")
    nvidia.run(advance=5)
    assert nvidia.value(metrics.ENERGY, **GPU_0) == pytest.approx(500)
    assert nvidia.value(metrics.ENERGY, **GPU_1) == pytest.approx(550)
    assert nvidia.value(metrics.ENERGY_GAPS, **GPU_1) == 0


def test_a_machine_that_was_suspended_leaves_no_spike_and_names_the_gap(harness, nvml):
    nvml.say("1 energy error 3")
    nvidia = harness()
    nvidia.run()
    nvml.say("0 energy 1700000", "0 power 50000", "1 power 50000")
    nvidia.run(advance=8 * 3600)
    assert nvidia.value(metrics.ENERGY, **GPU_0) == pytest.approx(700), "what the counter says, and no more"
    assert nvidia.value(metrics.ENERGY, **GPU_1) == 0
    assert nvidia.value(metrics.ENERGY_GAPS, **GPU_1) == 1
