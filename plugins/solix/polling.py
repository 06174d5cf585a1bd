"""When to poll: every two minutes, more often while a battery is low and discharging."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from collector_plugins.solix.config import Realtime

REST_EVERY = 5  # cycles
SHORT_TRIGGER = 30.0  # seconds; the shortest that devices take
LONGEST_TRIGGER = 600.0  # seconds
OVERLAP = 30.0  # seconds that a trigger outlasts the cycle, so that reports go on without a gap


@dataclass(frozen=True)
class Rules:
    """Intervals in seconds, charges as ratios."""

    normal: float
    fast: float
    low: float
    high: float
    rest_every: int = REST_EVERY


class Polling:
    """Decides when a cycle is due and how fast cycles follow each other; knows no clock, it is told the time."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._low: dict[str, bool] = {}
        self._discharging: dict[str, bool] = {}
        self._last: float | None = None
        self._last_rest: float | None = None

    @property
    def fast(self) -> bool:
        """Whether a battery is low and discharging."""
        return any(map(self.is_low, self._low))

    @property
    def interval(self) -> float:
        """Seconds from one cycle to the next."""
        return self._rules.fast if self.fast else self._rules.normal

    def is_low(self, device: str) -> bool:
        """Whether a battery discharges and is low: from below `low` until it is above `high`."""
        return self._low.get(device, False) and self._discharging.get(device, False)

    def observe(self, device: str, charge: float, *, discharging: bool) -> None:
        """Take what a battery shows now."""
        low = charge <= self._rules.high if self._low.get(device) else charge < self._rules.low
        self._low[device], self._discharging[device] = low, discharging

    def keep(self, devices: Collection[str]) -> None:
        """Forget all other batteries: what is not seen any more keeps nothing fast."""
        for gone in self._low.keys() - set(devices):
            del self._low[gone], self._discharging[gone]

    def due(self, now: float) -> bool:
        """Whether a cycle is due at `now` (monotonic seconds)."""
        return self._last is None or now - self._last >= self.interval

    def begin(self, now: float) -> bool:
        """A cycle begins; returns whether it asks the cloud too, as every fifth does, by the time that has passed."""
        self._last = now
        if self._last_rest is not None and now - self._last_rest < self._rules.rest_every * self.interval:
            return False
        self._last_rest = now
        return True

    def ask_again(self) -> None:
        """Let the next cycle ask the cloud, since this one could not."""
        self._last_rest = None

    def trigger_seconds(self, realtime: Realtime) -> float | None:
        """For how long devices are asked to report; None: not at all."""
        if realtime is Realtime.OFF:
            return None
        if realtime is Realtime.CONTINUOUS or self.fast:
            return min(self.interval + OVERLAP, LONGEST_TRIGGER)
        return SHORT_TRIGGER
