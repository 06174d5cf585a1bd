"""Joules per transaction: the energy of the machine, as the ledger counts it, by the transactions of a node on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from typing import NamedTuple

from collector_core import EnergyMeter
from collector_core.metering import REST, Ledger, account_of


class MachineEnergy(NamedTuple):
    """Joules so far; two with different `epoch`s cannot be compared, because energy between them is not known."""

    joules: float
    epoch: int


class Machine:
    """Adds up the meters of the machine, or of some of its components, each joule once."""

    def __init__(self, components: Collection[str]) -> None:
        self._components = components
        self._ledger = Ledger()
        self._known: tuple[object, ...] = ()
        self._epoch = 0

    def read_energy(self, meters: Sequence[EnergyMeter], now: float) -> MachineEnergy | None:
        """What the meters know at `now` (monotonic seconds); None where none of them counts, or one is in doubt."""
        self._ledger.update(meters, now)
        chosen = [meter for meter in self._ledger.chosen if self._counts(meter)]
        rest = [REST] if self._ledger.supply and not self._components else []
        accounts = {account: self._ledger.unknown[account] for account in (*map(account_of, chosen), *rest)}
        if not self._ledger.doubted().isdisjoint(accounts):
            return None
        known = tuple(sorted(accounts.items()))
        if known != self._known:
            self._known, self._epoch = known, self._epoch + 1
        joules = self._ledger.joules
        return MachineEnergy(sum(joules[account] for account in accounts), self._epoch) if accounts else None

    def _counts(self, meter: EnergyMeter) -> bool:
        return not self._components or meter.component in self._components


class _Look(NamedTuple):
    time: float
    energy: MachineEnergy
    transactions: float
    unknown: float


class Cost:
    """Energy by transaction of one node, over a window of time (seconds)."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._looks: deque[_Look] = deque()

    def joules_per_transaction(
        self, now: float, energy: MachineEnergy | None, transactions: float | None, unknown: float
    ) -> float | None:
        """Joules per transaction; None while there was no transaction, or where either is not known for the window.

        `transactions` have been counted so far, and `unknown` tells whether some were not: it then differs from before.
        """
        if energy is None or transactions is None:
            self._looks.clear()
            return None
        look = _Look(now, energy, transactions, unknown)
        if self._looks and (self._looks[-1].energy.epoch, self._looks[-1].unknown) != (energy.epoch, unknown):
            self._looks.clear()
        self._looks.append(look)
        while len(self._looks) > 1 and self._looks[1].time <= now - self._window:
            self._looks.popleft()
        first = self._looks[0]
        new = transactions - first.transactions
        return (energy.joules - first.energy.joules) / new if new > 0 else None
