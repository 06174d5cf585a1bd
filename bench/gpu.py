"""The plugin nvidia beside nvidia-smi and NVML on a real GPU: `python -m bench.gpu`, four minutes, prints a table.

Needs energy-collector, nvidia-ml-py and PyTorch in this environment. Without a GPU it says so and claims nothing.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

IDLE_SECONDS = 15
LOAD_SECONDS = 40
SETTLE_SECONDS = 10  # of the load, until power and clocks no longer climb
MEASURED_SECONDS = 8
SIZE = 8192
LOAD = """
import sys, time, torch
a, b = (torch.randn({size}, {size}, device="cuda", dtype=torch.float16) for _ in range(2))
print("ready", flush=True)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    for _ in range(20): a @ b
    torch.cuda.synchronize()
"""
PROGRAM = [sys.executable, "-c", "from collector_core.cli import main; main()"]
# Every value of every second is compared, also where udev would let an idle GPU fall asleep.
OPTIONS = {"local": "nvml", "let_gpus_sleep": False}
CONFIG = {"collectors": {"nvidia": {"interval": "1s", "options": OPTIONS}, "energy": {"interval": "1s"}}}
SMI_FIELDS = ("power.draw.instant", "memory.total", "memory.used", "clocks.sm", "clocks.mem", "temperature.gpu")


@dataclass
class Row:
    what: str
    ours: str
    reference: str
    difference: str = ""


@dataclass
class Smi:
    """nvidia-smi in a loop of its own, with the times at which it said what."""

    samples: list[tuple[float, dict[str, float]]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        command = ["nvidia-smi", f"--query-gpu={','.join(SMI_FIELDS)}", "--format=csv,noheader,nounits", "-lms", "200"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            reader = threading.Thread(target=self._read, args=(process,))
            reader.start()
            try:
                yield
            finally:
                process.terminate()
                reader.join()

    def mean(self, name: str, start: float, end: float) -> float:
        return fmean(values[name] for at, values in self.samples if start <= at < end)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with suppress(ValueError):
                values = dict(zip(SMI_FIELDS, map(float, line.split(",")), strict=True))
                self.samples.append((time.monotonic(), values))


@dataclass
class Collector:
    """A running energy-collector, scraped every second."""

    process: subprocess.Popen[bytes]
    port: int
    samples: list[tuple[float, dict[str, float]]] = field(default_factory=list)

    def scrape(self) -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            lines = [line.rpartition(" ") for line in answer.read().decode().splitlines() if line[0] != "#"]
        found = {name: float(value) for name, _, value in lines}
        self.samples.append((time.monotonic(), found))
        return found

    def scrape_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.scrape()
            time.sleep(1)

    def wait_until(self, condition: Callable[[dict[str, float]], object]) -> None:
        for _ in range(120):
            with suppress(OSError):
                if condition(self.scrape()):
                    return
            time.sleep(0.5)
        raise SystemExit("energy-collector shows no GPU within a minute")

    def mean(self, metric: str, start: float, end: float) -> float:
        return fmean(value_of(values, metric) for at, values in self.samples if start <= at < end)

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def value_of(samples: dict[str, float], metric: str) -> float:
    """The value of the first GPU."""
    pattern = re.compile(rf'{metric}\{{[^}}]*gpu="0"[^}}]*\}}|{metric}(?!\S)')
    return next(value for name, value in samples.items() if pattern.fullmatch(name))


@contextmanager
def collector() -> Iterator[Collector]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(json.dumps(CONFIG))
        command = [*PROGRAM, "run", "--config", str(file), "--listen", f"127.0.0.1:{port}"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                running = Collector(process, port)
                running.wait_until(lambda found: any(name.startswith("nvidia_gpu_power_watts") for name in found))
                yield running
            finally:
                process.terminate()


@contextmanager
def load(seconds: float) -> Iterator[subprocess.Popen[str]]:
    """A GPU that multiplies matrices, from when it does."""
    command = [sys.executable, "-c", LOAD.format(size=SIZE), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def once() -> dict[str, float]:
    done = subprocess.run([*PROGRAM, "once", "nvidia"], capture_output=True, text=True, check=False, timeout=60)
    lines = [line.rpartition(" ") for line in done.stdout.splitlines() if line and line[0] != "#"]
    return {name: float(value) for name, _, value in lines}


def compare(what: str, ours: float, reference: float, unit: str) -> Row:
    difference = f"{100 * (ours / reference - 1):+.2f} %" if reference else ""
    return Row(what, f"{ours:,.6g} {unit}", f"{reference:,.6g} {unit}", difference)


def watched() -> Iterator[Row]:
    """A minute of `run`: idle, load, and a process that is killed meanwhile."""
    smi = Smi()
    with collector() as ours, smi.running():
        cpu, began = ours.cpu_seconds, time.monotonic()
        ours.scrape_for(IDLE_SECONDS)
        idle = time.monotonic()
        with load(10 * LOAD_SECONDS) as burning:
            start = time.monotonic() + SETTLE_SECONDS
            ours.scrape_for(LOAD_SECONDS)
            end = time.monotonic()
            burning.kill()
        ours.scrape_for(IDLE_SECONDS)
        seconds = time.monotonic() - began
        cpu = ours.cpu_seconds - cpu
        power = "nvidia_gpu_power_watts"
        yield compare("power, idle, mean", ours.mean(power, began, idle), smi.mean(SMI_FIELDS[0], began, idle), "W")
        yield compare("power, load, mean", ours.mean(power, start, end), smi.mean(SMI_FIELDS[0], start, end), "W")
        clock = "nvidia_gpu_clock_hertz"
        found = [values for at, values in ours.samples if start <= at < end]
        for name, column in (("sm", "clocks.sm"), ("memory", "clocks.mem")):
            key = next((key for key in found[-1] if key.startswith(clock) and f'clock="{name}"' in key), None)
            if key:
                mean = fmean(values[key] for values in found) / 1e6
                yield compare(f"clock {name}, load, mean", mean, smi.mean(column, start, end), "MHz")
        used = ours.mean("nvidia_gpu_memory_used_bytes", start, end) / 2**20
        yield compare("memory used, load", used, smi.mean("memory.used", start, end), "MiB")
        heat = ours.mean("nvidia_gpu_temperature_celsius", start, end)
        yield compare("temperature, load, mean", heat, smi.mean("temperature.gpu", start, end), "°C")
        last = ours.scrape()
        area, counter = (value_of(last, f"nvidia_gpu_energy{part}_joules_total") for part in ("_integral", ""))
        yield compare("energy counter, beside the area under power", counter, area, "J")
        ups = [values.get('collector_up{collector="nvidia",plugin="nvidia"}') for _, values in ours.samples]
        yield Row("scrapes with `collector_up` 1, a process killed meanwhile", f"{ups.count(1.0)} of {len(ups)}", "")
        yield Row("CPU of `run` with a scrape per second", f"{1000 * cpu / seconds:.2f} ms per second", "")


def measured() -> Iterator[Row]:
    """`measure` of matrix multiplications, beside NVML's own counter read around it."""
    import pynvml  # noqa: PLC0415 - only where there is a GPU

    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(0)
    work = [sys.executable, "-c", LOAD.format(size=SIZE), str(MEASURED_SECONDS)]
    command = [*PROGRAM, "measure", "--level", "hardware", "--json", "--no-save", "--", *work]
    before = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    around = (pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) - before) / 1000
    try:
        found = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        yield Row("measure", "failed", done.stderr.strip()[-200:].replace("\n", " "))
        return
    gpu = (found.get("components") or {}).get("gpu", found.get("energy_joules"))
    yield compare("`measure` of matrix products; NVML around the whole command", float(gpu), around, "J")
    yield Row("method and uncertainty that `measure` states", f"{found['method']}, {found['uncertainty_ratio']}", "")


def still() -> Iterator[Row]:
    found, names = once(), ("name", "driver_version", "mig.mode.current", "memory.total")
    query = ["nvidia-smi", f"--query-gpu={','.join(names)}", "--format=csv,noheader,nounits"]
    said = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()[0].split(", ")
    yield Row("card, driver, MIG", ", ".join(said[:3]), "nvidia-smi")
    total = value_of(found, "nvidia_gpu_memory_total_bytes") / 2**20
    yield compare("memory total, `once`", total, float(said[3]), "MiB")


def main() -> int:
    if shutil.which("nvidia-smi") is None or subprocess.run(["nvidia-smi", "-L"], check=False).returncode:
        print("no NVIDIA GPU here: nothing is claimed")
        return 0
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is missing, which makes the load: nothing is claimed; fix: pip install torch")
        return 1
    print("| what | energy-collector | reference | difference |\n| --- | --- | --- | --- |")
    for part in (still, watched, measured):
        for row in part():
            print(f"| {row.what} | {row.ours} | {row.reference} | {row.difference} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
