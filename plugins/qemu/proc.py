"""Reads /proc of the machine: which processes there are, and what they are."""

from __future__ import annotations

import os
import re
import stat as modes
from collections.abc import Iterator
from pathlib import Path

from collector_core import Context
from collector_core.procfs import KeptFile, is_kernel_mount

_STAT_BYTES = 2048
_CHUNK = 65536
_MAX_BYTES = 1 << 22  # the kernel's own limit for a command line is 2 MiB, unless that of the stack is raised
_CONFIG_BYTES = 1 << 18


# QEMU's, Firecracker's and Cloud Hypervisor's names of them.
_VCPU_THREAD = re.compile(rb"(?:CPU (\d+)/\w+|fc_vcpu (\d+)|vcpu(\d+))\n?")


class Proc:
    """Files of /proc below the configured root; whatever cannot be read raises `OSError`."""

    def __init__(self, ctx: Context) -> None:
        self.directory = ctx.path("/proc")
        self.is_kernels = is_kernel_mount(self.directory)
        self.root = ctx.root
        self._prefix = f"{self.directory}/"

    def names(self) -> list[str]:
        """Everything in /proc, processes among it."""
        return os.listdir(self.directory)  # noqa: PTH208 - thousands of them, every second

    def stat_file(self, pid: str, *, keep_open: bool) -> KeptFile:
        """/proc/PID/stat, to be read again and again."""
        return KeptFile(f"{self._prefix}{pid}/stat", is_kernels=self.is_kernels, keep_open=keep_open)

    def open(self, name: str) -> int:
        """A descriptor of a file of /proc."""
        return os.open(self._prefix + name, os.O_RDONLY | os.O_CLOEXEC)

    def stat(self, pid: str) -> bytes:
        """/proc/PID/stat."""
        return self.read(f"{pid}/stat", _STAT_BYTES)

    def read(self, name: str, size: int) -> bytes:
        """The beginning of a file, at most `size` bytes."""
        descriptor = self.open(name)
        try:
            return os.read(descriptor, size)
        finally:
            os.close(descriptor)

    def executable(self, pid: str) -> str | None:
        """The program that a process runs; None where that may not be seen, or for threads of the kernel."""
        try:
            return os.readlink(f"{self._prefix}{pid}/exe")  # noqa: PTH115 - as above
        except OSError:
            return None

    def read_whole(self, name: str) -> bytes:
        """A file whole: the kernel hands out long ones in pieces, and an empty piece is the end."""
        descriptor = self.open(name)
        try:
            data = b""
            while len(data) < _MAX_BYTES and (piece := os.read(descriptor, _CHUNK)):
                data += piece
            return data
        finally:
            os.close(descriptor)

    def running_vcpus(self, pid: str) -> int:
        """How many threads of a guest run vCPUs, by their names such as `CPU 0/KVM`; raises `OSError`.

        QEMU names its threads only when it is asked to (`debug-threads=on`).
        """
        return len(
            {match[match.lastindex or 0] for name in self._thread_names(pid) if (match := _VCPU_THREAD.fullmatch(name))}
        )

    def seen_by(self, pid: str, path: str) -> str:
        """The place of a path as a process names it, which may be in a container or a jail of its own."""
        return f"{self._prefix}{pid}/root{path}" if path.startswith("/") else f"{self._prefix}{pid}/cwd/{path}"

    def _thread_names(self, pid: str) -> Iterator[bytes]:
        """/proc/PID/task/*/comm; threads that end meanwhile are left out."""
        for thread in os.listdir(f"{self._prefix}{pid}/task"):  # noqa: PTH208
            try:
                yield self.read(f"{pid}/task/{thread}/comm", 64)
            except OSError:
                continue

    def guest_config(self, pid: str, name: str) -> str | None:
        """The text of a `-readconfig` file, None where there is none to read.

        Anybody may write any name on a command line. Opening a device may do something already, so it is only pointed
        at (O_PATH) until it is known to be a plain file.
        """
        path = self.root / name.removeprefix("/") if name.startswith("/") else Path(f"{self._prefix}{pid}/cwd/{name}")
        try:
            pointer = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (OSError, ValueError):
            return None
        try:
            if not modes.S_ISREG(os.fstat(pointer).st_mode):
                return None
            with open(f"/proc/self/fd/{pointer}", "rb") as stream:  # noqa: PTH123 - it is not a path to speak of
                return stream.read(_CONFIG_BYTES).decode("utf-8", "backslashreplace")
        except OSError:
            return None
        finally:
            os.close(pointer)
