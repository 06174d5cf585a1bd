"""GPUs: many hosts over ssh, beside the ssh program doing the same, and one machine through NVML."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import scraping
from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import Collectors, Program, energy_collector, installed
from bench.sshmasters import Masters
from tests.sshd import Sshd

GPUS = 8
INTERVAL_SECONDS = 5.0
COMPLETE = "nvidia_gpu_energy_joules_total"

COMMAND = "timeout -s KILL 10 nvidia-smi --query-gpu=index,uuid --format=csv,nounits"
MIB = 1 << 20
NVML_INTERVAL_SECONDS = 0.5
NVML: Collectors = {"nvidia": {"interval": f"{NVML_INTERVAL_SECONDS}s", "options": {"local": "nvml"}}}

_TESTS = Path(__file__).parents[2] / "tests/plugins/nvidia"
_RUNS = "collector_runs_total{"
_BEFORE_A_RUN = -0.5
_IN_BETWEEN = 2.5

_FIELDS = (
    *("index", "uuid", "name", "driver_version", "power.draw [W]", "enforced.power.limit [W]", "temperature.gpu"),
    *("temperature.memory", "memory.used [MiB]", "memory.total [MiB]", "utilization.gpu [%]", "utilization.memory [%]"),
    *("utilization.encoder [%]", "utilization.decoder [%]", "fan.speed [%]", "clocks.current.graphics [MHz]"),
    *("clocks.current.sm [MHz]", "clocks.current.memory [MHz]", "clocks.current.video [MHz]"),
    *("ecc.errors.corrected.volatile.total", "ecc.errors.uncorrected.volatile.total"),
    *("clocks_event_reasons.active", "mig.mode.current"),
)
_ROW = (
    "{0}, GPU-00000000-0000-0000-0000-00000000000{0}, NVIDIA H100 80GB HBM3, 550.54.15, 31{0}.42, 700.00, 4{0}, 5{0}, "
    "4096, 81559, 97, 45, 0, 0, [N/A], 1980, 1980, 2619, 1545, 0, 0, 0x0000000000000000, Disabled\n"
)


@dataclass
class Cycles:
    """What was measured of each cycle, in seconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def measure(effort: Effort) -> list[Figure]:
    """Many hosts, both ways in turn on the same servers; then one machine."""
    return [*_ssh(effort.ssh_hosts, effort.ssh_cycles), _nvml(effort.ssh_cycles)]


def _ssh(hosts: int, cycles: int) -> list[Figure]:
    ours, theirs = Cycles(), Cycles()
    with _cluster() as server, Masters(server, hosts) as masters:
        with energy_collector(_hosts(server, 1), until=COMPLETE) as one:
            resident_with_one = one.process.rss_bytes()
        with energy_collector(_hosts(server, hosts), until=COMPLETE) as program:
            time.sleep(INTERVAL_SECONDS)  # the first run after the start may be skipped
            _sleep_to(_BEFORE_A_RUN)
            for _ in range(cycles):
                _round(program, masters, ours, theirs)
            _check(program.client.scrape().text, hosts)
            per_host = (program.process.rss_bytes() - resident_with_one) / (hosts - 1)
        their_per_host = masters.pss_bytes() / hosts
    cycle = f"One cycle of {hosts} ssh hosts with {GPUS} GPUs each"
    note = "theirs: the ssh program with a master per host, asking for two fields and parsing nothing"
    return [
        Figure("nvidia", f"{cycle}, wall time", "s", ours.wall, goal=Goal(5, 2.5), note="connections stay as they are"),
        Figure("nvidia", f"{cycle}, our CPU", "s", ours.cpu, goal=Goal(0.5, 0.25), note="parsing and rendering too"),
        Figure("nvidia", f"{cycle}, wall time beside ssh", "s", ours.wall, theirs.wall, note=note),
        Figure("nvidia", f"{cycle}, CPU beside ssh", "s", ours.cpu, theirs.cpu, note=note),
        Figure("nvidia", "Memory per ssh host", "MiB", [per_host / MIB], [their_per_host / MIB], note=note),
    ]


def _round(program: Program, masters: Masters, ours: Cycles, theirs: Cycles) -> None:
    """One run of ours and, while it rests, one cycle of theirs; nobody scrapes meanwhile."""
    runs = scraping.total(program.client.scrape().text, _RUNS)
    before = program.process.cpu_seconds()
    _sleep_to(_IN_BETWEEN)
    wall, cpu = masters.cycle(COMMAND)
    _sleep_to(_BEFORE_A_RUN)
    ours.cpu.append(program.process.cpu_seconds() - before)
    text = program.client.scrape().text
    if scraping.total(text, _RUNS) != runs + 1:
        raise RuntimeError("not one run in one interval")
    ours.wall.append(scraping.total(text, "collector_run_duration_seconds{"))
    theirs.wall.append(wall)
    theirs.cpu.append(cpu)


def _nvml(cycles: int) -> Figure:
    with TemporaryDirectory(prefix="bench-") as folder:
        environment = _library(Path(folder))
        with energy_collector(NVML, until=COMPLETE, environment=environment) as program:
            cpu = [_milliseconds_a_run(program) for _ in range(cycles)]
    title = f"One cycle of {GPUS} GPUs through NVML, our CPU"
    return Figure("nvidia", title, "ms", cpu, goal=Goal(10, 5), note="a stub library that reads a file at every call")


def _milliseconds_a_run(program: Program) -> float:
    """Over ten runs, wake-ups and rendering too."""
    runs = scraping.total(program.client.scrape().text, _RUNS)
    before = program.process.cpu_seconds()
    time.sleep(10 * NVML_INTERVAL_SECONDS)
    seconds = program.process.cpu_seconds() - before
    return seconds / (scraping.total(program.client.scrape().text, _RUNS) - runs) * 1e3


def _sleep_to(moment: float) -> None:
    """Until this many seconds after the collectors' runs begin: they do at multiples of their interval."""
    time.sleep((moment - time.clock_gettime(time.CLOCK_BOOTTIME)) % INTERVAL_SECONDS)


def _check(text: str, hosts: int) -> None:
    """Every host and GPU was read, over the connection it had from the start."""
    connections = scraping.total(text, "nvidia_host_connections_total{")
    gpus = scraping.total(text, "nvidia_host_gpus{")
    if (connections, gpus) != (hosts, hosts * GPUS):
        raise RuntimeError(f"{connections:.0f} connections and {gpus:.0f} GPUs, expected {hosts} and {hosts * GPUS}")


@contextmanager
def _cluster() -> Iterator[Sshd]:
    """One server that is many hosts; nvidia-smi there is a shell script."""
    for program in ("ssh", "ssh-keygen"):
        installed(program)
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        programs = folder / "bin"
        programs.mkdir()
        _write_smi(programs / "nvidia-smi")
        with Sshd(folder / "sshd", programs) as server:
            yield server


def _hosts(server: Sshd, hosts: int) -> Collectors:
    listed = [{"name": f"host{number}", **server.options} for number in range(hosts)]
    return {"nvidia": {"interval": f"{INTERVAL_SECONDS}s", "options": {"local": "off", "hosts": listed}}}


def _write_smi(file: Path) -> None:
    names = "\n".join(f'"{name.partition(" ")[0]}"' for name in _FIELDS)
    table = ", ".join(_FIELDS) + "\n" + "".join(_ROW.format(gpu) for gpu in range(GPUS))
    file.with_name("help").write_text(f"{names}\n")
    file.with_name("table").write_text(table)
    file.write_text(
        f"#!/bin/sh\ncase $1 in --help*) cat {file.with_name('help')} ;; *) cat {file.with_name('table')} ;; esac\n"
    )
    file.chmod(0o755)


def _library(folder: Path) -> dict[str, str]:
    """A driver library of eight GPUs; returns the environment in which it is found."""
    library, said = folder / "libnvidia-ml.so.1", folder / "said"
    command = [installed("cc"), "-O2", "-shared", "-fPIC", f"-Wl,-soname,{library.name}", "-o", str(library)]
    subprocess.run([*command, str(_TESTS / "fake_nvml.c")], check=True)
    keys = (
        "power 300000",
        "limit 700000",
        "energy 1000000",
        "temperature 40",
        "utilization 50",
        "memory_utilization 9",
    )
    more = (
        "memory_used 1000000",
        "memory_total 80000000000",
        "reasons 0",
        "clock_sm 1980",
        "name NVIDIA H100",
        "mig 0",
    )
    uuids = [f"{gpu} uuid GPU-{gpu}" for gpu in range(GPUS)]
    lines = [f"gpus {GPUS}", "driver 550.54.15", *(f"* {line}" for line in keys + more), *uuids]
    said.write_text("\n".join([*lines, ""]))
    return {"LD_LIBRARY_PATH": str(folder), "FAKE_NVML": str(said)}
