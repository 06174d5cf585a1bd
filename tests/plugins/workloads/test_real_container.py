"""A container of a real Docker, in the kernel's own control groups."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

from collector_core import EnergyMeter, EnergyReading
from collector_core.procfs import list_cgroup_trees
from collector_core.testing import FakeClock
from collector_plugins.energy import Energy
from collector_plugins.workloads import Workloads, metrics
from tests.background import BackgroundServer

START_SECONDS = 60
OPTIONS = ("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--storage-driver=vfs")
BURN = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; exec sleep 600"
FOLDERS = [folder for folder in ("/usr", "/bin", "/lib", "/lib64") if Path(folder).exists()]

pytestmark = pytest.mark.real_time


class Docker:
    """A daemon with folders and a socket of its own, without a network."""

    def __init__(self, folder: Path, program: str) -> None:
        self.socket = folder / "docker.sock"
        self._data = folder / "data"
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        options = [f"--{option}={folder / name}" for option, name in places.items()]
        command = [program, f"--host=unix://{self.socket}", *options, *OPTIONS]
        self._server = BackgroundServer(command, folder, end_signal="TERM")

    def run(self, *arguments: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        program = shutil.which("docker", path="/usr/bin") or "docker"
        command = [program, f"--host=unix://{self.socket}", *arguments]
        return subprocess.run(command, input=content, capture_output=True, check=False)

    def is_ready(self) -> bool:
        """Waits for it; says no where it has given up: not every machine lets it run containers."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not self._server.has_ended():
            if self.run("version").returncode == 0:
                return True
            time.sleep(0.1)
        return False

    def stop(self) -> None:
        self._server.stop()
        subprocess.run(["umount", self._data], capture_output=True, check=False)  # one that fails leaves it mounted


@pytest.fixture
def docker():
    program = shutil.which("dockerd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        message = "dockerd is not installed: python tests/services.py install"
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)
    if os.geteuid() != 0 or not list_cgroup_trees(Path("/sys")):
        pytest.skip("containers need root and control groups that count CPU time")
    with tempfile.TemporaryDirectory(prefix="docker-") as folder:  # short: it holds paths of sockets
        daemon = Docker(Path(folder), program)
        try:
            if not daemon.is_ready():
                pytest.skip("dockerd does not run on this machine")
            yield daemon
            daemon.run("rm", "--force", "burner")
        finally:
            daemon.stop()


def empty_image() -> bytes:
    image = io.BytesIO()
    tarfile.open(fileobj=image, mode="w").close()
    return image.getvalue()


def test_a_real_container_has_its_joules_under_its_name(docker, tmp_path, monkeypatch, collector_harness, eventually):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    clock = FakeClock()

    def latest() -> EnergyReading:
        return EnergyReading(100.0 * clock.monotonic(), clock.monotonic())

    meter = EnergyMeter("cpu", "package-0", "meter", 0.01, 5.0, latest, latest)
    energy = collector_harness(Energy, clock=clock, energy_meters=lambda: [meter])
    options = {"runtimes": [str(docker.socket)], "idle_watts": {"cpu": 0}}
    workloads = collector_harness(Workloads, clock=clock, published=energy.published, **options)

    def run() -> dict[str, float]:
        energy.run(advance=5)
        workloads.run()
        series = workloads.series(metrics.ENERGY)
        return {key[1]: joules for key, joules in series.items() if key[0] == "container"}

    run()
    assert docker.run("import", "-", "tests/burner:1", content=empty_image()).returncode == 0
    binds = [f"--volume={folder}:{folder}:ro" for folder in FOLDERS]
    command = ("run", "--detach", "--name=burner", "--network=none", *binds, "tests/burner:1", "/bin/sh", "-c", BURN)
    started = docker.run(*command)
    if started.returncode != 0:
        pytest.skip(f"Docker runs no container on this machine: {started.stderr.decode(errors='replace')[-300:]}")
    eventually(lambda: run().get("burner", 0.0) > 0)
    told = [dict(zip(metrics.INFO.labels, key, strict=True)) for key in workloads.series(metrics.INFO)]
    (info,) = (each for each in told if each["name"] == "burner")
    assert (info["kind"], info["image"], info["runtime"]) == ("container", "tests/burner:1", "docker")
    measured = workloads.value(metrics.MEASURED, component="cpu")
    parts = [workloads.value(each, component="cpu") for each in (metrics.IDLE, metrics.UNATTRIBUTED, metrics.ENDED)]
    assert sum(workloads.series(metrics.ENERGY).values()) + sum(parts) == pytest.approx(measured)
