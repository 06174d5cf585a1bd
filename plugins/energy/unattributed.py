"""The power of the parts of what counts, and what none of them accounts for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from collector_core.metering import Account, Component, EnergyMeter, EnergyReading, account_of, choose


class Parts:
    """Follows meters that do not count because their energy is within another one's."""

    def __init__(self) -> None:
        self._watts: dict[Account, tuple[EnergyReading, float | None]] = {}

    def unattributed(self, meters: Sequence[EnergyMeter], chosen: Sequence[EnergyMeter], watts: float) -> float | None:
        """What is left of `watts`, the power of the `chosen`; None where no part is known, or the parts claim more.

        They may: what virtual machines would draw if they were alone is more than their share.
        """
        parts = list(_parts(meters, chosen))
        self._watts = {account_of(part): self._follow(part, reading) for part in parts if (reading := part.latest())}
        known = [power for _, power in self._watts.values() if power is not None]
        rest = watts - sum(known)
        return rest if known and rest >= 0 else None

    def _follow(self, meter: EnergyMeter, reading: EnergyReading) -> tuple[EnergyReading, float | None]:
        before, power = self._watts.get(account_of(meter), (reading, None))
        return reading, power if reading == before else reading.watts_since(before)


def _parts(meters: Iterable[EnergyMeter], chosen: Sequence[EnergyMeter]) -> Iterator[EnergyMeter]:
    """Guests and the like; or, where a platform counts, the components that it covers."""
    covered = {component for meter in chosen for component in meter.covers}
    if covered:
        yield from (meter for meter in choose(each for each in meters if not each.covers) if meter.component in covered)
    else:
        yield from (meter for meter in meters if meter.inside not in (None, Component.HOST))
