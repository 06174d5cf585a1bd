"""One zone's energy over time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from collector_core import Clock, EnergyReading, WrapCounter
from collector_core.procfs import KeptFile
from collector_plugins.rapl.powercap import parse_number
from collector_plugins.rapl.zones import Zone

MICROJOULES = 1e6  # in a joule
# Growth this slow is never doubted: processors at rest come to it with the first thing that happens.
TRUSTED_WATTS = 10.0
# Counters move on every millisecond, so that a reading that waits for the next one need not wait long.
UPDATE_SECONDS = 0.002
MOST_REREADS = 3
MOST_BYTES = 64  # more than 2⁶⁴ has digits, so that what is too long is seen to be


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run read: the counter in microjoules, whether it moved, and the mean power where that is known."""

    raw: int
    moved: bool
    watts: float | None


class Meter:
    """Follows a zone's counter; outlives the zone, so that its joules never fall within one process.

    Readings on several threads are taken one after the other: one that overtook another would look like a wrap.
    """

    def __init__(self, zone: Zone, *, is_kernels: bool) -> None:
        self.moves = 0
        self.counting_since: float | None = None
        self._counter = WrapCounter(
            zone.maximum,
            zone.max_watts * MICROJOULES,
            peak_rate=zone.peak_watts * MICROJOULES,
            trusted_rate=TRUSTED_WATTS * MICROJOULES,
        )
        self._raw: int | None = None
        self._name = zone.energy_file.name
        self._file = KeptFile(zone.energy_file, is_kernels=is_kernels)
        self._lock = threading.Lock()

    @property
    def alive(self) -> bool:
        """Whether the counter has ever moved: some processors show counters that they do not have."""
        return self.moves > 0

    def latest(self) -> EnergyReading | None:
        """What the last reading that is believed gave; None while the counter has not moved, or without its zone."""
        as_of = self._counter.as_of
        return EnergyReading(self.joules, as_of, self.unknown_gaps) if as_of is not None and self.moves else None

    @property
    def max_watts(self) -> float:
        """The most that the zone has drawn, or may draw for some seconds."""
        return self._counter.most_rate / MICROJOULES

    @property
    def joules(self) -> float:
        """Energy since the first reading."""
        return self._counter.total / MICROJOULES

    @property
    def unknown_gaps(self) -> int:
        """How often the growth between two readings could not be known."""
        return self._counter.unknown_gaps

    def adopt(self, zone: Zone) -> None:
        """Take over what a new scan says about the zone; its file is opened anew, if it still may be."""
        with self._lock:
            self._file.close()
            self._counter.max_rate = zone.max_watts * MICROJOULES
            self._counter.peak_rate = zone.peak_watts * MICROJOULES
            if zone.maximum and zone.maximum != self._counter.maximum:
                self._forget()
                self._counter.maximum = zone.maximum

    def forget(self) -> None:
        """The zone is gone: should it come back, it counts from what it says then."""
        with self._lock:
            self._forget()

    def close(self) -> None:
        """Let go of the zone's file; the next reading opens it again."""
        with self._lock:
            self._file.close()

    def read(self, clock: Clock) -> Reading:
        """Read the zone's counter; raises `OSError` or `ValueError`, and then nothing has changed."""
        with self._lock:
            before = self._raw
            raw, growth = self._take(clock)
            seconds = self._counter.grown_for
        moved = before is not None and raw != before
        return Reading(raw, moved, None if growth is None or seconds <= 0 else growth / MICROJOULES / seconds)

    def measure(self, clock: Clock) -> EnergyReading | None:
        """Read the zone's counter, and say what `latest` would say then.

        A reading that only the next one can confirm is followed by it, so that what was drawn before counts by now.
        """
        with self._lock:
            self._take(clock)
            for _ in range(MOST_REREADS):
                if not self._counter.in_doubt:
                    break
                time.sleep(UPDATE_SECONDS)
                self._take(clock)
            return self.latest()

    def _forget(self) -> None:
        self._counter.forget()
        self._file.close()
        self._raw = None

    def _take(self, clock: Clock) -> tuple[int, float | None]:
        """The counter, and its growth since the last reading that is believed, None if unknown; in microjoules."""
        started = clock.monotonic()
        raw = parse_number(self._file.read(MOST_BYTES), self._name)
        now = (started + clock.monotonic()) / 2
        growth = self._counter.update(raw, now)
        if self.counting_since is None:
            self.counting_since = now
        if self._raw is not None and raw != self._raw:
            self.moves += 1
        self._raw = raw
        return raw, growth
