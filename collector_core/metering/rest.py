"""What a machine draws beyond what its components account for, where a meter outside knows the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collector_core.metering.entry import MeterEntry
from collector_core.metering.meters import Account, Component, EnergyMeter, EnergyMethod, EnergyReading, account_of
from collector_core.metering.supply import outermost

REST = Account(Component.HOST, "rest", EnergyMethod.METER)


class Rest:
    """Follows every meter that feeds something, and books what those that count say beyond the components.

    Meters outside are read more seldom than components: what these are ahead is taken from the next growth, so that
    over time the sum is what the meters outside say. It never falls.
    """

    def __init__(self) -> None:
        self.supply: tuple[EnergyMeter, ...] = ()
        self._entries: dict[Account, MeterEntry] = {}
        self._balance = 0.0

    def update(
        self, meters: Sequence[EnergyMeter], fresh: Mapping[EnergyMeter, EnergyReading], within: float
    ) -> float | None:
        """Take what meters say now, and the joules that the components have just counted; returns the rest's joules.

        None where no meter outside is alive that knows the whole.
        """
        grown = {account_of(meter): self._follow(meter, fresh[meter]) for meter in fresh if meter.feeds}
        self._entries = {account: entry for account, entry in self._entries.items() if account in grown}
        self.supply = tuple(outermost(meters, fresh.keys()))
        if not self.supply:
            self._balance = 0.0
            return None
        counted = [grown[account_of(meter)] for meter in self.supply]
        known = [joules for joules in counted if joules is not None]
        if len(known) < len(counted):
            self._balance = 0.0  # a first reading, or a gap: what the components counted meanwhile stays theirs
            return 0.0
        self._balance += sum(known) - within
        rest = max(0.0, self._balance)
        self._balance -= rest
        return rest

    def watts(self, within: float) -> float | None:
        """The rest's power, beside components that draw `within`; None where a meter does not know its own."""
        powers = [self._entries[account_of(meter)].watts for meter in self.supply]
        known = [watts for watts in powers if watts is not None]
        return max(0.0, sum(known) - within) if powers and len(known) == len(powers) else None

    def _follow(self, meter: EnergyMeter, reading: EnergyReading) -> float | None:
        """The joules that are new; None where they are not known."""
        account = account_of(meter)
        entry = self._entries.get(account)
        if entry is None:
            self._entries[account] = MeterEntry(meter, reading)
            return None
        joules, lost = entry.advance(meter, reading)
        return None if lost else joules
