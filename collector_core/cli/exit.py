"""The end of a command, whatever plugins have left behind."""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

_OURS = ("log", "signals")  # they end with the process
_NAMED = 5  # threads; a plugin may have left thousands


def leave(code: int | str | None) -> NoReturn:
    """End the process; threads that still run are named, not waited for.

    The interpreter would wait for those that are no daemons, and for daemons of a `ThreadPoolExecutor` too.
    """
    others = (each for each in threading.enumerate() if each is not threading.main_thread())
    left = [each.name for each in others if each.name not in _OURS]
    if not left or not isinstance(code, int | None):
        sys.exit(code)
    names = ", ".join(left[:_NAMED]) + (", …" if len(left) > _NAMED else "")
    import logging  # noqa: PLC0415 - most commands that end leave nothing behind

    logging.getLogger(__name__).warning("exiting although %d threads have not ended: %s", len(left), names)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code or 0)
