"""Why the history cannot be kept: counted when it begins, logged once then and once when it is over."""

from __future__ import annotations

import logging

from collector_core.storage.errors import StorageReason

log = logging.getLogger(__name__)

CLOCK = "clock"
PARTITION = "partition"
_OF_READINGS = {CLOCK, PARTITION}  # with which what can be stored is stored


class Problems:
    """The problems that there are, by reason."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {**{reason.value: 0 for reason in StorageReason}, CLOCK: 0, PARTITION: 0}
        self._current: set[str] = set()

    def begin(self, reason: str, text: str) -> None:
        """A problem is there; only the first call until its end does anything."""
        if reason not in self._current:
            self._current.add(reason)
            self.count(reason, text)

    def count(self, reason: str, text: str) -> None:
        """A problem came and has been dealt with."""
        self.counts[reason] += 1
        log.warning("history: %s", text)

    def end(self, reason: str, how: str = "") -> None:
        """A problem is over, if it was there."""
        if reason in self._current:
            self._current.remove(reason)
            log.warning("history: kept again (%s)%s", reason.replace("_", " "), f": {how}" if how else "")

    def solve(self, reason: str, how: str) -> None:
        """A problem has been dealt with: one that was there, or has just come."""
        if reason in self._current:
            self.end(reason, how)
        else:
            self.count(reason, how)

    def end_others(self, reason: str = "") -> None:
        """All problems of the store but this one are over."""
        for other in sorted(self._current - {reason} - _OF_READINGS):
            self.end(other)

    @property
    def are_of_the_store(self) -> bool:
        """Whether nothing can be stored."""
        return bool(self._current - _OF_READINGS)
