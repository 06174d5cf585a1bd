"""A counter that a foreign device or program keeps, made fit to be published."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite
from typing import NamedTuple

from collector_core.model.counters import SHORTEST_ALLOWANCE_SECONDS

# A device that corrects its total lowers it by a little; one that starts again starts near 0.
CORRECTION = 0.9

# What a counter shows after a restart it counted since, unless it would have had to grow so many times faster than
# ever before: then it is the life of another device. A step that is so many times faster than any before is doubted.
REACH = 3.0
LEAP = 100.0


class _Doubt(NamedTuple):
    """A reading that the next one has to confirm, and how much of it a restarted device may have counted since."""

    value: float
    since_restart: float


class _Step(NamedTuple):
    """How things stood before the latest growth."""

    value: float
    fastest: float


class _Life(NamedTuple):
    """A life of the counter that seems to have ended, and where the next one began."""

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
      since, unless it is far more than it could have counted: that is another device's life. Should the counter return
      to where it was, it had not restarted, and only what exceeds the total counts.
    - A step that is impossible, or enormous compared with all before, waits for the next reading. What that one takes
      back never counts; what it confirms counts, unless it is impossible.

    `max_rate` is the largest growth per second that is physically possible, if that is known; it may be changed at any
    time. `unknown_gaps` is how often an amount could not be known and was left out. `in_doubt` is whether the last
    reading waits for the next one.
    """

    max_rate: float = inf
    total: float = 0.0
    unknown_gaps: int = 0
    _value: float | None = field(default=None, repr=False)
    _time: float = field(default=0.0, repr=False)
    _offset: float = field(default=0.0, repr=False)
    _fastest: float = field(default=0.0, repr=False)
    _doubt: _Doubt | None = field(default=None, repr=False)
    _step: _Step | None = field(default=None, repr=False)
    _ended: _Life | None = field(default=None, repr=False)
    _refused: _Life | None = field(default=None, repr=False)

    @property
    def in_doubt(self) -> bool:
        """Whether the last reading is not believed yet."""
        return self._doubt is not None

    def record(self, value: float, now: float | None = None) -> float:
        """Take a reading at `now` (seconds, monotonic); returns the total to publish.

        Without `now` readings count as a second apart. Raises `ValueError` for a negative or non-finite reading; the
        counter is then as it was before.
        """
        if not (isfinite(value) and value >= 0):
            raise ValueError(f"counter reads {value:g}, must be a number from 0 on")
        if self._value is None:
            self._value, self._time = value, now or 0.0
            self.total = value
            return value
        before, doubt, self._doubt = self._value, self._doubt, None
        if now is None:
            now = self._time + (2.0 if doubt else 1.0)
        seconds = max(now - self._time, SHORTEST_ALLOWANCE_SECONDS)
        take = self._rise if value >= before else self._fall
        take(before, value, doubt, seconds)
        if self._doubt is None:
            self._time = now
        return self.total

    def _rise(self, before: float, value: float, doubt: _Doubt | None, seconds: float) -> None:
        growth = value - before
        rate = growth / seconds
        is_confirmed = doubt is not None and before < doubt.value <= value
        if not is_confirmed and (rate > self.max_rate or rate > LEAP * self._fastest > 0):
            self._doubt = _Doubt(value, 0.0)
            return
        if not self._is_return(value, growth) and rate <= self.max_rate:
            self._step, self._fastest = _Step(before, self._fastest), max(self._fastest, rate)
        if self._offset + value - self.total > self.max_rate * seconds:
            self._refused = _Life(before, self._offset, value)
            self._offset = self.total - value
            self._step = None
            self.unknown_gaps += 1
        self._accept(value)

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

    def _fall(self, before: float, value: float, doubt: _Doubt | None, seconds: float) -> None:
        refused = self._refused
        if refused and 0 < refused.value <= value <= self.total - refused.offset + self.max_rate * seconds:
            self._refused, self._offset = None, refused.offset
            self._accept(value)
        elif self._step and 0 < self._step.value <= value:
            self._fastest = self._step.fastest
            self._accept(value)
        elif value >= CORRECTION * before:
            self._accept(value)
        elif doubt is None or doubt.value >= before:
            is_since_restart = value <= min(REACH * self._fastest, self.max_rate) * seconds
            self._doubt = _Doubt(value, value if is_since_restart else 0.0)
        else:
            self._restart(before, value, doubt, seconds)

    def _restart(self, before: float, value: float, doubt: _Doubt, seconds: float) -> None:
        grown = value - doubt.value
        is_possible = 0 <= grown <= self.max_rate * seconds
        self._ended = self._ended or _Life(before, self._offset, doubt.value)
        self._offset = self.total - value + doubt.since_restart + (grown if is_possible else 0.0)
        self._step = self._refused = None
        self.unknown_gaps += 1
        self._accept(value)

    def _accept(self, value: float) -> None:
        self._value = value
        self.total = max(self.total, self._offset + value)
