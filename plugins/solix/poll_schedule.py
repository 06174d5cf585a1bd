"""When to poll: every two minutes by default, more often while a battery is low and discharging."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from collector_plugins.solix.config import Realtime

REST_EVERY = 5  # cycles
SHORT_TRIGGER = 30.0  # seconds; the shortest that devices accept
LONGEST_TRIGGER = 600.0  # seconds
OVERLAP = 30.0  # seconds that a trigger outlasts the cycle, so that reports continue without a gap


@dataclass(frozen=True)
class ScheduleRules:
    """Intervals in seconds, charges as ratios."""

    normal: float
    fast: float
    low: float
    high: float
    rest_every: int = REST_EVERY


class PollSchedule:
    """Decides when a cycle is due and how fast cycles follow each other; has no clock, the time is handed in."""

    def __init__(self, rules: ScheduleRules) -> None:
        self._rules = rules
        self._low: dict[str, bool] = {}
        self._discharging: dict[str, bool] = {}
        self._last: float | None = None
        self._last_rest: float | None = None

    @property
    def is_fast(self) -> bool:
        """Whether a battery is low and discharging."""
        return any(map(self.is_low, self._low))

    @property
    def interval(self) -> float:
        """Seconds from one cycle to the next."""
        return self._rules.fast if self.is_fast else self._rules.normal

    def is_low(self, device: str) -> bool:
        """Whether a battery is discharging and low: from below `low` until it is above `high`."""
        return self._low.get(device, False) and self._discharging.get(device, False)

    def observe_battery(self, device: str, charge: float, *, discharging: bool) -> None:
        """Take the current state of a battery into account."""
        low = charge <= self._rules.high if self._low.get(device) else charge < self._rules.low
        self._low[device], self._discharging[device] = low, discharging

    def keep_batteries(self, devices: Collection[str]) -> None:
        """Drop all other batteries: one that is no longer seen keeps nothing fast."""
        for gone in self._low.keys() - set(devices):
            del self._low[gone], self._discharging[gone]

    def is_cycle_due(self, now: float) -> bool:
        """Whether a cycle is due at `now` (monotonic seconds)."""
        return self._last is None or now - self._last >= self.interval

    def begin_cycle(self, now: float) -> bool:
        """Begin a cycle; returns whether it asks the cloud too, as every fifth does, judged by the time elapsed."""
        self._last = now
        if self._last_rest is not None and now - self._last_rest < self._rules.rest_every * self.interval:
            return False
        self._last_rest = now
        return True

    def retry_cloud(self) -> None:
        """Let the next cycle ask the cloud, since this one failed."""
        self._last_rest = None

    def trigger_seconds(self, realtime: Realtime) -> float | None:
        """For how long devices are asked to report; None: not at all."""
        if realtime is Realtime.OFF:
            return None
        if realtime is Realtime.CONTINUOUS or self.is_fast:
            return min(self.interval + OVERLAP, LONGEST_TRIGGER)
        return SHORT_TRIGGER
