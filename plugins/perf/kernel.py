"""Counters of the kernel, by the system call perf_event_open(2)."""

from __future__ import annotations

import errno
import os
import platform
import struct

from collector_plugins.perf.events import Event

# arch/x86/entry/syscalls of Linux: no other architecture has energy events.
SYSCALLS = {"x86_64": 298, "i686": 336}
ALL_PROCESSES, NO_GROUP, CLOSE_ON_EXEC = -1, -1, 8
ATTRIBUTES = "<IIQQQQQIIQ"  # perf_event_attr up to PERF_ATTR_SIZE_VER0: type, size, config, …
SIZE = 64
COUNT = "<Q"


class OpenEvent:
    """An event that counts on one CPU, from 0 on; raises `OSError` as the kernel refuses it."""

    def __init__(self, event: Event, cpu: int) -> None:
        self._descriptor = perf_event_open(event.pmu, event.config, cpu)

    def read(self) -> int:
        """The count; raises `OSError` where the CPU is gone."""
        raw = os.read(self._descriptor, 8)
        if len(raw) != struct.calcsize(COUNT):
            raise OSError(errno.ENODEV, "the event counts no longer")
        return int(struct.unpack(COUNT, raw)[0])

    def close(self) -> None:
        """Stop counting."""
        os.close(self._descriptor)


def perf_event_open(pmu: int, config: int, cpu: int) -> int:
    """The descriptor of an event that counts what all processes do on a CPU; raises `OSError`."""
    import ctypes  # noqa: PLC0415 - only where events are opened

    number = SYSCALLS.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, f"perf_event_open is not known on {platform.machine()}")
    attributes = struct.pack(ATTRIBUTES, pmu, SIZE, config, 0, 0, 0, 0, 0, 0, 0)
    call = ctypes.CDLL(None, use_errno=True).syscall
    flags = ctypes.c_ulong(CLOSE_ON_EXEC)
    descriptor = int(call(ctypes.c_long(number), attributes, ALL_PROCESSES, cpu, NO_GROUP, flags))
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return descriptor
