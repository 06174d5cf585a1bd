"""Reading files of the kernel again and again, cheaply."""

from __future__ import annotations

import os
from pathlib import Path

_CHUNK = 32768


class KernelFile:
    """The first of `candidates` that exists, read whole; its descriptor is kept where `keep_open` allows."""

    def __init__(self, *candidates: Path, keep_open: bool) -> None:
        self._candidates = candidates
        self._keep_open = keep_open
        self.descriptor: int | None = None

    def read(self) -> bytes | None:
        """The contents, None if there is no such file; any other trouble raises `OSError`."""
        if self.descriptor is not None:
            try:
                return _read_whole(self.descriptor)
            except OSError:
                self.close()
        for path in self._candidates:
            try:
                return self._first_read(path)
            except (FileNotFoundError, NotADirectoryError):
                continue
        return None

    def close(self) -> None:
        """Let go of the descriptor; the next read opens it again."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def _first_read(self, path: Path) -> bytes:
        if not self._keep_open:
            return path.read_bytes()
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _read_whole(self.descriptor)
        except OSError:
            self.close()
            raise


def _read_whole(descriptor: int) -> bytes:
    # The kernel hands out long files in pieces of a page, so that only an empty piece is the end.
    data = os.pread(descriptor, _CHUNK, 0)
    while piece := os.pread(descriptor, _CHUNK, len(data)):
        data += piece
    return data
