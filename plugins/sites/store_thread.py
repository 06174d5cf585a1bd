"""A store on a thread of its own: databases are for one thread, and a disk that hangs must hold up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from collector_plugins.sites.store import Store

ResultT = TypeVar("ResultT")


class StoreThread:
    """Works with one store, piece by piece; opened with the first, and again after `close`. For any thread."""

    def __init__(self, name: str, make: Callable[[], Store]) -> None:
        self._name = name
        self._make = make
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._store: Store | None = None

    def submit(self, work: Callable[[Store], ResultT]) -> Future[ResultT]:
        """Have the work done with the store; the future has its result, or what it raised."""
        with self._lock:
            if self._pool is None:
                self._pool, self._store = ThreadPoolExecutor(1, thread_name_prefix=self._name), self._make()
            store = self._store
            assert store is not None  # noqa: S101 - it comes and goes with the pool
            return self._pool.submit(lambda: work(store))

    def close(self) -> None:
        """Close the store after what was submitted, and wait for that; any number of times."""
        with self._lock:
            pool, store = self._pool, self._store
            self._pool = self._store = None
        if pool is not None and store is not None:
            pool.submit(store.close)
            pool.shutdown()
