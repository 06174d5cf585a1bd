"""A driver library, a program nvidia-smi and ssh servers that say what the test decides."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from collector_plugins.nvidia import Nvidia
from tests.sshd import Sshd

HERE = Path(__file__).parent
FAKE_SMI = HERE / "fake/nvidia-smi"

UNITS = {
    "power.draw": "W",
    "enforced.power.limit": "W",
    "memory.used": "MiB",
    "memory.total": "MiB",
    "utilization.gpu": "%",
    "fan.speed": "%",
    "clocks.current.sm": "MHz",
    "used_gpu_memory": "MiB",
}
GPU = {
    "index": 0,
    "uuid": "GPU-0",
    "name": "NVIDIA A100-SXM4-80GB",
    "driver_version": "550.163.01",
    "power.draw": "100.50",
    "enforced.power.limit": "400.00",
    "temperature.gpu": 41,
    "memory.used": 1024,
    "memory.total": 81920,
    "utilization.gpu": 50,
    "fan.speed": "[N/A]",
    "clocks.current.sm": 1410,
    "clocks_event_reasons.active": "0x0000000000000004",
}


def need(program, package):
    """Skip where a program is missing, fail where nothing may be missing."""
    if not shutil.which(program, path=f"/usr/sbin:{os.environ['PATH']}"):
        message = f"{program} is not installed ({package}): python tests/services.py install"
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)


class FakeSmi:
    """A folder with a program nvidia-smi; `say` changes what it says.

    Keys: `gpus` (rows by field; those of the first are what the driver knows), `units`, `processes` (rows), `help`
    (whether it lists its fields), `refused` (fields that it lists and refuses), `before`, `after` (text around the
    table), `cut` (characters missing at the end), `text` (instead of all that), `exit`, `sleep` (seconds), `flood`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        program = folder / "nvidia-smi"
        # This interpreter, alone: it is started hundreds of times, and a `python3` on the path may be slow.
        program.write_text(f"#!{sys.executable} -ES\n{FAKE_SMI.read_text()}")
        program.chmod(0o755)
        self.said = {"gpus": [GPU], "units": UNITS, "help": True, "processes": []}
        self.say()

    def say(self, **changes):
        self.said = {**self.said, **changes}
        new = self.folder / "gpus.json.new"
        new.write_text(json.dumps(self.said))
        new.replace(self.folder / "gpus.json")

    def has(self, *gpus):
        """GPUs that differ from the usual one by these fields."""
        self.say(gpus=[{**GPU, "index": n, "uuid": f"GPU-{n}", **changes} for n, changes in enumerate(gpus)])

    @property
    def calls(self):
        """What it was asked, a line a call: pid and arguments."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def smi(tmp_path):
    return FakeSmi(tmp_path / "smi")


PATIENT = {"timeout": 60.0, "keeps_running": False}


@pytest.fixture
def local(collector_harness, smi):
    """A harness that reads this machine's fake nvidia-smi; options and attributes as the test likes.

    Unless the test says how long a run may take it waits for the program, however busy this machine is.
    """

    def make(**options):
        options = ({} if "timeout" in options else PATIENT) | options
        options = {"local": "nvidia-smi", "local_name": "here", "nvidia_smi": str(smi.folder / "nvidia-smi")} | options
        return collector_harness(Nvidia, **options)

    return make


@pytest.fixture
def sshd(tmp_path):
    """Starts ssh servers on which nvidia-smi is a fake one: `sshd("good")` returns the server and its FakeSmi."""
    need("sshd", "openssh-server")
    started = []

    def start(name):
        smi = FakeSmi(tmp_path / name / "bin")
        server = Sshd(tmp_path / name, smi.folder)
        server.start()
        started.append(server)
        return server, smi

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory):
    """The path of a driver library that says what the file named by $FAKE_NVML says."""
    need("cc", "gcc")
    library = tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1"
    command = ["cc", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-Wl,-soname,{library.name}", "-o", library]
    subprocess.run([*command, HERE / "fake_nvml.c"], check=True)
    return library


NVML_GPU = """\
* name NVIDIA H100 80GB HBM3
* limit 700000
* temperature 40
* memory_temperature 45
* memory_used 1073741824
* memory_total 85520809984
* utilization 25
* memory_utilization 10
* encoder 1
* decoder 2
* clock_graphics 1980
* clock_sm 1980
* clock_memory 2619
* clock_video 1500
* reasons 1
* ecc_corrected 3
* ecc_uncorrected 0
* pcie_receive 2000
* pcie_transmit 500
"""


class FakeNvml:
    """What the driver library says: lines as in fake_nvml.c."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.gpus = 0
        self.lines: list[str] = []

    def has(self, gpus: int, *lines: str) -> None:
        """So many GPUs; the lines are added to what they usually say."""
        own = [
            f"{n} uuid GPU-{n}\n{n} power {100_000 + n * 10_000}\n{n} energy {(n + 1) * 1_000_000}" for n in range(gpus)
        ]
        self.lines = [f"gpus {gpus}", "driver 550.54.15", NVML_GPU, *own, *lines]
        self._write()

    def say(self, *lines: str) -> None:
        """Let it say these things from now on."""
        self.lines += lines
        self._write()

    def _write(self) -> None:
        new = self.file.with_suffix(".new")
        new.write_text("\n".join(self.lines) + "\n", errors="surrogateescape")
        new.replace(self.file)

    @property
    def calls(self) -> list[str]:
        """What it was asked, once the test has set $FAKE_NVML_LOG: a word and the number of the GPU, -1 for none."""
        file = Path(os.environ["FAKE_NVML_LOG"])
        return file.read_text().splitlines() if file.exists() else []


class PciTree:
    """A machine's root folder with devices on its PCI bus."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.devices = root / "sys/bus/pci/devices"
        self.devices.mkdir(parents=True)

    def has(self, address, status="active", *, control="auto", vendor="0x10de", kind="0x030000", driver="", d3=""):
        """A device there; `status` None: a kernel that does not say; `d3`: what the driver says."""
        folder = self.devices / address
        (folder / "power").mkdir(parents=True, exist_ok=True)
        (folder / "vendor").write_text(f"{vendor}\n")
        (folder / "class").write_text(f"{kind}\n")
        if status is not None:
            (folder / "power/runtime_status").write_text(f"{status}\n")
            (folder / "power/control").write_text(f"{control}\n")
        if d3:
            folder = self.root / "proc/driver/nvidia/gpus" / address
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "power").write_text(
                f"Runtime D3 status:          {d3}\nVideo Memory:     Active\n\nS0ix:\n Disabled\n"
            )
        if driver:
            drivers = self.devices.parent / "drivers" / driver
            drivers.mkdir(parents=True, exist_ok=True)
            (drivers / address).symlink_to(folder)
            (folder / "driver").symlink_to(drivers)


@pytest.fixture
def pci(tmp_path):
    """A notebook: a GPU of another maker, and beside each GPU of NVIDIA's its sound function."""
    tree = PciTree(tmp_path / "machine")
    tree.has("0000:00:02.0", "active", vendor="0x8086")
    tree.has("0000:01:00.1", "active", kind="0x040300", driver="snd_hda_intel")
    return tree


@pytest.fixture
def nvml(nvml_library, tmp_path, monkeypatch):
    """The driver library, loaded into this process: whoever asks for it by its name gets it."""
    ctypes.CDLL(str(nvml_library))
    fake = FakeNvml(tmp_path / "nvml.txt")
    monkeypatch.setenv("FAKE_NVML", str(fake.file))
    monkeypatch.setenv("FAKE_NVML_LOG", str(tmp_path / "nvml.log"))
    fake.has(2)
    return fake
