"""The machine below the configured root: its processors, its memory, and whether it is a virtual one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from collector_core.procfs import CpuDescription, read_cpus

FindPath = Callable[[str], Path]

UNKNOWN = CpuDescription("", names=(), sockets=1, cores=1, threads=1, virtual=None, fixed_hertz={})

# Names that hypervisors give to the machines they make, where the processor does not say that it is virtual.
_HYPERVISORS = re.compile(r"qemu|kvm|amazon ec2|google|vmware|virtual machine|openstack|xen", re.IGNORECASE)
_DMI = ("/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name")
_MEM_TOTAL = re.compile(rb"^MemTotal:\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class Machine:
    """What does not change while it runs; `memory_bytes` is None where it is not told."""

    cpu: CpuDescription
    memory_bytes: int | None
    virtual: bool

    @property
    def name(self) -> str:
        """What it calls its processor."""
        return self.cpu.names[0] if self.cpu.names else "unknown"


def read_machine(path: FindPath) -> Machine:
    """Read what the kernel says below the root that `path` applies; what is missing or malformed is unknown."""
    try:
        cpu = read_cpus(path("/proc"))
    except (OSError, ValueError):
        cpu = UNKNOWN
    return Machine(cpu, mem_total(_read(path, "/proc/meminfo")), _is_virtual(path, cpu))


def mem_total(meminfo: bytes) -> int | None:
    """/proc/meminfo: bytes of memory that the kernel has; None where it does not say."""
    match = _MEM_TOTAL.search(meminfo)
    return int(match[1]) * 1024 if match else None


def _is_virtual(path: FindPath, cpu: CpuDescription) -> bool:
    if cpu.virtual is not None:
        return cpu.virtual
    names = b"\n".join(_read(path, name) for name in _DMI).decode(errors="replace")
    return bool(_HYPERVISORS.search(names)) and ".metal" not in names


def _read(path: FindPath, name: str) -> bytes:
    try:
        return path(name).read_bytes()
    except OSError:
        return b""
