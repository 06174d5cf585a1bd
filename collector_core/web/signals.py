"""Signals, seen by a thread of their own: an event loop that is stuck can keep the program from nothing."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType

log = logging.getLogger(__name__)

STOP_SECONDS = 4.4  # from the first signal to the end, whatever hangs

_ENDING = (signal.SIGTERM, signal.SIGINT)
_RELOADING = getattr(signal, "SIGHUP", None)  # Windows has none


class Signals:
    """Calls `stop` for SIGTERM or SIGINT and `reload` for SIGHUP, on a thread of its own, until the process ends.

    A second SIGTERM or SIGINT ends the process at once, with exit code 1; what has not stopped `STOP_SECONDS` after
    the first one is left behind, with exit code 0.
    """

    def __init__(self, stop: Callable[[], object], reload: Callable[[], object]) -> None:
        self._stop = stop
        self._reload = reload
        self._ends_at: float | None = None
        self._reader, self._writer = socket.socketpair()

    def watch(self) -> None:
        """Watch from now on; call it on the main thread."""
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (*_ENDING, _RELOADING):
            if number is not None:
                signal.signal(number, _nothing)
        threading.Thread(target=self._watch, name="signals", daemon=True).start()

    def _watch(self) -> None:
        while True:
            self._reader.settimeout(None if self._ends_at is None else max(0.001, self._ends_at - time.monotonic()))
            try:
                numbers = self._reader.recv(64)
            except TimeoutError:
                log.warning("exiting although not everything has stopped after %g s", STOP_SECONDS)
                logging.shutdown()
                os._exit(0)
            for number in dict.fromkeys(numbers):
                self._handle(number)

    def _handle(self, number: int) -> None:
        if number == _RELOADING:
            self._reload()
        elif number in _ENDING:
            if self._ends_at is not None:
                os._exit(1)
            self._ends_at = time.monotonic() + STOP_SECONDS
            self._stop()


def _nothing(number: int, frame: FrameType | None) -> None:
    """Python tells the thread about a signal only where it has a handler."""
    del number, frame
