"""The power of meters and counters, whether they count in the ledger or not: joules between two readings."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from collector_core import EnergyMeter, EnergyReading
from collector_core.metering import Account, account_of

FORGET_SECONDS = 120.0


class MeterWatts:
    """Follows meters from run to run; a power stays until the next reading tells another."""

    def __init__(self) -> None:
        self._watts: dict[Account, tuple[EnergyReading, float | None]] = {}

    def update(self, meters: Iterable[EnergyMeter]) -> dict[Account, float]:
        """Watts of those meters that know something now."""
        readings = {account_of(meter): reading for meter in meters if (reading := meter.latest())}
        self._watts = {account: self._follow(account, reading) for account, reading in readings.items()}
        return {account: watts for account, (_, watts) in self._watts.items() if watts is not None}

    def _follow(self, account: Account, reading: EnergyReading) -> tuple[EnergyReading, float | None]:
        before, watts = self._watts.get(account, (reading, None))
        return (reading, watts) if reading == before else (reading, reading.watts_since(before))


class CounterWatts:
    """Follows published counters of joules, which say no time of their own: that of the look that found them grown."""

    def __init__(self) -> None:
        self._last: dict[Hashable, tuple[float, float, float | None]] = {}

    def update(self, key: Hashable, joules: float, now: float) -> float | None:
        """Watts of a counter, None while they are not known."""
        before, since, watts = self._last.get(key, (joules, now, None))
        if joules != before and now > since:
            watts = (joules - before) / (now - since) if joules > before else None
            self._last[key] = joules, now, watts
        elif key not in self._last:
            self._last[key] = joules, now, None
        elif now - since > FORGET_SECONDS:
            watts = 0.0 if watts is not None else None
        return watts

    def keep(self, keys: set[Hashable]) -> None:
        """Forget what is not there any more."""
        self._last = {key: value for key, value in self._last.items() if key in keys}
