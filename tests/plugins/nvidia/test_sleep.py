"""GPUs that sleep are not woken, those that could sleep are not kept awake, and both come back by themselves."""

from __future__ import annotations

import subprocess

import psutil
import pytest

from collector_core import NotAvailable
from collector_plugins.nvidia import Nvidia, metrics, pci_script
from collector_plugins.nvidia.pci import PciGpu, sysfs_address
from collector_plugins.nvidia.sleep import NEXT_REST_SECONDS, REST_SECONDS

FIRST, SECOND = "0000:01:00.0", "0000:02:00.0"
GPU_0 = {"host": "here", "gpu": "0", "uuid": "GPU-0"}
GPU_1 = {"host": "here", "gpu": "1", "uuid": "GPU-1"}


@pytest.fixture
def nvidia(collector_harness, nvml, pci, smi):
    """A harness on that machine; the driver's library and a program nvidia-smi are there."""
    nvml.say("0 pci 00000000:01:00.0", "1 pci 00000000:02:00.0")

    def make(local="auto", **options):
        program = {"nvidia_smi": str(smi.folder / "nvidia-smi")}
        patient = {"timeout": 60.0, "keeps_running": False}
        return collector_harness(Nvidia, root=pci.root, local=local, local_name="here", **program, **patient, **options)

    return make


def asleep(harness):
    return {address: value for (_, address), value in harness.series(metrics.GPU_ASLEEP).items()}


def touched(nvml):
    """The GPUs that were asked for anything."""
    return {int(call.split()[1]) for call in nvml.calls} - {-1}


@pytest.mark.parametrize("local", ["auto", "nvml", "nvidia-smi"])
@pytest.mark.parametrize(("status", "kind"), [("suspended", "0x030000"), ("suspending", "0x030200")])
def test_while_all_sleep_nothing_is_started_or_asked_and_that_is_no_failure(
    nvidia, nvml, smi, pci, local, status, kind
):
    pci.has(FIRST, status, kind=kind)
    harness = nvidia(local)
    for _ in range(3):
        harness.run(advance=60)
    assert (nvml.calls, smi.calls) == ([], [])
    assert asleep(harness) == {FIRST: 1}
    assert f'nvidia_gpu_asleep{{host="here",pci="{FIRST}"}} 1.0' in harness.exposition()
    assert harness.value(metrics.HOST_GPUS, host="here") == 1
    assert list(harness.series(metrics.HOST_UP).values()) == [1]
    assert harness.series(metrics.POWER) == {}
    assert harness.value(metrics.CLUSTER_POWER) is None
    assert harness.part_failures == []
    assert harness.collector.collector_energy_meters() == ()


def test_one_that_wakes_up_is_read_and_one_that_falls_asleep_is_let_go(nvidia, nvml, pci, caplog):
    caplog.set_level("INFO")
    nvml.has(1, "0 pci 00000000:01:00.0")
    pci.has(FIRST, "suspended")
    harness = nvidia()
    harness.run()
    pci.has(FIRST, "active")
    harness.run(advance=5)
    assert (asleep(harness), harness.value(metrics.POWER, **GPU_0)) == ({FIRST: 0}, 100)
    nvml.say("0 energy 1500000")
    harness.run(advance=5)
    pci.has(FIRST, "suspended")
    harness.run(advance=5)
    assert nvml.calls[-1] == "shutdown -1", "a handle that stays open keeps it awake"
    assert (asleep(harness), harness.series(metrics.POWER)) == ({FIRST: 1}, {})
    calls = len(nvml.calls)
    harness.run(advance=600)
    assert len(nvml.calls) == calls
    pci.has(FIRST, "active")
    nvml.say("0 energy 1600000")
    harness.run(advance=5)
    assert harness.value(metrics.POWER, **GPU_0) == 100
    assert harness.value(metrics.ENERGY, **GPU_0) == pytest.approx(600), "goes on from its joules"
    assert "here: GPU 0 (GPU-0) sleeps" in caplog.messages
    assert not any("is gone" in message for message in caplog.messages)


def test_one_that_sleeps_beside_one_that_works_is_not_touched(nvidia, nvml, pci):
    pci.has(FIRST, "suspended")
    pci.has(SECOND, "active", control="on")
    harness = nvidia()
    for _ in range(3):
        harness.run(advance=5)
    assert touched(nvml) == {1}
    assert harness.series(metrics.POWER) == {("here", "1", "GPU-1"): 110}
    assert asleep(harness) == {FIRST: 1, SECOND: 0}
    assert harness.value(metrics.HOST_GPUS, host="here") == 2
    assert harness.part_failures == []
    pci.has(FIRST, "active")
    harness.run(advance=5)
    assert harness.series(metrics.POWER).keys() == {("here", "0", "GPU-0"), ("here", "1", "GPU-1")}
    pci.has(FIRST, "suspended")
    harness.run(advance=5)
    before = len(nvml.calls)
    harness.run(advance=5)
    assert {call.split()[1] for call in nvml.calls[before:]} == {"1"}


def test_in_a_container_gpus_of_others_are_no_fault(nvidia, nvml, pci):
    nvml.has(1, "0 pci 00000000:02:00.0")
    for address, status in {FIRST: "suspended", SECOND: "active", "0000:03:00.0": "active"}.items():
        pci.has(address, status, control="on")
    harness = nvidia("nvml")
    harness.run()
    assert harness.series(metrics.POWER) == {("here", "0", "GPU-0"): 100}
    assert harness.part_failures == []


def test_nvidia_smi_is_asked_for_those_that_are_awake_only(nvidia, smi, pci):
    pci.has(FIRST, "suspended")
    pci.has(SECOND, "active", control="on")
    nvidia("nvidia-smi").run()
    assert all(call.endswith(f"--id={SECOND}") for call in smi.calls if "--query-gpu" in call)


def test_one_that_could_sleep_and_has_nothing_to_do_is_let_go_for_a_while(nvidia, nvml, pci):
    nvml.has(1, "0 utilization 0", "0 pci 00000000:01:00.0")
    pci.has(FIRST, "active")
    harness = nvidia()
    harness.run()
    assert nvml.calls[-1] == "shutdown -1"
    calls = len(nvml.calls)
    harness.run(advance=REST_SECONDS / 2)
    assert len(nvml.calls) == calls
    assert harness.value(metrics.POWER, **GPU_0) == 100
    assert harness.value(metrics.HOST_ANSWER_AGE, host="here") == REST_SECONDS / 2
    nvml.say("0 utilization 90", "0 power 300000")
    harness.run(advance=REST_SECONDS)
    assert harness.value(metrics.POWER, **GPU_0) == 300
    calls = nvml.calls.count("shutdown -1")
    harness.run(advance=5)
    assert nvml.calls.count("shutdown -1") == calls, "it works"


def test_one_that_something_else_keeps_awake_is_read_in_every_run_again(nvidia, nvml, pci):
    nvml.has(1, "0 utilization 0", "0 pci 00000000:01:00.0")
    pci.has(FIRST, "active")
    harness = nvidia()
    harness.run()
    harness.run(advance=REST_SECONDS)
    for _ in range(20):
        calls = len(nvml.calls)
        harness.run(advance=5)
        assert len(nvml.calls) > calls
    assert nvml.calls.count("shutdown -1") == 1
    harness.run(advance=NEXT_REST_SECONDS)
    assert nvml.calls.count("shutdown -1") == 2


@pytest.mark.parametrize("local", ["nvml", "nvidia-smi"])
def test_the_energy_of_a_rest_is_counted_once_when_it_is_over(nvidia, nvml, smi, pci, local):
    nvml.has(1, "0 utilization 0", "0 energy error 3", "0 pci 00000000:01:00.0")
    smi.has({"utilization.gpu": 0, "power.draw": 100})
    pci.has(FIRST, "active")
    harness = nvidia(local)
    harness.run()
    harness.run(advance=REST_SECONDS / 2)
    assert harness.value(metrics.ENERGY, **GPU_0) == 0
    harness.run(advance=REST_SECONDS / 2)
    assert harness.value(metrics.ENERGY, **GPU_0) == pytest.approx(100 * REST_SECONDS)
    assert harness.value(metrics.ENERGY_GAPS, **GPU_0) == 0


STAYS_AWAKE = [{"control": "on"}, {"d3": "Not supported"}, {"d3": "Disabled by default"}]


@pytest.mark.parametrize("device", STAYS_AWAKE, ids=str)
def test_one_that_cannot_sleep_stays_open(nvidia, nvml, pci, device):
    nvml.has(1, "0 utilization 0", "0 pci 00000000:01:00.0")
    pci.has(FIRST, "active", **device)
    harness = nvidia()
    for _ in range(3):
        harness.run(advance=5)
    assert "shutdown -1" not in nvml.calls


def test_whoever_wants_it_reads_them_always(nvidia, nvml, pci):
    pci.has(FIRST, "suspended")
    harness = nvidia(let_gpus_sleep=False)
    harness.run()
    assert len(harness.series(metrics.POWER)) == 2
    assert asleep(harness) == {}


@pytest.mark.parametrize(
    "device",
    [
        {"vendor": "0x1002"},
        {"kind": "0x040300"},
        {"kind": "0x0c0330"},
        {"driver": "vfio-pci"},
        {"status": None},
        {"status": "unsupported"},
        {"status": "active"},
    ],
    ids=str,
)
def test_what_is_no_sleeping_gpu_of_ours_hides_none(nvidia, pci, device):
    pci.has(FIRST, **{"status": "suspended"} | device)
    harness = nvidia()
    harness.run()
    assert len(harness.series(metrics.POWER)) == 2


def test_a_machine_whose_kernel_lists_nothing_is_read(nvidia, pci):
    for folder in pci.devices.iterdir():
        folder.rename(pci.root / folder.name)
    harness = nvidia()
    harness.run()
    assert len(harness.series(metrics.POWER)) == 2


def test_measuring_does_not_wake_one_nor_keep_it_awake(nvidia, nvml, pci):
    nvml.has(1, "0 pci 00000000:01:00.0")
    pci.has(FIRST, "active")
    harness = nvidia()
    harness.run()
    (meter,) = harness.collector.collector_energy_meters()
    nvml.say("0 energy 1100000")
    harness.clock.advance(1)
    assert meter.read().joules == pytest.approx(100)
    opened, closed = (nvml.calls.count(f"{what} -1") for what in ("init", "shutdown"))
    assert opened == closed + 1, "the collector's own, and none of the meter's"
    pci.has(FIRST, "suspended")
    calls = len(nvml.calls)
    with pytest.raises(NotAvailable, match="GPU 0 sleeps"):
        meter.read()
    assert len(nvml.calls) == calls


@pytest.fixture
def remote(pci):
    """Runs what an ssh host runs, with `echo` for nvidia-smi; returns what that wrote, and the GPUs."""

    def run(*arguments, shell="sh"):
        command = pci_script.command("echo", "ran", *arguments, devices=str(pci.devices))
        done = subprocess.run([shell, *command[1:]], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return pci_script.split(done.stdout)

    return run


QUERY = "--query-gpu=index"


def test_on_another_machine_nothing_is_started_while_all_sleep(remote, pci):
    pci.has(FIRST, "suspended")
    assert remote(QUERY) == ("", (PciGpu(FIRST, asleep=True, may_sleep=True),))
    pci.has(SECOND, "active", control="on", driver="nvidia")
    text, gpus = remote(QUERY)
    assert text == f"ran {QUERY} --id={SECOND}\n"
    assert gpus[1] == PciGpu(SECOND, asleep=False, may_sleep=False)
    pci.has(FIRST, "active")
    assert remote(QUERY)[0] == f"ran {QUERY}\n"


@pytest.mark.parametrize("device", STAYS_AWAKE, ids=str)
def test_on_another_machine_too_one_that_cannot_sleep_is_known(remote, pci, device):
    pci.has(FIRST, "active", **device)
    pci.has(SECOND, "active", d3="Enabled (fine-grained)")
    _, gpus = remote(QUERY)
    assert [gpu.may_sleep for gpu in gpus] == [False, True]


@pytest.mark.parametrize("device", [{"vendor": "0x1002"}, {"kind": "0x040300"}, {"driver": "vfio-pci"}], ids=str)
def test_on_another_machine_too_what_is_no_gpu_of_ours_hides_none(remote, pci, device):
    pci.has(FIRST, "suspended", **device)
    assert remote(QUERY) == (f"ran {QUERY}\n", ())


def test_on_a_machine_without_sysfs_the_program_runs(remote, pci):
    for folder in pci.devices.iterdir():
        folder.rename(pci.root / folder.name)
    assert remote(QUERY) == (f"ran {QUERY}\n", ())


@pytest.mark.parametrize("text", ["", "energy-collector-gpu\n", "energy-collector-gpu a b c d\n", "hello\nworld"])
def test_other_text_is_left_as_it_is(text):
    assert pci_script.split(text) == (text, ())


@pytest.mark.parametrize(
    ("bus_id", "address"),
    [("00000000:01:00.0", "0000:01:00.0"), ("00010000:3B:00.0", "10000:3b:00.0"), ("[N/A]", ""), ("", "")],
)
def test_the_drivers_addresses_are_written_as_the_kernels(bus_id, address):
    assert sysfs_address(bus_id) == address


def test_falling_asleep_and_waking_up_again_and_again_leaves_nothing_open(nvidia, nvml, pci):
    nvml.has(1, "0 pci 00000000:01:00.0")
    pci.has(FIRST, "active")
    harness = nvidia()
    harness.run()
    process = psutil.Process()
    before = process.num_threads(), process.num_fds()
    for _ in range(30):
        for status in ("suspended", "active"):
            pci.has(FIRST, status)
            harness.run(advance=5)
    assert (process.num_threads(), process.num_fds()) == before
    assert nvml.calls.count("init -1") == nvml.calls.count("shutdown -1") + 1
