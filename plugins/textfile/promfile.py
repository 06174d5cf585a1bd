"""One `*.prom` file, read again only when it has changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from collector_core import ReadingError
from collector_core.prometheus_text import Family, read_families

MAX_FILE_BYTES = 4 * 1024 * 1024
_MAX_LABEL = 1000  # characters; a little less than a label may have

Signature = tuple[int, int, int]


class PromFile:
    """What was last found at a path: `families`, or the `error` that is in the way; `mtime` in seconds since 1970."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.families: list[Family] = []
        self.mtime = 0.0
        self.error: Exception | None = None
        self._seen: Signature | None = None

    @property
    def label(self) -> str:
        """The path as a label: bytes that are not UTF-8 are spelled out, and of a very long path the end is taken."""
        text = os.fsencode(self.path).decode(errors="backslashreplace")
        return text if len(text) <= _MAX_LABEL else f"…{text[-_MAX_LABEL:]}"

    @property
    def gone(self) -> bool:
        """Whether it was removed between being listed and being read."""
        return isinstance(self.error, FileNotFoundError) and not self.path.is_symlink()

    def read_if_changed(self) -> None:
        """Find out what is there now."""
        try:
            if _signature(self.path.stat()) == self._seen:
                return
            self._seen, data = _read(self.path)
            self.mtime = self._seen[0] / 1e9
            self.families, self.error = parse(data), None
        except OSError as error:
            self._seen, self.families, self.error = None, [], error
        except ValueError as error:
            self.families, self.error = [], ReadingError(str(error))


def parse(data: bytes) -> list[Family]:
    """The families of a file, as strictly as node_exporter reads it; raises `ValueError`.

    A file that is still being written is told by its last line, in UTF-16 too. Timestamps would be the same at every
    scrape.
    """
    if data and not data.endswith((b"\n", b"\n\0")):
        raise ValueError("the last line has no end: is the file still being written?")
    return read_families(data, timestamps=False)


def _read(path: Path) -> tuple[Signature, bytes]:
    # Without waiting: a named pipe may have taken the file's place since it was looked at.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        seen = _signature(os.fstat(handle))
        return seen, file.read(MAX_FILE_BYTES)


def _signature(status: os.stat_result) -> Signature:
    """Changes when the contents do; raises `ValueError` for what is not a file, or too large to be one of ours."""
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("is not a regular file")
    if status.st_size > MAX_FILE_BYTES:
        raise ValueError(f"has {status.st_size} bytes, {MAX_FILE_BYTES} at most")
    return status.st_mtime_ns, status.st_size, status.st_ino
