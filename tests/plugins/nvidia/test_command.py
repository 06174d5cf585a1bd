"""The whole program on a driver library, programs nvidia-smi and ssh servers: what people see and Prometheus gets."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.nvidia.conftest import FakeNvml, need

COMMAND = Path(sys.executable).with_name("energy-collector")
FIXTURES = Path(__file__).resolve().parents[4] / "shared/fixtures/nvidia"


@pytest.fixture
def once(tmp_path):
    """Runs `energy-collector once nvidia` with these options; returns what it printed, and its log."""

    def run(options, timeout="3s", code=0, **environment):
        config = tmp_path / "config.yaml"
        nvidia = {"interval": "2s", "timeout": timeout, "options": options}
        config.write_text(json.dumps({"collectors": {"nvidia": nvidia}}))
        command = [COMMAND, "once", "nvidia", "--config", config, "--gap", "0.5"]
        env = {**os.environ, **environment}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    return run


def samples(text, metric):
    """Value by labels, without braces."""
    lines = re.findall(rf"^{metric}(?:\{{(.*)\}})? (\S+)$", text, re.MULTILINE)
    return {labels: float(value) for labels, value in lines}


def check_with_promtool(text):
    need("promtool", "prometheus")
    command = [shutil.which("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_good_hosts_are_complete_beside_a_refusing_and_a_frozen_one(once, nvml_library, sshd, tmp_path):
    (good, smi), (refusing, _), (frozen, _) = sshd("good"), sshd("refusing"), sshd("frozen")
    smi.has({"power.draw": 100}, {"power.draw": 50.5})
    refusing.stop()
    frozen.freeze()
    nvml = FakeNvml(tmp_path / "nvml.txt")
    nvml.has(2)
    hosts = {"good": good, "refusing": refusing, "frozen": frozen}
    options = {"local_name": "here", "hosts": [{"name": name, **host.options} for name, host in hosts.items()]}
    text, log = once(options, code=1, LD_LIBRARY_PATH=str(nvml_library.parent), FAKE_NVML=str(nvml.file))
    assert samples(text, "nvidia_host_up") == {
        'host="here",source="nvml"': 1,
        'host="good",source="ssh"': 1,
        'host="refusing",source="ssh"': 0,
        'host="frozen",source="ssh"': 0,
    }
    assert samples(text, "nvidia_host_unavailable_info").keys() == {
        'host="refusing",reason="unreachable",source="ssh"',
        'host="frozen",reason="timeout",source="ssh"',
    }
    powers = samples(text, "nvidia_gpu_power_watts")
    assert sorted(powers.values()) == [50.5, 100, 100, 110]
    assert samples(text, "nvidia_cluster_power_watts") == {}, "a sum without two hosts would look like the whole"
    assert samples(text, "nvidia_hosts_reporting") == {"": 2}
    assert samples(text, "nvidia_hosts") == {"": 4}
    assert samples(text, "nvidia_host_connections_total")['host="good"'] == 1
    assert len(samples(text, "nvidia_gpu_energy_joules_total")) == 4
    assert "host=refusing fails: 127.0.0.1 port" in log
    assert log.count("host=refusing fails") == 1
    assert "host=frozen fails: no answer within 3 s, while" in log
    assert "nvidia is incomplete: host=refusing, host=frozen" in log
    assert "Traceback" not in log
    check_with_promtool(text)


def test_a_host_that_is_slower_than_the_interval_is_waited_for(once, sshd):
    (fast, _), (slow, smi) = sshd("fast"), sshd("slow")
    smi.say(sleep=1.2)  # for its fields, and again for their values
    hosts = [{"name": name, **host.options} for name, host in {"fast": fast, "slow": slow}.items()]
    text, _ = once({"local": "off", "hosts": hosts}, timeout="8s")
    assert set(samples(text, "nvidia_host_up").values()) == {1}
    assert samples(text, "nvidia_hosts_reporting") == {"": 2}


def test_nvml_may_take_its_time_to_shut_down(once, nvml_library, tmp_path):
    nvml = FakeNvml(tmp_path / "nvml.txt")
    nvml.has(1, "shutdown 900")
    text, log = once({"local": "nvml"}, LD_LIBRARY_PATH=str(nvml_library.parent), FAKE_NVML=str(nvml.file))
    assert len(samples(text, "nvidia_gpu_power_watts")) == 1
    assert log == ""


def test_measuring_does_not_wake_a_gpu_that_sleeps(nvml_library, tmp_path, pci):
    pci.has("0000:01:00.0", "suspended")
    nvml = FakeNvml(tmp_path / "nvml.txt")
    nvml.has(1)
    log = tmp_path / "nvml.log"
    environment = {"LD_LIBRARY_PATH": str(nvml_library.parent), "FAKE_NVML": str(nvml.file), "FAKE_NVML_LOG": str(log)}
    command = [COMMAND, "measure", "--root", pci.root, "--", "true"]
    env = {**os.environ, **environment, "HOME": str(tmp_path)}
    subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert not log.exists()


def test_simulated_gpus_are_an_exposition_that_promtool_likes(once):
    text, log = once({"local": "demo"})
    assert len(samples(text, "nvidia_gpu_power_watts")) == 4
    assert log == ""
    check_with_promtool(text)


def test_where_there_is_nothing_it_says_what_to_install(tmp_path):
    environment = {**os.environ, "PATH": str(tmp_path)}
    command = [COMMAND, "once", "nvidia"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    if "nvidia_gpu_power_watts" in done.stdout:
        pytest.skip("this machine has a GPU")
    assert done.returncode == 1
    assert 'collector_unavailable_info{collector="nvidia",plugin="nvidia",reason="not_found"} 1.0' in done.stdout
    assert "libnvidia-ml.so.1 does not exist: no NVIDIA driver is installed; fix: install" in done.stderr


@pytest.fixture(scope="session")
def shared_library(tmp_path_factory):
    if not FIXTURES.exists():
        pytest.skip("the shared fixtures are not beside this checkout")
    need("cc", "gcc")
    folder = tmp_path_factory.mktemp("shared-nvml")
    subprocess.run(["sh", FIXTURES / "build.sh", folder], check=True, capture_output=True)
    return folder


def test_the_shared_library_is_read_and_its_energy_is_its_power_over_time(once, shared_library):
    environment = {"LD_LIBRARY_PATH": str(shared_library), "FAKE_NVML_GPUS": "8", "FAKE_NVML_POWER_MW": "300000"}
    text, _ = once({"local": "nvml"}, **environment)
    assert set(samples(text, "nvidia_gpu_power_watts").values()) == {300}
    assert samples(text, "nvidia_cluster_power_watts") == {"": 2400}
    disagreements = samples(text, "nvidia_gpu_energy_disagreement_ratio").values()
    assert len(disagreements) == 8
    assert all(abs(ratio) < 0.25 for ratio in disagreements)  # two looks, as far apart as this machine is busy


@pytest.mark.parametrize(
    ("settings", "powers", "failed"),
    [
        ({}, 3, 0),
        ({"MODEL": "rtx2080s"}, 3, 0),
        ({"MODE": "na"}, 0, 0),
        ({"MODE": "notsupported"}, 0, 0),
        ({"MODE": "unknown"}, 2, 1),
        ({"MODE": "truncated"}, 2, 1),
    ],
    ids=str,
)
def test_the_shared_program_is_read_in_every_mode(once, settings, powers, failed):
    if not FIXTURES.exists():
        pytest.skip("the shared fixtures are not beside this checkout")
    environment = {f"FAKE_SMI_{key}": value for key, value in settings.items()} | {"FAKE_SMI_GPUS": "3"}
    options = {"local": "nvidia-smi", "nvidia_smi": str(FIXTURES / "nvidia-smi")}
    text, _ = once(options, code=min(failed, 1), **environment)
    assert len(samples(text, "nvidia_gpu_power_watts")) == powers
    (count,) = samples(text, "collector_part_failures_total").values()
    assert count == 2 * failed
    check_with_promtool(text)
