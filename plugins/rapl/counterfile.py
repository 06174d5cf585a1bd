"""The counter of one zone, read again and again, cheaply."""

from __future__ import annotations

import os
from pathlib import Path

from collector_plugins.rapl.powercap import parse_number

_FLAGS = os.O_RDONLY | os.O_CLOEXEC
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
            descriptor = os.open(self._name, _FLAGS, dir_fd=self._directory)
        except FileNotFoundError:
            self._open(file)
            descriptor = os.open(self._name, _FLAGS, dir_fd=self._directory)
        try:
            return parse_number(os.read(descriptor, _BYTES), self._name)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go of the directory; the next read opens it again."""
        descriptor, self._directory, self._file = self._directory, -1, None
        if descriptor >= 0:
            os.close(descriptor)

    def _open(self, file: Path) -> None:
        self.close()
        self._directory = os.open(file.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._file, self._name = file, file.name
