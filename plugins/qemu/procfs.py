"""What the kernel prints in /proc about processes and CPUs."""

from __future__ import annotations

import os
import re

from collector_core import cpu_ticks

TICKS_PER_SECOND: int = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

ENDED = frozenset(b"ZXx")  # states of a process that has ended and waits for its parent

_VCPU_THREAD = re.compile(rb"CPU (\d+)/\w+\n?")


def stat(line: bytes) -> tuple[int, int, int, int]:
    """Of /proc/PID/stat (proc_pid_stat(5)): the state's letter, CPU time, number of threads and start, times in ticks.

    The program's name is in parentheses and may hold any others: the fields begin after the last one. `utime` holds
    the time of guests already. Children that have ended do not count. Raises `ValueError`.
    """
    fields = line[line.rindex(b")") + 2 :].split(b" ", 20)
    if len(fields) < 20 or not fields[0]:
        raise ValueError("/proc/PID/stat ends too early")
    return fields[0][0], int(fields[11]) + int(fields[12]), int(fields[17]), int(fields[19])


def vcpu_number(comm: bytes) -> int | None:
    """The vCPU that a thread of QEMU runs, by its name such as `CPU 0/KVM`; None for other threads."""
    match = _VCPU_THREAD.fullmatch(comm)
    return int(match[1]) if match else None


def host_cpu(contents: bytes) -> tuple[int, int]:
    """/proc/stat: ticks that all CPUs were busy, and the number of CPUs; raises `ValueError`."""
    return cpu_ticks(contents).busy, sum(line.startswith(b"cpu") for line in contents.splitlines()[1:])


def physical_cores(cpuinfo: bytes) -> int:
    """/proc/cpuinfo: cores, each counted once however many threads it has; 0 where it names none.

    Where it does not tell threads and cores apart (arm64 does not), each thread is a core.
    """
    threads = [_pairs(paragraph) for paragraph in cpuinfo.split(b"\n\n") if b"processor" in paragraph]
    return len({(pairs.get(b"physical id"), pairs.get(b"core id", place)) for place, pairs in enumerate(threads)})


def _pairs(paragraph: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in paragraph.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
