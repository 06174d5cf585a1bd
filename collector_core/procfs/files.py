"""Small files of the kernel's that are read once in a while."""

from __future__ import annotations

import os


def read_file(file: str, size: int) -> bytes:
    """At most `size` bytes of a file, without the layers of Python's streams; raises `OSError`."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)
