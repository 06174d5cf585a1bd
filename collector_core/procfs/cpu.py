"""What the kernel says the processors are, from /proc/cpuinfo (proc_cpuinfo(5)); its keys differ between architectures.

Most list every CPU with `processor : 0`; IBM Z has `cpu number : 0`, older kernels there only `processor 0: …`. SPARC,
Alpha and old kernels of Arm with a single CPU list none, and say how many there are or describe the one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from collector_core.procfs.topology import read_topology

CPU_FILE = "/proc/cpuinfo"

Pairs = dict[str, str]

_NUMBER_KEYS = frozenset({"processor", "cpu number"})
_COUNT_KEYS = ("# processors", "ncpus active", "cpus active", "cpus detected")
_SINGLE_KEYS = ("Processor", "CPU")
_SOCKET_KEYS = ("drawer id", "book id", "physical id", "package")  # a socket's number counts within its book
_CORE_KEYS = ("core id", "core")

_BOARD_KEY = "Model"
_MODEL_KEYS = ("model name", "Model Name", _BOARD_KEY, "cpu model", "uarch", "cpu", "Hardware", *_SINGLE_KEYS)

# CPU implementer and part of Arm's main ID register, where no name is printed (arch/arm64/include/asm/cputype.h).
_ARM_PARTS = {
    ("0x41", "0xd03"): "ARM Cortex-A53",
    ("0x41", "0xd05"): "ARM Cortex-A55",
    ("0x41", "0xd08"): "ARM Cortex-A72",
    ("0x41", "0xd0b"): "ARM Cortex-A76",
    ("0x41", "0xd0c"): "ARM Neoverse-N1",
    ("0x41", "0xd40"): "ARM Neoverse-V1",
    ("0x41", "0xd49"): "ARM Neoverse-N2",
    ("0x41", "0xd4f"): "ARM Neoverse-V2",
}
_ARM_IMPLEMENTERS = {"0x61": "Apple", "0xc0": "ARM Neoverse by Ampere"}

_IBM_Z = "IBM/S390"
_IBM_Z_NUMBER = re.compile(r"processor \d+")
_IBM_Z_MACHINE = re.compile(r"machine = (\w+)")
# Machine types, by which IBM's own names are found.
_IBM_Z_MACHINES = {
    "2827": "zEC12",
    "2828": "zBC12",
    "2964": "z13",
    "2965": "z13s",
    "3906": "z14",
    "3907": "z14 ZR1",
    "8561": "z15",
    "8562": "z15 T02",
    "3931": "z16",
    "3932": "z16 A02",
    "9175": "z17",
}


class CpuDescription(NamedTuple):
    """The processors of a machine; `cores` are physical, `threads` what the scheduler sees.

    `model` is what the processor is called, "" where nothing says it; `names` are all names to look for in a table, the
    board's first. Where `CPU_FILE` does not tell cores and threads apart (Arm, POWER, RISC-V), the topology in sysfs
    does; where that is missing too, each thread counts as a core. `virtual` is None where it is not said (only x86's
    flags do). `fixed_hertz` is, in a virtual machine, the clock of each CPU by its number, which the kernel measured
    once; on hardware the same line is how fast the CPU ran while it was read.
    """

    model: str
    names: tuple[str, ...]
    sockets: int
    cores: int
    threads: int
    virtual: bool | None
    fixed_hertz: Mapping[str, float]


def read_cpus(proc: Path) -> CpuDescription:
    """The processors below a `/proc`, with the topology in the `/sys` beside it; raises `OSError` or `ValueError`."""
    content = (proc / Path(CPU_FILE).name).read_bytes()
    described = parse_cpus(content)
    _, cpus = _split(content.decode(errors="backslashreplace"))
    if any(_core(cpu) is not None for cpu in cpus):
        return described
    places = read_topology(proc.parent / "sys/devices/system/cpu")
    listed = [places[number] for cpu in cpus if (number := _number(cpu)) in places]
    if len(listed) != described.threads:
        listed = list(places.values())
    if len(listed) != described.threads:
        return described
    sockets = {place.package for place in listed}
    return described._replace(sockets=len(sockets), cores=len(set(listed)))


def parse_cpus(content: bytes) -> CpuDescription:
    """The processors by the content of `CPU_FILE`; raises `ValueError` where there is none."""
    machine, cpus = _split(content.decode(errors="backslashreplace"))
    threads = len(cpus) or _count(machine)
    if not threads:
        raise ValueError(f"{CPU_FILE}: no processor")
    board = [machine[_BOARD_KEY]] if machine.get(_BOARD_KEY) else []
    models = list(_models([*cpus, machine]))
    flags = cpus[0].get("flags") if cpus else None
    virtual = None if flags is None else "hypervisor" in flags.split()
    return CpuDescription(
        model=models[0] if models else "",
        names=tuple(dict.fromkeys([*board, *models])),
        sockets=len({_place(cpu) for cpu in cpus}) or 1,
        cores=len({(_place(cpu), _core(cpu) or number) for number, cpu in enumerate(cpus)}) or threads,
        threads=threads,
        virtual=virtual,
        fixed_hertz=dict(_hertz(cpus)) if virtual else {},
    )


def _split(text: str) -> tuple[Pairs, list[Pairs]]:
    """What is said of the whole machine, and of each CPU: that begins with its number and ends with an empty line."""
    machine: Pairs = {}
    cpus: list[Pairs] = []
    current = machine
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        key = name.strip()
        if key in _NUMBER_KEYS and colon:
            cpus.append(current := {})
        if colon:
            current.setdefault(key, value.strip())
        elif not key:
            current = machine
    return machine, cpus


def _count(machine: Pairs) -> int:
    """How many CPUs there are where none is listed; 0 where that is not said either."""
    if listed := sum(_IBM_Z_NUMBER.fullmatch(key) is not None for key in machine):
        return listed
    counts = (machine[key] for key in _COUNT_KEYS if machine.get(key, "").isdecimal())
    return int(next(counts, any(machine.get(key) for key in _SINGLE_KEYS)))


def _models(paragraphs: Sequence[Pairs]) -> Iterator[str]:
    for key in _MODEL_KEYS:
        yield from (pairs[key] for pairs in paragraphs if pairs.get(key))
    for pairs in paragraphs:
        implementer, part = pairs.get("CPU implementer", ""), pairs.get("CPU part", "")
        if name := _ARM_PARTS.get((implementer, part)) or _ARM_IMPLEMENTERS.get(implementer):
            yield name
        if pairs.get("vendor_id") == _IBM_Z:
            yield _ibm_z(paragraphs)


def _ibm_z(paragraphs: Sequence[Pairs]) -> str:
    values = [f"machine = {pairs['machine']}" for pairs in paragraphs if "machine" in pairs]
    values += [value for pairs in paragraphs for key, value in pairs.items() if _IBM_Z_NUMBER.fullmatch(key)]
    matches = (_IBM_Z_MACHINE.search(value) for value in values)
    machine = next((match[1] for match in matches if match), "")
    return f"IBM {_IBM_Z_MACHINES.get(machine) or f'Z {machine}'.strip()}"


def _place(cpu: Pairs) -> tuple[str | None, ...]:
    return tuple([cpu.get(key) for key in _SOCKET_KEYS])


def _number(cpu: Pairs) -> str:
    return next((cpu[key] for key in ("processor", "cpu number") if key in cpu), "")


def _core(cpu: Pairs) -> str | None:
    return next((cpu[key] for key in _CORE_KEYS if key in cpu), None)


def _hertz(cpus: Sequence[Pairs]) -> Iterator[tuple[str, float]]:
    for cpu in cpus:
        try:
            hertz = float(cpu["cpu MHz"]) * 1e6
        except (KeyError, ValueError):
            continue
        if isfinite(hertz) and hertz > 0 and "processor" in cpu:
            yield cpu["processor"], hertz
