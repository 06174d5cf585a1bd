"""What /proc/cpuinfo says the processor is (proc_cpuinfo(5)); its keys differ between architectures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

Pairs = dict[str, str]

# A board is told by its own name ("Model", after the CPUs), all else by the processor's.
_NAME_KEYS = ("Model", "model name", "cpu model", "cpu", "Hardware")

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


class CpuInfo(NamedTuple):
    """Names to look for, the best first; `cores` are physical, `threads` what the scheduler sees.

    `virtual` is None where /proc/cpuinfo cannot tell (only x86's flags do).
    """

    names: tuple[str, ...]
    sockets: int
    cores: int
    threads: int
    virtual: bool | None


def parse(cpuinfo: bytes) -> CpuInfo:
    """Raises `ValueError` where there is no processor."""
    paragraphs = [_pairs(paragraph) for paragraph in cpuinfo.decode(errors="replace").split("\n\n")]
    threads = [pairs for pairs in paragraphs if "processor" in pairs]
    if not threads:
        raise ValueError("/proc/cpuinfo: no processor")
    sockets = {pairs.get("physical id") for pairs in threads}
    cores = {(pairs.get("physical id"), pairs.get("core id", thread)) for thread, pairs in enumerate(threads)}
    flags = threads[0].get("flags")
    return CpuInfo(
        names=tuple(dict.fromkeys(_names(paragraphs))),
        sockets=len(sockets),
        cores=len(cores),
        threads=len(threads),
        virtual=None if flags is None else "hypervisor" in flags.split(),
    )


def _names(paragraphs: Sequence[Pairs]) -> Iterator[str]:
    for key in _NAME_KEYS:
        yield from (pairs[key] for pairs in paragraphs if pairs.get(key))
    for pairs in paragraphs:
        implementer, part = pairs.get("CPU implementer", ""), pairs.get("CPU part", "")
        if name := _ARM_PARTS.get((implementer, part)) or _ARM_IMPLEMENTERS.get(implementer):
            yield name


def _pairs(paragraph: str) -> Pairs:
    pairs = (line.partition(":") for line in paragraph.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
