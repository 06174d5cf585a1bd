"""Looks whether the web server's event loop turns, and says where it stands still."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from collector_core.polling.own_thread import whereabouts

log = logging.getLogger(__name__)

STALL_SECONDS = 0.25
PERIOD_SECONDS = 2.0  # between two looks


class LoopGuard:
    """Asks `loop`, which runs on the thread `thread_id`, to say something now and then; `stalled` counts silences.

    The watchdog of the collectors calls `tick`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, thread_id: int, stalled: Callable[[], None]) -> None:
        self._loop = loop
        self._stalled = stalled
        self._thread_id = thread_id
        self._asked_at: float | None = None
        self._reported = False
        self._answered = False

    def tick(self, now: float) -> float:
        """Look at `now`; returns when to look again (monotonic seconds)."""
        if self._asked_at is None:
            self._asked_at, self._answered = now, False
            self._loop.call_soon_threadsafe(self._answer)
            return now + STALL_SECONDS
        silent = now - self._asked_at
        if not self._answered and silent < STALL_SECONDS:
            return self._asked_at + STALL_SECONDS
        if not self._answered:
            self._report(silent)
            return now + STALL_SECONDS
        if self._reported:
            log.warning("the event loop of the web server turns again, after at most %.1f s", silent)
        self._asked_at, self._reported = None, False
        return now + PERIOD_SECONDS

    def _answer(self) -> None:
        self._answered = True

    def _report(self, silent: float) -> None:
        if not self._reported:
            self._reported = True
            place = whereabouts(self._thread_id, "")
            log.warning("the event loop of the web server has stood still for %.2f s%s", silent, place)
            self._stalled()
