"""Looks after all collectors: a thread that wakes when a run may be overdue and never does the work itself."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable
from math import inf
from typing import Protocol

from collector_core.model.clock import Clock

log = logging.getLogger(__name__)

LONGEST_SLEEP = 5.0  # seconds; a suspended machine's clock moves on while a sleep does not
HEARTBEAT = 15.0  # seconds without a turn after which it counts as stuck


class Ticking(Protocol):
    """What is looked after: a `Runner`, or anything with its `tick`."""

    def tick(self, now: float) -> float:
        """Do what is due at `now`; returns when to be called next (monotonic seconds)."""


class Watchdog:
    """Calls `tick` of everything it looks after when that is due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[Ticking, float] = {}
        self._asleep = threading.Lock()  # held while nobody wakes us; much cheaper to wait for than an Event
        self._asleep.acquire()
        self._stopped = False
        self._turned_at = clock.monotonic()
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether it turns."""
        return self._thread is not None and self._clock.monotonic() - self._turned_at < HEARTBEAT

    def start(self) -> None:
        """Start turning."""
        self._thread = threading.Thread(target=self._turn_for_ever, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop turning; returns when the thread has ended."""
        self._stopped = True
        self._wake()
        if self._thread:
            self._thread.join()

    def replace(self, ticking: Iterable[Ticking]) -> None:
        """Look after these instead of those before."""
        self._due = {each: self._due.get(each, -inf) for each in ticking}
        self._wake()

    def tick(self) -> float:
        """Tick all that is due; returns the seconds until the next turn."""
        now = self._turned_at = self._clock.monotonic()
        schedule = self._due
        for each, due in schedule.items():
            if due <= now:
                schedule[each] = self._tick(each, now)
        wait = min(schedule.values(), default=inf) - self._clock.monotonic()
        return max(0.0, min(wait, LONGEST_SLEEP))

    def _tick(self, each: Ticking, now: float) -> float:
        try:
            return each.tick(now)
        except Exception:  # it must go on for all others
            log.exception("tick failed")
            return now + LONGEST_SLEEP

    def _turn_for_ever(self) -> None:
        while not self._stopped:
            self._asleep.acquire(timeout=self.tick())

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is awake already
            self._asleep.release()
