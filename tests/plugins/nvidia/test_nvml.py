"""GPUs read through the real nvidia-ml-py and a driver library that says what the test decides."""

from __future__ import annotations

import subprocess
import sys

import pytest

from collector_core import NotAvailable
from collector_plugins.nvidia import Nvidia, metrics

GPU_0 = {"host": "here", "gpu": "0", "uuid": "GPU-0"}
GPU_1 = {"host": "here", "gpu": "1", "uuid": "GPU-1"}


@pytest.fixture
def harness(nvml, collector_harness):
    def make(**options):
        return collector_harness(Nvidia, **{"local": "nvml", "local_name": "here"} | options)

    return make


def failures(harness):
    return {part.name: str(part.error) for part in harness.part_failures}


def test_what_the_driver_says_is_published_in_base_units(harness):
    nvidia = harness()
    nvidia.run()
    expected = {
        metrics.POWER: 100,
        metrics.POWER_LIMIT: 700,
        metrics.POWER_LIMIT_USAGE: 1 / 7,
        metrics.TEMPERATURE: 40,
        metrics.MEMORY_TEMPERATURE: 45,
        metrics.MEMORY_USED: 2**30,
        metrics.MEMORY_TOTAL: 85_520_809_984,
        metrics.UTILIZATION: 0.25,
        metrics.MEMORY_UTILIZATION: 0.1,
        metrics.ENCODER_UTILIZATION: 0.01,
        metrics.DECODER_UTILIZATION: 0.02,
        metrics.FAN_SPEED: None,
        metrics.MIG_ENABLED: None,
    }
    assert {metric: nvidia.value(metric, **GPU_0) for metric in expected} == pytest.approx(expected)
    assert nvidia.value(metrics.CLOCK, clock="memory", **GPU_0) == 2.619e9
    assert nvidia.value(metrics.CLOCK, clock="video", **GPU_0) == 1.5e9
    assert nvidia.value(metrics.THROTTLED, reason="gpu_idle", **GPU_0) == 1
    assert nvidia.value(metrics.THROTTLED, reason="hw_slowdown", **GPU_0) == 0
    assert nvidia.value(metrics.ECC_ERRORS, kind="corrected", **GPU_0) == 3
    assert nvidia.value(metrics.ECC_ERRORS, kind="uncorrected", **GPU_0) == 0
    assert nvidia.value(metrics.PCIE_THROUGHPUT, direction="receive", **GPU_0) == 2_000_000
    assert nvidia.value(metrics.GPU_INFO, name="NVIDIA H100 80GB HBM3", driver="550.54.15", **GPU_0) == 1
    assert nvidia.value(metrics.CLUSTER_POWER) == 210
    assert nvidia.value(metrics.HOST_UP, host="here", source="nvml") == 1
    assert nvidia.part_failures == []


def test_energy_is_that_of_the_counter_and_the_area_under_the_power_is_beside_it(harness, nvml):
    nvidia = harness()
    nvidia.run()
    assert nvidia.value(metrics.ENERGY, **GPU_0) == 0
    nvml.say("0 energy 1550000", "0 power 120000")
    nvidia.run(advance=5)
    assert nvidia.value(metrics.ENERGY, **GPU_0) == pytest.approx(550)
    assert nvidia.value(metrics.ENERGY_METHOD, method="nvml_counter", **GPU_0) == 1
    assert nvidia.value(metrics.ENERGY_INTEGRAL, **GPU_0) == pytest.approx(550)
    assert nvidia.value(metrics.ENERGY_DISAGREEMENT, **GPU_0) == pytest.approx(0)
    nvml.say("0 energy 2050000")
    nvidia.run(advance=5)
    assert nvidia.value(metrics.ENERGY, **GPU_0) == pytest.approx(1050)
    assert nvidia.value(metrics.ENERGY_INTEGRAL, **GPU_0) == pytest.approx(1150)
    assert nvidia.value(metrics.ENERGY_DISAGREEMENT, **GPU_0) == pytest.approx(1150 / 1050 - 1)


def test_a_counter_that_starts_again_with_the_driver_loses_nothing_and_invents_nothing(harness, nvml):
    nvidia = harness()
    nvidia.run()
    nvml.say("0 energy 1500000")
    nvidia.run(advance=5)
    nvml.say("0 energy 100000")
    nvidia.run(advance=5)
    assert nvidia.value(metrics.ENERGY, **GPU_0) == pytest.approx(1000), "the area under 100 W stands in for 5 s"
    nvml.say("0 energy 600000")
    nvidia.run(advance=5)
    assert nvidia.value(metrics.ENERGY, **GPU_0) == pytest.approx(1500)
    nvml.say("0 energy 0")
    nvidia.run(advance=600)
    assert nvidia.value(metrics.ENERGY, **GPU_0) == pytest.approx(1500)
    assert nvidia.value(metrics.ENERGY_GAPS, **GPU_0) == 1


def test_while_the_counter_cannot_be_read_the_area_stands_in_and_nothing_counts_twice(harness, nvml):
    nvidia = harness()
    nvidia.run()
    nvml.say("0 energy error 3")
    nvidia.run(advance=5)
    assert nvidia.value(metrics.ENERGY, **GPU_0) == pytest.approx(500)
    assert nvidia.value(metrics.ENERGY_METHOD, method="power_integral", **GPU_0) == 1
    nvml.say("0 energy 2000000")
    nvidia.run(advance=5)
    assert nvidia.value(metrics.ENERGY, **GPU_0) == pytest.approx(1000)


@pytest.mark.parametrize("code", [3, 4, 6, 13])
def test_what_a_gpu_does_not_have_is_absent_and_no_fault(harness, nvml, code):
    nvml.say(f"0 power error {code}", f"0 utilization error {code}", f"0 energy error {code}")
    nvidia = harness()
    nvidia.run()
    assert nvidia.value(metrics.POWER, **GPU_0) is None
    assert nvidia.value(metrics.UTILIZATION, **GPU_0) is None
    assert nvidia.value(metrics.ENERGY, **GPU_0) is None
    assert nvidia.value(metrics.TEMPERATURE, **GPU_0) == 40
    assert nvidia.part_failures == []
    assert nvidia.value(metrics.CLUSTER_POWER) == 110


def test_an_unknown_error_is_absent_and_a_failed_part(harness, nvml):
    nvml.say("0 power error 999")
    nvidia = harness()
    nvidia.run()
    assert nvidia.value(metrics.POWER, **GPU_0) is None
    assert nvidia.value(metrics.TEMPERATURE, **GPU_0) == 40
    assert failures(nvidia) == {"host=here,gpu=0,uuid=GPU-0": "power says Unknown Error"}


def test_older_drivers_that_add_what_is_reserved_to_what_is_used_are_read_too(harness, nvml):
    nvml.say("0 memory_used error 13", "0 memory_used_v1 2147483648")
    nvidia = harness()
    nvidia.run()
    assert nvidia.value(metrics.MEMORY_USED, **GPU_0) == 2**31


@pytest.mark.parametrize("key", ["power", "handle"])
def test_a_lost_gpu_is_named_and_the_others_stay_and_nvml_is_started_anew_ever_less_often(harness, nvml, key):
    nvidia = harness()
    nvidia.run()
    nvml.say(f"1 {key} error 15") if key == "power" else nvml.say("1 power error 15", "1 handle error 15")
    inits = []
    for _ in range(60):
        nvidia.run(advance=5)
        inits.append(nvidia.collector._readers["here"].source._source._blocking._pause)
        assert nvidia.value(metrics.POWER, **GPU_0) == 100
        assert nvidia.value(metrics.POWER, **GPU_1) is None
        assert failures(nvidia) == {"host=here,what=gpu 1": "the GPU is lost"}
    assert inits[-1] > inits[10] > inits[0] > 10
    nvml.say("1 power 110000", "1 handle 0")
    for _ in range(80):
        nvidia.run(advance=5)
    assert nvidia.value(metrics.POWER, **GPU_1) == 110
    assert nvidia.part_failures == []


def test_a_gpu_that_is_added_or_taken_away_is_seen(harness, nvml, caplog):
    nvidia = harness()
    nvidia.run()
    nvml.has(3)
    nvidia.run(advance=5)
    assert nvidia.value(metrics.HOST_GPUS, host="here") == 3
    nvml.has(1)
    nvidia.run(advance=5)
    assert nvidia.series(metrics.POWER).keys() == {("here", "0", "GPU-0")}
    assert len(caplog.messages) == 2
    assert all("is gone, 1 are left" in message for message in caplog.messages)


@pytest.mark.parametrize(
    ("code", "reason", "fix"),
    [
        (9, "not_found", "modprobe"),
        (18, "not_supported", "restart energy-collector"),
        (999, "permission", "daemon-reload"),
    ],
)
def test_a_driver_that_goes_away_is_explained_and_tried_again(harness, nvml, code, reason, fix):
    nvidia = harness()
    nvidia.run()
    nvml.say(f"gpus error {code}", f"init error {code}")
    for _ in range(2):
        with pytest.raises(NotAvailable) as raised:
            nvidia.run(advance=600)
        assert raised.value.reason == reason
        assert fix in raised.value.fix
    nvml.say("init 0", "gpus 2")
    nvidia.run(advance=600)
    assert nvidia.value(metrics.POWER, **GPU_0) == 100


def test_a_machine_whose_gpu_was_taken_out_says_so(harness, nvml):
    nvml.has(0)
    with pytest.raises(NotAvailable) as raised:
        harness().run()
    assert (raised.value.reason, raised.value.detail) == ("not_found", "the driver sees no GPU")


def test_slices_have_memory_and_no_power_of_their_own(harness, nvml):
    nvml.has(1, "0 mig 1", "0 slice_name NVIDIA H100 80GB HBM3 MIG 1g.10gb", "0 slice_used 1000", "0 slice_total 5000")
    nvml.say("0 utilization error 3")
    nvidia = harness()
    nvidia.run()
    assert nvidia.value(metrics.MIG_ENABLED, **GPU_0) == 1
    slices = {("here", "0", "GPU-0", f"MIG-0-{number}", "1g.10gb") for number in (0, 1)}
    assert nvidia.series(metrics.MIG_MEMORY_USED) == dict.fromkeys(slices, 1000)
    assert nvidia.series(metrics.MIG_MEMORY_TOTAL) == dict.fromkeys(slices, 5000)
    assert nvidia.series(metrics.POWER) == {("here", "0", "GPU-0"): 100}
    assert nvidia.value(metrics.CLUSTER_POWER) == 100


def test_names_that_dashboards_use(harness, nvml):
    nvml.has(
        1, "0 mig 1", "0 slice_name x MIG 1g.10gb", "0 slice_used 1", "0 slice_total 5", "process sh", "0 compute 9"
    )
    nvidia = harness(processes=True)
    nvidia.run()
    nvidia.run(advance=5)
    nvml.say("0 energy 1500000")
    nvidia.run(advance=5)
    gpu = 'gpu="0",host="here"'
    lines = nvidia.exposition()
    assert f'nvidia_gpu_energy_integral_joules_total{{{gpu},uuid="GPU-0"}} 1000.0' in lines
    assert f'nvidia_gpu_energy_disagreement_ratio{{{gpu},uuid="GPU-0"}} 1.0' in lines
    assert f'nvidia_gpu_pcie_throughput_bytes_per_second{{direction="transmit",{gpu},uuid="GPU-0"}} 500000.0' in lines
    assert f'nvidia_mig_memory_used_bytes{{{gpu},mig="MIG-0-1",profile="1g.10gb",uuid="GPU-0"}} 1.0' in lines
    assert f'nvidia_mig_memory_total_bytes{{{gpu},mig="MIG-0-0",profile="1g.10gb",uuid="GPU-0"}} 5.0' in lines
    assert f'nvidia_process_memory_bytes{{{gpu},pid="4711",process="sh",uuid="GPU-0"}} 9.0' in lines


def test_memory_of_processes_only_where_it_is_asked_for(harness, nvml):
    nvml.say("process python3", "0 compute 4096", "0 graphics 4096")
    nvidia = harness()
    nvidia.run()
    assert nvidia.series(metrics.PROCESS_MEMORY) == {}
    nvidia = harness(processes=True)
    nvidia.run()
    assert nvidia.series(metrics.PROCESS_MEMORY) == {("here", "0", "GPU-0", "4711", "python3"): 4096}


def test_a_call_that_hangs_is_named_and_no_second_one_is_begun(harness, nvml, eventually):
    nvml.say("1 power hang")
    nvidia = harness(interval=1.0, timeout=3.0)

    eventually(lambda: "while reading GPU 1" in say_why(nvidia, advance=0))
    assert "while reading GPU 1" in say_why(nvidia, advance=4)
    eventually(lambda: "a call hangs, while reading GPU 1" in say_why(nvidia))
    nvml.say("1 power 110000")
    eventually(lambda: nvidia_runs(nvidia))


def say_why(nvidia, advance=60.0):
    try:
        nvidia.run(advance=advance)
    except NotAvailable as error:
        return str(error)
    return " ".join(str(failure.error) for failure in nvidia.part_failures)


def nvidia_runs(nvidia):
    try:
        nvidia.run(advance=600)
    except NotAvailable:
        return False
    return nvidia.value(metrics.POWER, **GPU_1) == 110


def test_auto_takes_nvml_where_it_is_and_nvidia_smi_where_it_fails(harness, nvml, smi):
    nvidia = harness(local="auto", nvidia_smi=str(smi.folder / "nvidia-smi"))
    nvidia.run()
    assert nvidia.value(metrics.HOST_UP, host="here", source="nvml") == 1
    nvml.say("gpus error 18", "init error 18")
    nvidia.run(advance=5)
    assert nvidia.value(metrics.HOST_UP, host="here", source="nvidia-smi") == 1
    assert nvidia.value(metrics.POWER, **GPU_0) == 100.5


def test_auto_says_why_there_is_neither(harness, nvml):
    nvml.say("init error 18")
    with pytest.raises(NotAvailable) as raised:
        harness(local="auto", nvidia_smi="/no/such/nvidia-smi").run()
    assert raised.value.reason == "not_supported"


def test_without_nvidia_ml_py_it_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['pynvml'] = None\n"
        "from collector_core.testing import Harness; from collector_plugins.nvidia import Nvidia\n"
        "from collector_core import NotAvailable\n"
        "try: Harness(Nvidia, local='nvml', local_name='here').run()\n"
        "except NotAvailable as error: print(error.detail, error.fix, sep='|')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "nvidia-ml-py is not installed|pip install 'energy-collector[nvidia]'\n"
