"""GPUs as users of other exporters met them.

Here and not in tests/cases, as the driver library stays loaded: whatever runs before must find a machine without it.
"""

import json
import shutil

import pytest

from collector_plugins.nvidia import Nvidia, metrics
from tests.cases.conftest import case
from tests.plugins.nvidia.conftest import PATIENT

__all__ = ["case"]  # a fixture

GPU_1 = {"host": "here", "gpu": "1", "uuid": "GPU-1"}


@pytest.mark.parametrize("source", ["auto", "nvml", "nvidia-smi"])
def test_nvidia_gpu_that_sleeps(case, collector_harness, nvml, smi, tmp_path, source):
    root = tmp_path / "root"
    shutil.copytree(case("hw/nvidia-gpu-that-sleeps") / "root", root, copy_function=shutil.copyfile)
    program = str(smi.folder / "nvidia-smi")
    harness = collector_harness(Nvidia, root=root, local=source, local_name="here", nvidia_smi=program, **PATIENT)
    for _ in range(3):
        harness.run(advance=30)
    assert (nvml.calls, smi.calls) == ([], [])
    assert harness.series(metrics.GPU_ASLEEP) == {("here", "0000:01:00.0"): 1}
    assert list(harness.series(metrics.HOST_UP).values()) == [1]
    assert (harness.series(metrics.POWER), harness.part_failures) == ({}, [])
    status = root / "sys/bus/pci/devices/0000:01:00.0/power/runtime_status"
    status.chmod(0o644)
    status.write_text("active\n")
    harness.run(advance=5)
    assert harness.series(metrics.GPU_ASLEEP) == {("here", "0000:01:00.0"): 0}
    assert harness.series(metrics.POWER)
    status.write_text("suspended\n")
    harness.run(advance=5)
    assert harness.series(metrics.POWER) == {}
    assert nvml.calls[-1:] == ([] if source == "nvidia-smi" else ["shutdown -1"])


def test_nvidia_name_that_is_no_text(case, collector_harness, nvml):
    assert case("hw/nvidia-name-that-is-no-text")
    name = bytes.fromhex("f895a081e8e4").decode(errors="surrogateescape")
    nvml.say(f"1 name {name}")
    harness = collector_harness(Nvidia, local="nvml", local_name="here")
    harness.run()
    assert len(harness.series(metrics.POWER)) == len(harness.series(metrics.TEMPERATURE)) == 2
    assert len(harness.series(metrics.ENERGY)) == len(harness.series(metrics.GPU_INFO)) == 2
    assert harness.value(metrics.POWER, **GPU_1) == 110
    assert harness.part_failures == []


def test_nvidia_smi_of_a_jetson(case, local, smi):
    rows = json.loads((case("hw/nvidia-smi-of-a-jetson") / "smi/rows.json").read_text())
    smi.say(help=False, gpus=rows)
    harness = local()
    harness.run()
    assert list(harness.series(metrics.HOST_UP).values()) == [1]
    assert len(harness.series(metrics.GPU_INFO)) == 1
    assert (harness.series(metrics.POWER), harness.value(metrics.CLUSTER_POWER)) == ({}, None)
    assert harness.part_failures == []
