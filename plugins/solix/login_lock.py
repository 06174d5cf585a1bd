"""An account that the cloud has locked for a while: no login until the lock has passed, then one at a time.

Others can cause it, such as the app or another program, and it passes by itself. The lock outlives the process, so that
neither a restart nor a program that runs every minute asks again too early.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from math import isfinite
from pathlib import Path

from collector_core import Clock
from collector_core.storage import parse_document, read_bounded, write_atomically

LOCKED = 100053  # the code of "Maximum attempts exceeded. Please try again in … hours."
SHORTEST = 3600.0  # seconds
LONGEST = 86_400.0  # seconds
MARGIN = 60.0  # seconds; the cloud rounds
MAX_BYTES = 4096

_TOLD = re.compile(r"try again (?:in|after) (\d{1,6}) ?(second|sec|minute|min|hour|day)s?\b", re.IGNORECASE)
_SECONDS = {"second": 1.0, "sec": 1.0, "minute": 60.0, "min": 60.0, "hour": 3600.0, "day": 86_400.0}


class LoginLock:
    """When the next login may be tried. Each refusal in a row locks for longer: 1, 2, 4 … 24 hours at least."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._until, self._refusals = self._read()

    @property
    def seconds_left(self) -> float:
        """Seconds until a login may be tried; 0 where there is no lock."""
        return min(max(0.0, self._until - self._clock.time()), LONGEST + MARGIN)

    def lock(self, told_seconds: float) -> None:
        """The cloud has refused a login, for as long as it says."""
        pause = max(told_seconds, SHORTEST * 2.0 ** min(self._refusals, 10))
        self._refusals += 1
        self._until = self._clock.time() + min(pause, LONGEST) + MARGIN
        with suppress(OSError):  # then it holds for this process alone
            write_atomically(self._file, json.dumps({"until": float(self._until), "refusals": self._refusals}))

    def clear(self) -> None:
        """A login worked, or somebody wants one now."""
        self._until, self._refusals = 0.0, 0
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _read(self) -> tuple[float, int]:
        with suppress(OSError, ValueError):
            saved = parse_document(read_bounded(self._file, MAX_BYTES))
            until, refusals = saved.get("until"), saved.get("refusals")
            if isinstance(until, float) and isfinite(until) and isinstance(refusals, int) and refusals > 0:
                return min(until, self._clock.time() + LONGEST + MARGIN), refusals
        return 0.0, 0


def told_lock(body: bytes) -> float | None:
    """For how many seconds an answer to a login says that the account is locked; None where it does not say so."""
    try:
        answer = parse_document(body)
    except ValueError:
        return None
    told = _TOLD.search(str(answer.get("msg", "")))
    if told is None:
        return SHORTEST if answer.get("code") == LOCKED else None
    return float(told[1]) * _SECONDS[told[2].lower()]
