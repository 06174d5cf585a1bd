"""Rules for what statistics of levels cannot see: values that freeze, drop to 0, or are hardly ever anything else."""

from __future__ import annotations

from typing import Any

from collector_plugins.anomaly.state_checks import is_finite

STUCK = "stuck"
ZERO = "zero"
RARE_EVENT = "rare_event"

LEARN_ROWS = 300  # before any rule applies
HALVING_ROWS = 20_000  # two weeks of minutes, after which all counts are halved
MOVING_SHARE = 0.9  # of the rows: a series that changes this often can be stuck
STUCK_ROWS = 30  # and five times as long as ever before
STUCK_FACTOR = 5
ZERO_SHARE = 0.001  # a series that is 0 less often than this must not be 0
ZERO_ROWS = 3  # and three times as long as ever before
ZERO_FACTOR = 3
SPARSE_ZERO_SHARE = 0.9  # a series that is 0 more often than this is one of rare events
SPARSE_CHANGE_SHARE = 0.005  # and so is one that hardly ever changes
QUIET_DAYS = 30  # an event is unusual if there was none for this long, which bounds how often it can be
WATCHED_DAYS = 1  # or if there never was one and the series has been watched for this long
DAY = 86_400.0
_COUNTS = ("rows", "zeros", "changes", "same", "longest_same", "zero_run", "longest_zero", "since_event")


class ValueRules:
    """Follows one series row by row and keeps no more than a handful of counts.

    `active` is the rule that is broken now, or empty. `is_sparse` says that this is a series of rare events, whose
    levels are not worth judging. `same` is the number of rows for which the value has not changed.
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
        """Whether the value is 0, or unchanged, in almost every row."""
        return self.rows >= LEARN_ROWS / 2 and self._has_rare_events(self.rows, self.changes)

    def update(self, value: float) -> None:
        """Take one row."""
        changed = self.last is not None and value != self.last
        event = changed and self._is_event(value)
        self._count_row(value, changed=changed)
        self.last = value
        self.active = self._broken_rule(value, event=event)
        self.since_event = 0 if event else self.since_event + (self.since_event >= 0)
        if self.rows >= HALVING_ROWS:
            self._halve_counts()

    def is_new_zero(self, value: float) -> bool:
        """Whether the value is 0 although this series never is."""
        others = self.rows - self.zeros - self.zero_run
        return value == 0.0 and others >= LEARN_ROWS and self.zeros <= ZERO_SHARE * others

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        return {"counts": [getattr(self, name) for name in _COUNTS], "last": self.last, "active": self.active}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`; raises `ValueError` if it is damaged."""
        counts, last, active = state.get("counts"), state.get("last"), state.get("active", "")
        if not (isinstance(counts, list) and len(counts) == len(_COUNTS) and all(type(each) is int for each in counts)):
            raise ValueError("the counts of the rules are damaged")
        if not (last is None or is_finite(last)):
            raise ValueError("the last value is damaged")
        if active not in ("", STUCK, ZERO, RARE_EVENT):  # unknown to earlier releases
            raise ValueError("the broken rule is damaged")
        for name, count in zip(_COUNTS, counts, strict=True):
            setattr(self, name, count)
        self.last, self.active = last, active

    def _is_event(self, value: float) -> bool:
        """Leaving 0 is an event in a series that is mostly 0, and every change in one that hardly ever changes."""
        mostly_zero = self.zeros + self.zero_run >= SPARSE_ZERO_SHARE * self.rows
        return self.last == 0.0 if mostly_zero else value != self.last

    def _count_row(self, value: float, *, changed: bool) -> None:
        self.rows += 1
        if changed:
            self.changes += 1
            self.longest_same = max(self.longest_same, self.same)
            self.same = 0
        self.same += 1
        if value == 0.0:
            self.zero_run += 1
        elif self.zero_run:
            self.zeros = min(self.zeros + self.zero_run, self.rows)  # the run may be longer than what is counted
            self.longest_zero = max(self.longest_zero, self.zero_run)
            self.zero_run = 0

    def _broken_rule(self, value: float, *, event: bool) -> str:
        if self.rows < LEARN_ROWS:
            return ""
        if self._is_zero_too_long(value):
            return ZERO
        if self._is_stuck():
            return STUCK
        if event and self._has_rare_events(self.rows - 1, self.changes - 1) and self._is_rare():
            return RARE_EVENT
        return RARE_EVENT if self.active == RARE_EVENT and self._event_lasts(value) else ""

    def _event_lasts(self, value: float) -> bool:
        """Whether it is neither 0 again nor steady, nor so lively by now that events are nothing rare."""
        return value != 0.0 and self.same < STUCK_ROWS and self.is_sparse

    def _is_zero_too_long(self, value: float) -> bool:
        return self.is_new_zero(value) and self.zero_run >= max(ZERO_ROWS, ZERO_FACTOR * self.longest_zero)

    def _is_stuck(self) -> bool:
        moving = self.changes >= MOVING_SHARE * (self.rows - self.same)
        learnt = self.rows - self.same >= LEARN_ROWS / 2
        return moving and learnt and self.same >= max(STUCK_ROWS, STUCK_FACTOR * self.longest_same)

    def _has_rare_events(self, rows: int, changes: int) -> bool:
        return self.zeros + self.zero_run >= SPARSE_ZERO_SHARE * rows or changes <= SPARSE_CHANGE_SHARE * rows

    def _is_rare(self) -> bool:
        if self.since_event < 0:
            return self.rows >= self._watched_rows
        return self.since_event >= self._quiet_rows

    def _halve_counts(self) -> None:
        self.rows //= 2
        self.zeros //= 2
        self.changes //= 2
        self.longest_same = max(1, self.longest_same * 9 // 10)
        self.longest_zero = self.longest_zero * 9 // 10
