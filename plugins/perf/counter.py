"""One event on one package over time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from collector_core import Clock, EnergyReading, WrapCounter
from collector_plugins.perf.events import Event

RANGE = 1 << 64  # counts; the kernel extends the processor's 32 bits
MAX_WATTS = {"energy-psys": 2000.0}
PACKAGE_WATTS = 500.0  # above any single socket sold today


class Counts(Protocol):
    """An event that is open."""

    def read(self) -> int:
        """The count; raises `OSError`."""

    def close(self) -> None:
        """Stop counting."""


class EventCounter:
    """Follows an event; one that is opened anew counts on from where it was.

    Readings on several threads are taken one after the other: one that overtook another would look like a wrap.
    """

    def __init__(self, event: Event, open_event: Callable[[], Counts]) -> None:
        self.watts: float | None = None
        self.counting_since: float | None = None
        self._joules_per_count = event.joules_per_count
        most_watts = MAX_WATTS.get(event.name, PACKAGE_WATTS)
        self._counter = WrapCounter(RANGE, most_watts / event.joules_per_count)
        self._open_event = open_event
        self._opened: Counts | None = None
        self._lock = threading.Lock()

    @property
    def joules(self) -> float:
        """Energy since the first reading."""
        return self._counter.total * self._joules_per_count

    @property
    def unknown_gaps(self) -> int:
        """How often the growth between two readings could not be known."""
        return self._counter.unknown_gaps

    @property
    def max_watts(self) -> float:
        """The most that it has drawn, or may draw for some seconds."""
        return self._counter.most_rate * self._joules_per_count

    @property
    def is_open(self) -> bool:
        """Whether the kernel counts it."""
        return self._opened is not None

    @property
    def is_alive(self) -> bool:
        """Whether the counter has ever moved: some processors show counters that they do not have."""
        return self._counter.total > 0

    def latest(self) -> EnergyReading | None:
        """What the last reading that is believed gave; None while the counter has not moved, or is not open."""
        as_of = self._counter.as_of
        return EnergyReading(self.joules, as_of, self.unknown_gaps) if as_of is not None and self.is_alive else None

    def read(self, clock: Clock) -> EnergyReading | None:
        """Read the event, opening it first where it is not; says what `latest` would say then. Raises `OSError`."""
        with self._lock:
            try:
                self._opened = self._opened or self._open_event()
                count = self._opened.read()
            except OSError:
                self._hang_up()
                raise
            self._take(count, clock.monotonic())
            return self.latest()

    def close(self) -> None:
        """Let go of the event."""
        with self._lock:
            self._hang_up()

    def _take(self, count: int, now: float) -> None:
        if self.counting_since is None:
            self.counting_since = now
        growth, seconds = self._counter.update(count, now), self._counter.grown_for
        self.watts = growth * self._joules_per_count / seconds if growth is not None and seconds > 0 else None

    def _hang_up(self) -> None:
        self.watts = None
        if self._opened:
            self._opened.close()
            self._opened = None
            self._counter.forget()
