"""GPUs read with a program nvidia-smi on this machine: what it knows, what it refuses and how it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector_core import NotAvailable
from collector_plugins.nvidia import metrics
from tests.plugins.nvidia.conftest import GPU

HERE = {"host": "here", "gpu": "0", "uuid": "GPU-0"}


def why_not(harness, advance=0.0):
    try:
        harness.run(advance=advance)
    except NotAvailable as error:
        return error.reason, error.detail
    (failure,) = harness.part_failures
    return failure.error.reason, str(failure.error)


def failures(harness):
    return {part.name: str(part.error) for part in harness.part_failures}


def test_what_it_says_is_published_in_base_units(local):
    harness = local()
    harness.run()
    assert harness.value(metrics.POWER, **HERE) == 100.5
    assert harness.value(metrics.POWER_LIMIT, **HERE) == 400
    assert harness.value(metrics.POWER_LIMIT_USAGE, **HERE) == pytest.approx(0.25125)
    assert harness.value(metrics.MEMORY_USED, **HERE) == 2**30
    assert harness.value(metrics.UTILIZATION, **HERE) == 0.5
    assert harness.value(metrics.CLOCK, clock="sm", **HERE) == 1.41e9
    assert harness.value(metrics.THROTTLED, reason="sw_power_cap", **HERE) == 1
    assert harness.value(metrics.FAN_SPEED, **HERE) is None
    info = {"name": "NVIDIA A100-SXM4-80GB", "driver": "550.163.01"}
    assert harness.value(metrics.GPU_INFO, **HERE, **info) == 1
    assert harness.value(metrics.HOST_UP, host="here", source="nvidia-smi") == 1
    assert harness.value(metrics.HOSTS_REPORTING) == 1
    assert harness.value(metrics.CLUSTER_POWER) == 100.5
    assert harness.part_failures == []


def test_energy_is_the_area_under_the_power(local, smi):
    harness = local()
    harness.run()
    assert harness.value(metrics.ENERGY, **HERE) == 0
    smi.has({"power.draw": "200.50"})
    harness.run(advance=5)
    assert harness.value(metrics.ENERGY, **HERE) == pytest.approx(752.5)
    assert harness.value(metrics.ENERGY_METHOD, **HERE, method="power_integral") == 1
    assert harness.value(metrics.ENERGY_DISAGREEMENT, **HERE) is None
    harness.run(advance=60)
    assert harness.value(metrics.ENERGY, **HERE) == pytest.approx(752.5)
    assert harness.value(metrics.ENERGY_GAPS, **HERE) == 1


def test_it_is_asked_for_what_it_knows_once_and_then_only_for_values(local, smi):
    harness = local()
    for _ in range(3):
        harness.run(advance=5)
    asked = [call.split()[1].partition("=")[0] for call in smi.calls]
    assert asked == ["--help-query-gpu", "--query-gpu", "--query-gpu", "--query-gpu"]
    assert "clocks_throttle_reasons.active" not in smi.calls[-1]


def test_a_field_that_it_lists_and_refuses_is_dropped(local, smi):
    smi.say(refused=["power.draw", "fan.speed"])
    harness = local()
    harness.run()
    assert harness.value(metrics.POWER, **HERE) is None
    assert harness.value(metrics.TEMPERATURE, **HERE) == 41
    calls = len(smi.calls)
    harness.run(advance=5)
    assert len(smi.calls) == calls + 1


def test_a_driver_that_lists_nothing_is_asked_for_everything_and_what_it_refuses_is_dropped(local, smi):
    old = {
        "clocks_throttle_reasons.active" if name.startswith("clocks_event") else name: cell
        for name, cell in GPU.items()
    }
    smi.say(help=False, gpus=[old])
    harness = local()
    harness.run()
    assert harness.value(metrics.POWER, **HERE) == 100.5
    assert harness.value(metrics.THROTTLED, reason="sw_power_cap", **HERE) == 1


def test_after_an_update_of_the_driver_it_is_asked_again_what_it_knows(local, smi):
    harness = local()
    harness.run()
    smi.say(text="Failed to initialize NVML: Driver/library version mismatch\n", exit=18)
    with pytest.raises(NotAvailable):
        harness.run(advance=5)
    smi.said.pop("text")
    smi.say(exit=0, gpus=[{name: cell for name, cell in GPU.items() if name != "fan.speed"}])
    harness.run(advance=60)
    assert "--help-query-gpu" in smi.calls[-2]
    assert "fan.speed" not in smi.calls[-1]
    assert harness.value(metrics.POWER, **HERE) == 100.5


@pytest.mark.parametrize(
    ("text", "code", "reason", "words", "fix"),
    [
        (
            "Failed to initialize NVML: Driver/library version mismatch\n",
            18,
            "not_supported",
            "version mismatch",
            "reboot",
        ),
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n\n",
            9,
            "not_found",
            "driver",
            "modprobe",
        ),
        ("No devices were found\n", 6, "not_found", "No devices", "lspci"),
        ("Failed to initialize NVML: Insufficient Permissions\n", 4, "permission", "Permissions", "/dev/nvidia"),
        ("Unable to determine the device handle for GPU0: GPU is lost.\n", 15, "not_found", "is lost", "gpu-reset"),
        ("\x80\xff\x00 not a table \xfe\n,,,\n", 0, "bad_data", "not a table", ""),
        ("", 0, "bad_data", "said nothing", ""),
        ("timeout: killed\n", 137, "timeout", "did not end in time", "dmesg"),
    ],
)
def test_what_it_says_instead_of_a_table_is_explained(local, smi, text, code, reason, words, fix):
    smi.say(text=text, exit=code)
    harness = local()
    with pytest.raises(NotAvailable) as raised:
        harness.run()
    assert raised.value.reason == reason
    assert words in raised.value.detail
    assert fix in raised.value.fix


def test_a_program_that_is_not_there_is_named_with_what_helps(local):
    with pytest.raises(NotAvailable) as raised:
        local(nvidia_smi="/no/such/nvidia-smi").run()
    assert (raised.value.reason, raised.value.detail) == ("not_found", "/no/such/nvidia-smi does not exist")
    assert "install the NVIDIA driver" in raised.value.fix


def test_a_search_path_that_cannot_be_searched_is_no_refusal(local, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PATH", str(tmp_path / "file"))
    with pytest.raises(NotAvailable) as raised:
        local(nvidia_smi="nvidia-smi").run()
    assert (raised.value.reason, raised.value.detail) == ("not_found", "nvidia-smi does not exist")


def test_a_program_that_may_not_be_run_is_named(local, tmp_path):
    (tmp_path / "plain").write_text("")
    with pytest.raises(NotAvailable) as raised:
        local(nvidia_smi=str(tmp_path / "plain")).run()
    assert raised.value.reason == "permission"


def test_absent_values_are_absent_and_unknown_errors_are_failed_parts(local, smi):
    smi.has({"power.draw": "[Unknown Error]", "utilization.gpu": "ERR!"}, {"power.draw": "[N/A]"}, {})
    harness = local()
    harness.run()
    assert set(harness.series(metrics.POWER)) == {("here", "2", "GPU-2")}
    assert failures(harness) == {
        "host=here,gpu=0,uuid=GPU-0": "power.draw says '[Unknown Error]'; utilization.gpu says 'ERR!'"
    }
    assert len(harness.series(metrics.TEMPERATURE)) == 3
    assert harness.value(metrics.CLUSTER_POWER) == 100.5


def test_without_any_power_there_is_no_sum(local, smi):
    smi.has({"power.draw": "[N/A]"})
    harness = local()
    harness.run()
    assert harness.value(metrics.CLUSTER_POWER) is None
    assert harness.series(metrics.ENERGY) == {}


def test_an_answer_that_is_cut_off_costs_the_last_gpu_only(local, smi):
    smi.has({}, {}, {})
    smi.say(cut=40)
    harness = local()
    harness.run()
    assert len(harness.series(metrics.POWER)) == 2
    assert list(failures(harness)) == ["host=here,what=line 1"]


def test_a_lost_gpu_is_a_failed_part_and_the_others_stay(local, smi):
    smi.say(after="Unable to determine the device handle for GPU1: GPU is lost.  Reboot the system.\n", exit=15)
    harness = local()
    harness.run()
    assert harness.value(metrics.POWER, **HERE) == 100.5
    (failure,) = harness.part_failures
    assert failure.name == "host=here,what=line 1"
    assert (failure.error.reason, failure.error.fix) == ("not_found", "sudo nvidia-smi --gpu-reset   # or reboot")


def test_a_bad_end_after_a_good_table_is_a_failed_part(local, smi):
    smi.say(exit=3)
    harness = local()
    harness.run()
    assert harness.value(metrics.POWER, **HERE) == 100.5
    assert list(failures(harness)) == ["host=here,what=nvidia-smi"]


def test_gpus_that_come_and_go_are_told_once_and_counted(local, smi, caplog):
    caplog.set_level("INFO")
    smi.has({}, {}, {})
    harness = local()
    harness.run()
    smi.has({}, {})
    for _ in range(3):
        harness.run(advance=5)
    assert harness.value(metrics.HOST_GPUS, host="here") == 2
    assert harness.series(metrics.POWER).keys() == {("here", "0", "GPU-0"), ("here", "1", "GPU-1")}
    assert caplog.messages == ["here: GPU 2 (GPU-2) is gone, 2 are left"]
    smi.has({}, {}, {})
    harness.run(advance=5)
    assert caplog.messages[1:] == ["here: GPU 2 (GPU-2) is there now, 3 in all"]


def test_a_gpu_that_comes_back_goes_on_from_its_joules(local, smi):
    smi.has({}, {})
    harness = local()
    harness.run()
    harness.run(advance=5)
    smi.has({})
    harness.run(advance=5)
    smi.has({}, {})
    harness.run(advance=60)
    assert harness.value(metrics.ENERGY, host="here", gpu="1", uuid="GPU-1") == pytest.approx(502.5)


def test_memory_of_processes_only_where_it_is_asked_for(local, smi):
    process = {"gpu_uuid": "GPU-0", "pid": 42, "process_name": "python3, train", "used_gpu_memory": 512}
    other = {"gpu_uuid": "GPU-0", "pid": 43, "process_name": "[Not Found]", "used_gpu_memory": "[N/A]"}
    smi.say(processes=[process, other])
    harness = local()
    harness.run()
    assert harness.series(metrics.PROCESS_MEMORY) == {}
    harness = local(processes=True)
    harness.run()
    assert harness.series(metrics.PROCESS_MEMORY) == {("here", "0", "GPU-0", "42", "python3, train"): 512 * 2**20}


def test_one_that_hangs_is_killed_at_the_deadline_and_named(local, smi, eventually):
    smi.say(sleep=600)
    harness = local(interval=0.2, timeout=0.4)
    assert why_not(harness) == ("timeout", "no answer yet, while running nvidia-smi")
    eventually(lambda: smi.calls)
    assert why_not(harness, advance=1) == ("timeout", "no answer within 0.4 s, while running nvidia-smi")
    pid = int(smi.calls[0].split()[0])
    eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_one_that_floods_is_stopped(local, smi):
    smi.say(flood=True)
    harness = local()
    with pytest.raises(NotAvailable) as raised:
        harness.run()
    assert raised.value.detail == "nvidia-smi wrote more than 4 MiB"
