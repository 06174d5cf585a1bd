"""A file of the kernel's that is read again and again, cheaply."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

# Opening a pipe, or a device whose driver waits for something, must not block.
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_CHUNK = 32768


class KeptFile:
    """The first of `candidates` that exists; its descriptor is kept, which saves walking the path at every read.

    A file of the kernel's answers anew to every read of one descriptor (see `is_kernel_mount`). One of a copy
    (`is_kernels` False) may be replaced by another, which its number of links tells; with `keep_open` False the path
    is walked every time. Where reading a kept descriptor fails, because its device or process has gone, the path is
    opened once more. `descriptor` is None while nothing is kept.
    """

    __slots__ = ("_candidates", "_is_kernels", "descriptor", "keep_open")

    def __init__(self, *candidates: str | Path, is_kernels: bool, keep_open: bool = True) -> None:
        self._candidates = [os.fsencode(path) for path in candidates]
        self._is_kernels = is_kernels
        self.descriptor: int | None = None
        self.keep_open = keep_open

    def read(self, size: int | None = None) -> bytes:
        """What it says now; raises `OSError`. With `size` at most so many bytes and one system call.

        The kernel hands out long files in pieces; one of a single line comes whole.
        """
        descriptor = self.descriptor
        if descriptor is not None:
            try:
                if self._is_kernels or os.fstat(descriptor).st_nlink:
                    return os.pread(descriptor, size, 0) if size else _read_whole(descriptor)
            except OSError:
                pass
            self.close()
        return self._read_anew(size)

    def close(self) -> None:
        """Let go of the descriptor; the next read opens it again."""
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _read_anew(self, size: int | None) -> bytes:
        descriptor = self._open()
        is_kept = False
        try:
            content = os.pread(descriptor, size, 0) if size else _read_whole(descriptor)
            is_kept = self.keep_open
        finally:
            if not is_kept:
                os.close(descriptor)
        if is_kept:
            self.descriptor = descriptor
        return content

    def _open(self) -> int:
        *others, last = self._candidates
        for path in others:
            with suppress(FileNotFoundError, NotADirectoryError):
                return os.open(path, _FLAGS)
        return os.open(last, _FLAGS)


def _read_whole(descriptor: int) -> bytes:
    content = os.pread(descriptor, _CHUNK, 0)
    while piece := os.pread(descriptor, _CHUNK, len(content)):
        content += piece
    return content
