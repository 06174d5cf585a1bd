"""Counters over a chain whose newest blocks may be replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from collector_plugins.blockchain.block import Block


@dataclass
class HighWater:
    """The highest that a count has been: it stands still while blocks that replace others bring less than those."""

    shown: int = 0
    _now: int = 0

    def add(self, number: int) -> None:
        """Count more, or less (negative) when blocks go."""
        self._now += number
        self.shown = max(self.shown, self._now)

    def settle(self) -> None:
        """Count on from what is shown: what was counted before can no longer be replaced."""
        self._now = self.shown


@dataclass
class Totals:
    """What the blocks since the start hold, in sum."""

    transactions: HighWater = field(default_factory=HighWater)
    gas: HighWater = field(default_factory=HighWater)
    _calls: dict[str, HighWater] = field(default_factory=lambda: defaultdict(HighWater))

    @property
    def calls(self) -> Mapping[str, int]:
        """Transactions by the function that they call."""
        return {function: count.shown for function, count in self._calls.items()}

    def add(self, block: Block, sign: int = 1) -> None:
        """Count a block, or take it out again (`sign=-1`)."""
        self.transactions.add(sign * block.transactions)
        self.gas.add(sign * (block.gas or 0))
        for function, number in (block.calls or {}).items():
            self._calls[function].add(sign * number)

    def settle(self) -> None:
        """Nothing of what was counted so far will be taken out."""
        for count in (self.transactions, self.gas, *self._calls.values()):
            count.settle()
