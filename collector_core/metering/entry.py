"""One meter as the ledger follows it: what its readings add, and what of them is believed."""

from __future__ import annotations

from dataclasses import dataclass

from collector_core.metering.meters import EnergyMeter, EnergyReading
from collector_core.model.foreign_counter import ForeignCounter


@dataclass
class MeterEntry:
    """A meter that has counted: its last reading, the last that was believed, and the watts between the last two of
    those; `lapsed` once another stood in."""

    meter: EnergyMeter
    believed: EnergyReading
    watts: float | None = None
    lapsed: bool = False

    def __post_init__(self) -> None:
        self.last = self.believed
        self._earlier: EnergyReading | None = None
        self._counter = ForeignCounter()
        self._counter.record(self.believed.joules, self.believed.time)

    @property
    def in_doubt(self) -> bool:
        """Whether the last reading is not believed yet."""
        return self._counter.in_doubt

    def advance(self, meter: EnergyMeter, reading: EnergyReading) -> tuple[float, int]:
        """Take the next reading; returns the joules that it adds, and how often some were left out."""
        self.meter = meter
        if reading == self.last:
            return 0.0, 0
        self.last, counter = reading, self._counter
        total, gaps = counter.total, counter.unknown_gaps
        counter.max_rate = meter.max_watts
        grown = counter.record(reading.joules, reading.time) - total
        if counter.in_doubt:
            self.watts = None
            return 0.0, 0
        is_told = reading.unknown_gaps != self.believed.unknown_gaps
        is_known = counter.unknown_gaps == gaps
        self._believe(reading, is_known=is_known)
        return grown, counter.unknown_gaps - gaps or int(is_told)

    def _believe(self, reading: EnergyReading, *, is_known: bool) -> None:
        """Learn the power, which is that since an earlier reading where this one takes back the one before."""
        earlier = self._earlier
        if is_known and reading.joules < self.believed.joules:
            if earlier is None or reading.joules < earlier.joules:
                self.watts = None
                return
            self.believed = earlier
        self.watts = reading.watts_since(self.believed) if is_known else None
        self._earlier, self.believed = self.believed, reading
