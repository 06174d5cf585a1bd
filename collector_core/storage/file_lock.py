"""A lock between processes that is released when its owner exits, even by SIGKILL."""

from __future__ import annotations

import os
import time
from pathlib import Path

from collector_core.storage import posix

POLL_SECONDS = 0.02


class FileLock:
    """An exclusive or shared lock, effective between and within processes; the empty lock file is never removed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, *, shared: bool, wait_seconds: float) -> bool:
        """Acquire or convert the lock within `wait_seconds`; returns whether it is held. Raises `OSError`.

        After a failed conversion it is not held at all.
        """
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_CREAT | posix.NO_FOLLOW | posix.PRIVATE
            self._descriptor = os.open(self.path, flags, 0o600)
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(self._descriptor, shared=shared):
            if time.monotonic() >= deadline:
                self.release()
                return False
            time.sleep(POLL_SECONDS)
        return True

    def release(self) -> None:
        """Release the lock; may be called any number of times."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _try_lock(descriptor: int, *, shared: bool) -> bool:
    try:
        posix.lock(descriptor, shared=shared)
    except BlockingIOError:
        return False
    except OSError:  # there are no locks here: work without
        return True
    return True
