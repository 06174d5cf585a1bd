"""A lock between processes, which ends with its owner, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

POLL_SECONDS = 0.02


class FileLock:
    """Held by one owner alone or shared by several, in all processes and within one; the file itself stays, empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, *, shared: bool, wait_seconds: float) -> bool:
        """Take it, or change how it is held, waiting at most so long; returns whether that went. Raises `OSError`.

        Where it did not go it is not held at all.
        """
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o600)
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(self._descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                self.release()
                return False
            time.sleep(POLL_SECONDS)
        return True

    def release(self) -> None:
        """Let go; legal any number of times."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks must not keep anybody from working
        return True
    return True
