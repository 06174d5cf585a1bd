"""The counter of one zone, read again and again, cheaply."""

from __future__ import annotations

import os
from pathlib import Path

from collector_plugins.rapl.powercap import parse_number

_BYTES = 64  # more than 2⁶⁴ has digits, so that what is too long is seen to be


class CounterFile:
    """Keeps the zone's directory open, because the kernel walks a long path, with its link, slower than it reads.

    A file that was replaced is seen, as is a directory that was removed: it is then looked up anew.
    """

    def __init__(self) -> None:
        self._file: Path | None = None
        self._name = ""
        self._directory = -1

    def read(self, file: Path) -> int:
        """What `file` says now; raises `OSError` or `ValueError` as `powercap.read_number` does."""
        if file is not self._file:
            self._open(file)
        try:
            text = _read(self._name, self._directory)
        except FileNotFoundError:
            self._open(file)
            text = _read(self._name, self._directory)
        return parse_number(text, self._name)

    def close(self) -> None:
        """Let go of the directory; the next read opens it again."""
        descriptor, self._directory, self._file = self._directory, -1, None
        if descriptor >= 0:
            os.close(descriptor)

    def _open(self, file: Path) -> None:
        self.close()
        self._directory = os.open(file.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._file, self._name = file, file.name


def _read(name: str, directory: int) -> bytes:
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        return os.read(descriptor, _BYTES)
    finally:
        os.close(descriptor)
