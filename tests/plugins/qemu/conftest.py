"""A /proc of files with QEMU guests in it, and a collector that watches it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from collector_core.procfs import CLOCK_TICKS_PER_SECOND
from collector_core.testing import Harness
from collector_plugins.qemu import Qemu

MODEL = {"coefficients": [10, 10], "cinergy_ratio": 0.75, "server_cores": 16, "pue": 1.3, "emission_factor": 50}


@dataclass
class Process:
    """One process of the tree; times in ticks."""

    folder: Path
    comm: str
    start: int
    utime: int = 0
    stime: int = 0
    state: str = "S"
    threads: int = 1

    def write_stat(self) -> None:
        values = ["0"] * 52
        values[0:4] = [self.folder.name, f"({self.comm})", self.state, "1"]
        values[13:17] = [str(self.utime), str(self.stime), "77", "88"]  # the last two are of children that ended
        values[19], values[21], values[42] = str(self.threads), str(self.start), str(self.utime)
        write(self.folder / "stat", (" ".join(values) + "\n").encode("utf-8", "surrogateescape"))

    def burn(self, seconds: float, system: float = 0.0) -> None:
        """Use CPU time."""
        self.utime += round(seconds * CLOCK_TICKS_PER_SECOND)
        self.stime += round(system * CLOCK_TICKS_PER_SECOND)
        self.write_stat()

    def die(self) -> None:
        """End, unseen by its parent: a zombie."""
        self.state = "Z"
        self.write_stat()
        write(self.folder / "cmdline", b"")

    def vanish(self) -> None:
        """End and be gone."""
        shutil.rmtree(self.folder)

    def name_threads(self, *names: str) -> None:
        """Give it these threads beside its first."""
        shutil.rmtree(self.folder / "task", ignore_errors=True)
        for number, name in enumerate((self.comm, *names)):
            write(self.folder / f"task/{int(self.folder.name) + number}/comm", f"{name}\n".encode())
        self.threads = 1 + len(names)
        self.write_stat()


@dataclass
class Machine:
    """A root with a /proc."""

    root: Path
    next_pid: int = 4000
    guests: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / "proc").mkdir(parents=True)

    def start(self, *argv: str | bytes, pid: int | None = None, start: int = 1000, comm: str | None = None) -> Process:
        """Start a process; its name in /proc is that of the program, cut to 15 characters."""
        self.next_pid = pid or self.next_pid + 1
        arguments = [each if isinstance(each, bytes) else each.encode() for each in argv]
        name = arguments[0].decode("utf-8", "surrogateescape").rpartition("/")[2] if comm is None else comm
        process = Process(self.root / f"proc/{self.next_pid}", name[:15], start)
        process.write_stat()
        write(process.folder / "cmdline", b"".join(argument + b"\0" for argument in arguments))
        return process

    def guest(self, *options: str | bytes, **details: Any) -> Process:
        """Start a guest."""
        return self.start("/usr/bin/qemu-system-x86_64", *options, **details)

    def host(self, busy: float, cpus: int = 4, cores: int = 2) -> None:
        """Say how many CPU seconds all programs have used, and how many CPUs and cores there are."""
        ticks = round(busy * CLOCK_TICKS_PER_SECOND)
        lines = [f"cpu  {ticks} 0 0 5000 600 0 0 70 {ticks} 0", *(f"cpu{n} 1 0 0 2 0 0 0 0 0 0" for n in range(cpus))]
        write(self.root / "proc/stat", ("\n".join([*lines, "intr 99", "btime 1700000000"]) + "\n").encode())
        info = "".join(f"processor\t: {n}\nphysical id\t: 0\ncore id\t\t: {n % cores}\n\n" for n in range(cpus))
        write(self.root / "proc/cpuinfo", info.encode())


def write(file: Path, data: bytes) -> None:
    """Replace a file in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.write_bytes(data)
    new.replace(file)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "root")


@pytest.fixture
def watching(machine: Machine) -> Iterator[Callable[..., Harness]]:
    """Makes a collector of the machine, with the model of the worked example unless `options` say otherwise."""
    made: list[Harness] = []

    def make(*, interval: float | None = None, **options: Any) -> Harness:
        made.append(Harness(Qemu, machine.root, interval=interval, **(options or MODEL)))
        return made[-1]

    yield make
    for harness in made:
        harness.close()


def vms(harness: Harness) -> Sequence[str]:
    """The names of the guests that the last run shows."""
    return sorted(vm for vm, _ in harness.series(next(m for m in Qemu.metrics if m.name == "qemu_vm_vcpus")))
