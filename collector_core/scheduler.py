"""One wheel for all collectors: a thread that wakes when something is due and never does the work itself."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable
from math import inf
from typing import Protocol

from collector_core.collector import Clock

log = logging.getLogger(__name__)

LONGEST_SLEEP = 5.0  # seconds; a suspended machine's clock moves on while a sleep does not
HEARTBEAT = 15.0  # seconds without a turn of the wheel after which it counts as stuck


class Ticking(Protocol):
    """What the wheel turns: a `Runner`, or anything with its `tick`."""

    def tick(self, now: float) -> float:
        """Do what is due at `now`; returns when to be called next (monotonic seconds)."""


class Scheduler:
    """Calls `tick` of everything on the wheel when it is due."""

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
        """Whether the wheel turns."""
        return self._thread is not None and self._clock.monotonic() - self._turned_at < HEARTBEAT

    def start(self) -> None:
        """Start turning."""
        self._thread = threading.Thread(target=self._turn_for_ever, name="scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop turning; returns when the thread has ended."""
        self._stopped = True
        self._wake()
        if self._thread:
            self._thread.join()

    def replace(self, wheel: Iterable[Ticking]) -> None:
        """Put these on the wheel instead of those before."""
        self._due = {each: self._due.get(each, -inf) for each in wheel}
        self._wake()

    def turn(self) -> float:
        """Tick all that is due; returns the seconds until the next turn."""
        now = self._turned_at = self._clock.monotonic()
        wheel = self._due
        for each, due in wheel.items():
            if due <= now:
                wheel[each] = self._tick(each, now)
        wait = min(wheel.values(), default=inf) - self._clock.monotonic()
        return max(0.0, min(wait, LONGEST_SLEEP))

    def _tick(self, each: Ticking, now: float) -> float:
        try:
            return each.tick(now)
        except Exception:  # the wheel must go on turning for all others
            log.exception("tick failed")
            return now + LONGEST_SLEEP

    def _turn_for_ever(self) -> None:
        while not self._stopped:
            self._asleep.acquire(timeout=self.turn())

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is awake already
            self._asleep.release()
