"""Rules for what statistics of levels cannot see: values that stand still, fall to 0, or are hardly ever not 0."""

from __future__ import annotations

from typing import Any

STUCK = "stuck"
ZERO = "zero"
RARE_EVENT = "rare_event"

LEARN_ROWS = 300  # before any rule speaks
FORGET_ROWS = 20_000  # two weeks of minutes: then everything counted is halved
MOVING_SHARE = 0.9  # of the rows: a series that changes so often can be stuck
STUCK_ROWS = 30  # and five times as long as ever before
STUCK_FACTOR = 5
ZERO_SHARE = 0.001  # a series that is 0 less often than this may not be 0
ZERO_ROWS = 3  # and three times as long as ever before
ZERO_FACTOR = 3
SPARSE_ZERO_SHARE = 0.9  # a series that is 0 more often than this is one of rare events
SPARSE_CHANGE_SHARE = 0.005  # and so is one that hardly ever changes
QUIET_DAYS = 30  # an event is odd if there was none for so long, which bounds how often it can be odd
WATCHED_DAYS = 1  # or none ever, if the series has been watched for so long
DAY = 86_400.0
_COUNTS = ("rows", "zeros", "changes", "same", "longest_same", "zero_run", "longest_zero", "since_event")


class Rules:
    """Follows one series row by row; all it keeps is a handful of counts.

    `active` is the rule that is broken now, or nothing. `is_sparse` says that the series is one of rare events, of
    which a detector of levels says nothing worth hearing.
    """

    __slots__ = (*_COUNTS, "_quiet_rows", "_watched_rows", "active", "last")

    def __init__(self, row_seconds: float) -> None:
        self._quiet_rows = QUIET_DAYS * DAY / row_seconds
        self._watched_rows = WATCHED_DAYS * DAY / row_seconds
        self.rows = self.zeros = self.changes = self.same = self.longest_same = 0
        self.zero_run = self.longest_zero = 0
        self.since_event = -1  # rows; -1: there was none yet
        self.last: float | None = None
        self.active = ""

    @property
    def is_sparse(self) -> bool:
        """Whether this is a series of rare events."""
        return self.rows >= LEARN_ROWS / 2 and self._sparse(self.rows, self.changes)

    def update(self, value: float) -> str:
        """Take one row; returns the rule that is broken from this row on, or nothing."""
        changed = self.last is not None and value != self.last
        event = changed and self._is_event(value)
        self._count(value, changed=changed)
        self.last = value
        broken = self._broken(value, event=event)
        self.since_event = 0 if event else self.since_event + (self.since_event >= 0)
        if self.rows >= FORGET_ROWS:
            self._forget()
        begins = broken if broken != self.active else ""
        self.active = broken
        return begins

    def is_new_zero(self, value: float) -> bool:
        """Whether a value of 0 is something that this series does not do."""
        others = self.rows - self.zeros - self.zero_run
        return value == 0.0 and others >= LEARN_ROWS and self.zeros <= ZERO_SHARE * others

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        return {"counts": [getattr(self, name) for name in _COUNTS], "last": self.last}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what was saved; raises `ValueError` where that is no such state."""
        counts, last = state.get("counts"), state.get("last")
        if not (isinstance(counts, list) and len(counts) == len(_COUNTS) and all(type(each) is int for each in counts)):
            raise ValueError("the counts of the rules are damaged")
        if not (last is None or (isinstance(last, int | float) and last - last == 0)):
            raise ValueError("the last value is damaged")
        for name, count in zip(_COUNTS, counts, strict=True):
            setattr(self, name, count)
        self.last = last

    def _is_event(self, value: float) -> bool:
        """Of a series that is mostly 0 only leaving 0 is one; of one that hardly changes, every change."""
        mostly_zero = self.zeros + self.zero_run >= SPARSE_ZERO_SHARE * self.rows
        return self.last == 0.0 if mostly_zero else value != self.last

    def _count(self, value: float, *, changed: bool) -> None:
        self.rows += 1
        if changed:
            self.changes += 1
            self.longest_same = max(self.longest_same, self.same)
            self.same = 0
        self.same += 1
        if value == 0.0:
            self.zero_run += 1
        elif self.zero_run:
            self.zeros += self.zero_run
            self.longest_zero = max(self.longest_zero, self.zero_run)
            self.zero_run = 0

    def _broken(self, value: float, *, event: bool) -> str:
        if self.rows < LEARN_ROWS:
            return ""
        if self._is_zero_too_long(value):
            return ZERO
        if self._is_stuck():
            return STUCK
        if event and self._sparse(self.rows - 1, self.changes - 1) and self._is_rare():
            return RARE_EVENT
        return RARE_EVENT if self.active == RARE_EVENT and value != 0.0 and self.same < STUCK_ROWS else ""

    def _is_zero_too_long(self, value: float) -> bool:
        return self.is_new_zero(value) and self.zero_run >= max(ZERO_ROWS, ZERO_FACTOR * self.longest_zero)

    def _is_stuck(self) -> bool:
        moving = self.changes >= MOVING_SHARE * (self.rows - self.same)
        learnt = self.rows - self.same >= LEARN_ROWS / 2
        return moving and learnt and self.same >= max(STUCK_ROWS, STUCK_FACTOR * self.longest_same)

    def _sparse(self, rows: int, changes: int) -> bool:
        return self.zeros + self.zero_run >= SPARSE_ZERO_SHARE * rows or changes <= SPARSE_CHANGE_SHARE * rows

    def _is_rare(self) -> bool:
        if self.since_event < 0:
            return self.rows >= self._watched_rows
        return self.since_event >= self._quiet_rows

    def _forget(self) -> None:
        self.rows //= 2
        self.zeros //= 2
        self.changes //= 2
        self.longest_same = max(1, self.longest_same * 9 // 10)
        self.longest_zero = self.longest_zero * 9 // 10
