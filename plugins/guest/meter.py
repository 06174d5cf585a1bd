"""Follows what the host tells, reading by reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from collector_core import Component, EnergyMeter, EnergyReading
from collector_plugins.guest.message import HostReading

METHOD = "host_share"
UNCERTAINTY = 0.1  # of a share by CPU time, beside that of the host's own meter: a rule of thumb, not measured
MOST_WATTS = 100_000.0  # more than any host draws
STALE_INTERVALS = 3
SHORTEST_STALE_SECONDS = 5.0
_DEVICE = "guest"


@dataclass
class ComponentMeter:
    """The energy of one component since the first reading: joules that never fall, and the power of the last growth."""

    joules: float = 0.0
    watts: float | None = None
    unknown_gaps: int = 0
    told: float | None = None

    def record(self, told: float, seconds: float, *, is_same_count: bool) -> None:
        """Take what the host counted `seconds` after the last reading; a count that began anew adds nothing."""
        before, self.told, self.watts = self.told, told, None
        if before is None:
            return
        grown = told - before
        if not is_same_count or not 0 <= grown <= MOST_WATTS * seconds:
            self.unknown_gaps += 1
            return
        self.joules += grown
        self.watts = grown / seconds


class HostMeters:
    """All components; `reading` is the newest that the host told, `None` before the first.

    A reading counts as told when it is seen to differ from the one before: clocks of host and guest are not compared.
    What is seen first may have waited for long in the buffer of a port that nobody read: energy begins with the second
    reading then, so that nothing counts that was drawn before.
    """

    def __init__(self, interval: float) -> None:
        self.components: dict[str, ComponentMeter] = {}
        self.reading: HostReading | None = None
        self._interval = interval
        self._told_at = 0.0
        self._is_begun = False

    def record(self, reading: HostReading, now: float) -> None:
        """Take the newest reading, at `now` (seconds, monotonic)."""
        before = self.reading
        if reading == before:
            return
        if before and not self._is_begun:
            self._is_begun = True
            if self._has_waited(before, reading, now):
                self.components.clear()
        seconds = self._seconds_since(before, reading, now)
        is_same_count = before is not None and before.source == reading.source
        for component, joules in reading.joules.items():
            meter = self.components.setdefault(component, ComponentMeter())
            meter.record(joules, seconds, is_same_count=is_same_count)
        for component in self.components.keys() - reading.joules.keys():
            self.components[component].told = self.components[component].watts = None
        self.reading, self._told_at = reading, now

    def silent_for(self, now: float) -> float | None:
        """Seconds for which the host has told nothing, where that is too long; else None."""
        silence = now - self._told_at
        return silence if silence > self._patience(self.reading) else None

    def forget_power(self) -> None:
        """The host is silent: what it told last is no power of now."""
        for meter in self.components.values():
            meter.watts = None

    def energy_meters(self) -> Iterator[EnergyMeter]:
        """What the ledger counts; energy of the whole machine covers its processors and memory."""
        for component, meter in self.components.items():
            if meter.told is not None and self.reading:
                yield _energy_meter(component, meter, self._told_at, self.reading.interval or self._interval)

    def _patience(self, reading: HostReading | None) -> float:
        told = reading.interval if reading else None
        return max(STALE_INTERVALS * max(told or 0.0, self._interval), SHORTEST_STALE_SECONDS)

    def _has_waited(self, before: HostReading, reading: HostReading, now: float) -> bool:
        """Whether the host told `before` long before it was seen: its clock says more between both than ours does."""
        if before.time is None or reading.time is None:
            return False
        waited = reading.time - before.time - (now - self._told_at)
        return waited > self._patience(reading)

    def _seconds_since(self, before: HostReading | None, reading: HostReading, now: float) -> float:
        """By the host's clock, unless it tells none or has begun anew."""
        if before and before.time is not None and reading.time is not None and reading.time > before.time:
            return reading.time - before.time
        return max(now - self._told_at, 1e-3)


def _energy_meter(component: str, meter: ComponentMeter, told_at: float, period: float) -> EnergyMeter:
    reading = EnergyReading(meter.joules, told_at, meter.unknown_gaps)

    def latest() -> EnergyReading:
        return reading

    covers = frozenset({Component.CPU, Component.DRAM}) if component == Component.HOST else frozenset()
    return EnergyMeter(
        component,
        _DEVICE,
        METHOD,
        UNCERTAINTY,
        period,
        latest,
        read=latest,
        covers=covers,
        of_machine=True,
        max_watts=MOST_WATTS,
    )
