"""Energy from hardware counters that wrap, reset, jump and fail."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import NamedTuple

# A processor's short turbo exceeds its limit two- to threefold for some seconds. More than this is no peak.
PEAK = 4.0

# Growth so many times faster than any before waits for the next reading, which may take it back.
UNUSUAL = 4.0

# Growth that exceeds all peaks is believed where the next reading shows at least this part of its rate again, and
# never beyond so many times the rating: that is another machine's counter (a virtual machine that was moved).
SUSTAINED = 0.5
JUMP = 100.0

# Firmware may post the energy of a longer while at once: two quick reads get the allowance of this many seconds.
SHORTEST_ALLOWANCE_SECONDS = 1.0

REMEMBERED = 64  # readings: a fall to where the counter was this short a while ago is no reset


class _Reading(NamedTuple):
    """Where the counter stood, as if it did not wrap, and when."""

    position: float
    time: float


class _Step(NamedTuple):
    """How things stood at an earlier reading: where the counter was, and what had been counted by then."""

    position: float
    counted: float
    fastest: float


@dataclass
class WrapCounter:
    """Accumulates the true growth of a hardware counter, from 0, in the counter's own unit.

    `maximum` is where the counter wraps (None: unknown, so that a fall can never be corrected). `max_rate` is the rated
    growth per second; the counter is trusted while at that rate less than half its range can have passed since the
    last reading. `peak_rate` is what it may reach for a while (default: four times `max_rate`). Up to `trusted_rate`
    (default: `max_rate`), or a few times the fastest growth so far, growth counts at once. The rules are section
    "Counters" of the rapl plugin's README:

    - A fall is a wrap where the growth that it implies is as slow as a rise would have to be.
    - Faster growth, and any other fall, waits for the next reading (`in_doubt`). What that one takes back never
      counts. What stands counts if it is a possible peak, or if the counter goes on as fast.
    - Everything else is a gap: counted in `unknown_gaps`, never guessed.
    - Growth that was counted and is taken back later is made up for: `total` stands until the counter has caught up.

    `as_of` is the time of the last reading that is believed, None before the first one. Whole readings give a whole
    `total`, exact for as long as the process lives. Raises `ValueError` when `maximum` or `max_rate` is not a positive
    number.
    """

    maximum: float | None
    max_rate: float
    total: float = 0
    unknown_gaps: int = 0
    peak_rate: float | None = None
    trusted_rate: float | None = None
    _last: _Reading | None = field(default=None, repr=False)
    _doubt: _Reading | None = field(default=None, repr=False)
    _lost_track: _Step | None = field(default=None, repr=False)
    _steps: deque[_Step] = field(default_factory=lambda: deque(maxlen=REMEMBERED), repr=False)
    _fastest: float = field(default=0.0, repr=False)
    _debt: float = field(default=0, repr=False)
    _grown_for: float = field(default=0.0, repr=False)

    def __post_init__(self) -> None:
        if not (isfinite(self.max_rate) and self.max_rate > 0):
            raise ValueError(f"max_rate is {self.max_rate}, must be a positive number")
        if self.maximum is not None and not (isfinite(self.maximum) and self.maximum > 0):
            raise ValueError(f"maximum is {self.maximum}, must be a positive number or None")

    @property
    def as_of(self) -> float | None:
        """The time of the last reading that is believed, None before the first one."""
        return self._last.time if self._last else None

    @property
    def grown_for(self) -> float:
        """How many seconds the last growth took that was returned."""
        return self._grown_for

    @property
    def most_rate(self) -> float:
        """The growth per second that is believed possible: a peak, or the fastest that was seen."""
        return max(PEAK * self.max_rate if self.peak_rate is None else self.peak_rate, self._fastest)

    @property
    def in_doubt(self) -> bool:
        """Whether the last reading waits for the next one."""
        return self._doubt is not None

    def update(self, raw: float, now: float) -> float | None:
        """Take a reading at `now` (seconds, monotonic); returns the growth since the last one that is believed.

        None where that is unknown, or waits for the next reading. Raises `ValueError` for a reading outside 0…maximum;
        the counter is then as it was before.
        """
        if not (isfinite(raw) and 0 <= raw <= self._ceiling):
            raise ValueError(f"counter reads {raw:g}, outside 0 to {self._ceiling:g}")
        last = self._last
        if last is None:
            self._last = _Reading(raw, now)
            return None
        reading = _Reading(self._unwrapped(last.position, raw), now)
        doubt, self._doubt = self._doubt, None
        if self.max_rate * (now - last.time) > self._half_range:
            self._lose_track(last, reading)
            self._forget_steps()
            return None
        growth = self._growth(last, reading)
        if growth <= self._usual(now - last.time):
            return self._accept(last, reading, growth)
        if doubt is not None and reading.position != doubt.position:
            return self._resolve(last, doubt, reading)
        return self._question(last, reading, growth)

    def forget(self) -> None:
        """The source went away: what it counts until the next reading is unknown. `total` stays."""
        self._doubt = None
        self._forget_steps()
        if self._last is not None:
            self._last = None
            self.unknown_gaps += 1

    @property
    def _ceiling(self) -> float:
        return inf if self.maximum is None else self.maximum

    @property
    def _half_range(self) -> float:
        return self._ceiling / 2

    def _unwrapped(self, near: float, raw: float) -> float:
        """The position of a reading that is nearest to another one: a wrap is nearer than a fall by half the range."""
        if self.maximum is None:
            return raw
        distance = (raw - near) % self.maximum
        return near + (distance if distance <= self.maximum / 2 else distance - self.maximum)

    def _growth(self, before: _Reading, after: _Reading) -> float:
        """What the counter rose; infinite for a fall."""
        return after.position - before.position if after.position >= before.position else inf

    def _usual(self, elapsed: float) -> float:
        trusted = self.max_rate if self.trusted_rate is None else self.trusted_rate
        if not self._fastest:
            trusted = self.max_rate
        rate = max(trusted, min(UNUSUAL * self._fastest, self.most_rate))
        return min(rate * max(elapsed, SHORTEST_ALLOWANCE_SECONDS), self._half_range)

    def _peak(self, elapsed: float) -> float:
        return min(self.most_rate * max(elapsed, SHORTEST_ALLOWANCE_SECONDS), self._half_range)

    def _question(self, last: _Reading, reading: _Reading, growth: float) -> float | None:
        """Let the next reading decide, unless it could come too late to be trusted."""
        elapsed = reading.time - last.time
        if 2 * self.max_rate * elapsed <= self._half_range:
            self._doubt = reading
        elif growth <= self._peak(elapsed):
            return self._accept(last, reading, growth)
        else:
            self._lose_track(last, reading)
        return None

    def _resolve(self, last: _Reading, doubt: _Reading, reading: _Reading) -> float | None:
        """Decide on a reading that waits, by one that is no usual growth of the last that is believed."""
        if doubt.position <= reading.position and (step := self._step_before(last, doubt, reading)):
            self._return_to(step, last, reading)
            return None
        since = self._growth(doubt, reading)
        is_blip = doubt.position < last.position <= reading.position
        stands = since <= self._peak(reading.time - doubt.time)
        if not is_blip and ((stands and self._is_peak(last, doubt)) or self._goes_on(last, doubt, reading)):
            return self._accept(last, reading, self._growth(last, doubt) + since)
        if is_blip or not stands:
            return self._question(last, reading, self._growth(last, reading))
        self._lose_track(last, doubt)
        if since <= self._usual(reading.time - doubt.time):
            return self._accept(doubt, reading, since)
        return self._question(doubt, reading, since)

    def _is_peak(self, before: _Reading, after: _Reading) -> bool:
        return self._growth(before, after) <= self._peak(after.time - before.time)

    def _goes_on(self, last: _Reading, doubt: _Reading, reading: _Reading) -> bool:
        """Whether the counter goes on about as fast as before: limits need not be enforced."""
        rate, next_rate = self._rate(last, doubt), self._rate(doubt, reading)
        return SUSTAINED * rate <= next_rate <= rate / SUSTAINED and max(rate, next_rate) <= JUMP * self.max_rate

    def _rate(self, before: _Reading, after: _Reading) -> float:
        growth = self._growth(before, after)
        return growth / max(after.time - before.time, SHORTEST_ALLOWANCE_SECONDS) if growth <= self._half_range else inf

    def _step_before(self, last: _Reading, doubt: _Reading, reading: _Reading) -> _Step | None:
        """Where the counter was before, if two readings lead back there: it told something else meanwhile."""
        if reading.position < last.position:
            return next((step for step in reversed(self._steps) if step.position <= doubt.position), None)
        lost = self._lost_track
        return lost if lost and last.position < lost.position <= doubt.position else None

    def _return_to(self, step: _Step, last: _Reading, reading: _Reading) -> None:
        """Count from an earlier reading on, as if there had been none in between."""
        missed = step.counted + reading.position - step.position - self._counted
        self._add(min(missed, self._peak(reading.time - last.time)))
        self._fastest = step.fastest
        self._last = reading
        self._forget_steps()

    @property
    def _counted(self) -> float:
        return self.total - self._debt

    def _forget_steps(self) -> None:
        self._steps.clear()
        self._lost_track = None

    def _remember(self, last: _Reading) -> _Step:
        step = _Step(last.position, self._counted, self._fastest)
        self._steps.append(step)
        return step

    def _add(self, growth: float) -> None:
        """Let the total grow by what is not owed; what was too much before, a growth below 0, is owed from now on."""
        paid = min(self._debt, growth)
        self._debt -= paid
        self.total += growth - paid

    def _accept(self, last: _Reading, reading: _Reading, growth: float) -> float:
        self._grown_for = reading.time - last.time
        self._remember(last)
        self._last = reading
        self._fastest = max(self._fastest, growth / max(reading.time - last.time, SHORTEST_ALLOWANCE_SECONDS))
        self._add(growth)
        return growth

    def _lose_track(self, last: _Reading, reading: _Reading) -> None:
        """Count from this reading on; what came before it since the last one is not known."""
        self._lost_track = self._remember(last)
        self._last = reading
        self.unknown_gaps += 1
