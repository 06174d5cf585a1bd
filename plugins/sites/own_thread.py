"""Something on a thread of its own: databases are for one thread, and a disk that hangs must hold up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What is let go of at the end."""

    def close(self) -> None:
        """Let go; may be called any number of times."""


OwnedT = TypeVar("OwnedT", bound=Closable)
ResultT = TypeVar("ResultT")


class OwnThread(Generic[OwnedT]):
    """Works with one thing, piece by piece; made with the first, and again after `close`. For any thread."""

    def __init__(self, name: str, make: Callable[[], OwnedT]) -> None:
        self._name = name
        self._make = make
        self._lock = threading.Lock()
        self._at_work: tuple[ThreadPoolExecutor, OwnedT] | None = None

    def submit(self, work: Callable[[OwnedT], ResultT]) -> Future[ResultT]:
        """Have the work done; the future has its result, or what it raised."""
        with self._lock:
            if self._at_work is None:
                self._at_work = ThreadPoolExecutor(1, thread_name_prefix=self._name), self._make()
            pool, owned = self._at_work
            return pool.submit(work, owned)

    def close(self) -> None:
        """Close it after what was submitted, and wait for that; any number of times."""
        with self._lock:
            at_work, self._at_work = self._at_work, None
        if at_work is not None:
            pool, owned = at_work
            pool.submit(owned.close)
            pool.shutdown()
