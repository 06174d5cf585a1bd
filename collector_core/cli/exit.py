"""The end of a command, whatever plugins have left behind."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import NoReturn

_OURS = ("log", "signals")  # they end with the process
_NAMED = 5  # threads; a plugin may have left thousands
_GRACE_SECONDS = 0.2  # for all that are about to end


def leave(code: int | str | None) -> NoReturn:
    """End the process; threads that still run after a moment are named, not waited for.

    The interpreter would wait for those that are no daemons, and for daemons of a `ThreadPoolExecutor` too.
    """
    left = _left_behind()
    if not left or not isinstance(code, int | None):
        sys.exit(code)
    names = ", ".join(left[:_NAMED]) + (", …" if len(left) > _NAMED else "")
    import logging  # noqa: PLC0415 - most commands that end leave nothing behind

    logging.getLogger(__name__).warning("exiting with threads that have not ended (%d): %s", len(left), names)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code or 0)


def _left_behind() -> list[str]:
    """The names of the threads that do not end by themselves."""
    others = [each for each in threading.enumerate() if each is not threading.main_thread() and each.name not in _OURS]
    until = time.monotonic() + _GRACE_SECONDS
    while (left := [each.name for each in others if each.is_alive()]) and time.monotonic() < until:
        time.sleep(0.01)
    return left
