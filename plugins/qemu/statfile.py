"""One file of /proc that is read every second."""

from __future__ import annotations

import os

_BYTES = 1024  # /proc/PID/stat has less than that by far
_FLAGS = os.O_RDONLY | os.O_CLOEXEC


class StatFile:
    """A process' /proc/PID/stat; raises `OSError` once the process is gone.

    Kept open, the kernel's file costs half of one that is opened every time, and it never shows another process with
    the same pid. In a copy of /proc (`is_kernels` False) the file may have been replaced meanwhile, which its number
    of links tells.
    """

    __slots__ = ("_descriptor", "_is_kernels", "_path")

    def __init__(self, path: str, *, is_kernels: bool) -> None:
        self._path = os.fsencode(path)
        self._is_kernels = is_kernels
        self._descriptor: int | None = None

    def read(self) -> bytes:
        """What it says now."""
        descriptor = self._descriptor
        if descriptor is None:
            return self._read_once()
        if self._is_kernels or os.fstat(descriptor).st_nlink:
            return os.pread(descriptor, _BYTES, 0)
        self.close()
        self.keep_open()
        return self.read()

    def keep_open(self) -> None:
        """Open it for good."""
        self._descriptor = os.open(self._path, _FLAGS)

    def close(self) -> bool:
        """Let go of it; returns whether it was open."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is not None

    def _read_once(self) -> bytes:
        descriptor = os.open(self._path, _FLAGS)
        try:
            return os.read(descriptor, _BYTES)
        finally:
            os.close(descriptor)
