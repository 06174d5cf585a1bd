"""A counter that a foreign device or program keeps, made fit to be published."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite
from typing import NamedTuple

# A device that corrects its total lowers it by a little; one that starts again starts near 0.
CORRECTION = 0.9

# What a counter shows after a restart it counted since, unless that is more than so many of its largest steps: then it
# is the life of another device. A step that is more than so many times the largest and doubles the total is doubted.
REACH = 10.0
LEAP = 100.0


class _Doubt(NamedTuple):
    """A reading that the next one has to confirm, and how much of it a restarted device may have counted since."""

    value: float
    since_restart: float


class _Step(NamedTuple):
    """How things stood before the latest growth."""

    value: float
    largest: float


class _Life(NamedTuple):
    """A life of the counter that seems to have ended, and how low the next one began."""

    value: float
    offset: float
    next_began: float


@dataclass(slots=True)
class ForeignCounter:
    """Follows a counter of a device or program that may restart, be replaced or misreport; in the counter's own unit.

    `total` begins with the first reading and never falls:

    - A reading that is lower once, or 0 once, adds nothing, and neither does the way back. Nor does a fall by less
      than a tenth, which is a correction: the total stands until the counter has passed it.
    - A counter that is low twice in a row has restarted and counts on from the total. What it shows then was counted
      since, unless it is far more than its steps so far: that is another device's life. Should the counter return
      to where it was, it had not restarted, and only what exceeds the total counts.
    - A step that is impossible (`most`), or enormous compared with all before, waits for the next reading. What that
      one takes back never counts; what it confirms counts, unless `most` rules it out.

    `unknown_gaps` is how often an amount could not be known and was left out; `in_doubt` is whether the last reading
    waits for the next one.
    """

    total: float = 0.0
    unknown_gaps: int = 0
    _value: float | None = field(default=None, repr=False)
    _offset: float = field(default=0.0, repr=False)
    _largest: float = field(default=0.0, repr=False)
    _doubt: _Doubt | None = field(default=None, repr=False)
    _step: _Step | None = field(default=None, repr=False)
    _ended: _Life | None = field(default=None, repr=False)

    @property
    def in_doubt(self) -> bool:
        """Whether the last reading is not believed yet."""
        return self._doubt is not None

    def record(self, value: float, most: float = inf) -> float:
        """Take a reading; returns the total to publish.

        `most` is the largest growth since the last believed reading that is physically possible, if that is known.
        Raises `ValueError` for a negative or non-finite reading; the counter is then as it was before.
        """
        if not (isfinite(value) and value >= 0):
            raise ValueError(f"counter reads {value:g}, must be a number from 0 on")
        if self._value is None:
            self.total = self._value = value
            return value
        doubt, self._doubt = self._doubt, None
        if value >= self._value:
            self._rise(self._value, value, doubt, most)
        else:
            self._fall(self._value, value, doubt, most)
        return self.total

    def _rise(self, before: float, value: float, doubt: _Doubt | None, most: float) -> None:
        growth = value - before
        is_confirmed = doubt is not None and before < doubt.value <= value
        if not is_confirmed and (growth > most or growth > LEAP * self._largest > 0):
            self._doubt = _Doubt(value, 0.0)
            return
        if not self._is_return(value, growth) and growth <= most:
            self._step, self._largest = _Step(before, self._largest), max(self._largest, growth)
        self._accept(value, most)

    def _is_return(self, value: float, growth: float) -> bool:
        """Whether a counter that seemed to have restarted is back at once where it was."""
        ended = self._ended
        if ended is None or value < ended.value:
            return False
        self._ended = None
        if growth <= (ended.value - ended.next_began) / 2:
            return False
        self._offset = ended.offset
        return True

    def _fall(self, before: float, value: float, doubt: _Doubt | None, most: float) -> None:
        if self._step and 0 < self._step.value <= value:
            self._largest = self._step.largest
            self._accept(value, most)
        elif value >= CORRECTION * before:
            self._accept(value, most)
        elif doubt is None or doubt.value >= before:
            is_since_restart = value <= min(REACH * self._largest, most)
            self._doubt = _Doubt(value, value if is_since_restart else 0.0)
        else:
            growth = value - doubt.value
            self._ended = self._ended or _Life(before, self._offset, doubt.value)
            self._offset = self.total - value + doubt.since_restart + (growth if 0 <= growth <= most else 0.0)
            self.unknown_gaps += 1
            self._step = None
            self._accept(value, inf)

    def _accept(self, value: float, most: float) -> None:
        self._value = value
        if self._offset + value - self.total > most:
            self._offset = self.total - value
            self._step = None
            self.unknown_gaps += 1
        self.total = max(self.total, self._offset + value)
