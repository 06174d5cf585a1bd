"""Says once what a chain was not counted by: blocks that were skipped, and parents that do not match."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from collector_core import Clock
from collector_plugins.blockchain.chain import Chain

SILENCE = 3600.0  # seconds from one line about skipped blocks to the next


class ChainLog:
    """One line when blocks are skipped, at most one an hour; one line, once, for a chain that is joined by height."""

    def __init__(self, chain: Chain, clock: Clock, write: Callable[[str], None]) -> None:
        self._chain = chain
        self._clock = clock
        self._write = write
        self._skipped = 0
        self._said_at = -inf
        self._said_unlinked = False

    def record(self) -> None:
        """After each look at the node."""
        new, now = self._chain.skipped - self._skipped, self._clock.monotonic()
        if new and now - self._said_at >= SILENCE:
            self._said_at, self._skipped = now, self._chain.skipped
            number = self._chain.tip.number if self._chain.tip else 0
            blocks = "1 block was" if new == 1 else f"{new} blocks were"
            self._write(
                f"{blocks} skipped below block {number}: they could not be read, or were more than `max_blocks`; "
                "their transactions are not counted"
            )
        if self._chain.unlinked and not self._said_unlinked:
            self._said_unlinked = True
            self._write(
                "its blocks do not name the block before by the hash that the node shows it with: they are joined by "
                "their height, and replaced blocks are found by reading them again"
            )
