"""A thread that looks now and then while something is measured: at memory and meters."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

INTERVAL_SECONDS = 0.1
REST_AFTER = 10  # intervals in which nothing was measured; waking the thread costs more than most of a short block


LookT = TypeVar("LookT")
Sample_contra = TypeVar("Sample_contra", contravariant=True)


class Watched(Protocol[Sample_contra]):
    """Something that is measured at present."""

    def record_sample(self, sample: Sample_contra) -> None:
        """Take note of what was seen."""


class Sampler(Generic[LookT]):
    """Calls `look` every interval while anything is watched, shows it what was seen, and rests afterwards."""

    def __init__(self, look: Callable[[], LookT]) -> None:
        self.cpu_seconds = 0.0
        self._look = look
        self._watched: dict[int, Watched[LookT]] = {}
        self._resting = True
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, watched: Watched[LookT]) -> None:
        """Begin to watch."""
        if self._stop.is_set():
            return
        self._watched[id(watched)] = watched
        if self._thread is None or not self._thread.is_alive():  # a fork leaves it behind
            self._thread = threading.Thread(target=self._work, name="energy-sampler", daemon=True)
            self._thread.start()
        elif self._resting:
            self._wake.set()

    def remove(self, watched: Watched[LookT]) -> None:
        """Watch it no longer."""
        self._watched.pop(id(watched), None)

    def sample(self) -> None:
        """Look now, for all that is watched."""
        look = self._look()
        for watched in list(self._watched.values()):
            watched.record_sample(look)

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        idle = 0
        self._resting = False
        while not self._stop.wait(INTERVAL_SECONDS):
            if self._watched:
                idle = 0
                self.sample()
                self.cpu_seconds = time.thread_time()
            elif idle < REST_AFTER:
                idle += 1
            else:
                self._rest()

    def _rest(self) -> None:
        self._wake.clear()
        self._resting = True
        if not self._watched and not self._stop.is_set():  # whoever came before we were seen to rest woke nobody
            self._wake.wait()
        self._resting = False
