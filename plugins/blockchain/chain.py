"""The newest blocks of the canonical chain as one node shows it, and what has been counted on it. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from collector_plugins.blockchain.block import Block
from collector_plugins.blockchain.totals import Totals

KEPT_BLOCKS = 64  # at least so many stay known, if they were seen: reorganisations go back no further
MOST_BLOCKS = 4096


class Chain:
    """Consecutive blocks, the newest last.

    Transactions count if their block is above the height at which counting began: `totals` are of the canonical
    chain, and stand still, instead of falling, while replaced blocks held more than those that replace them.
    """

    def __init__(self) -> None:
        self.totals = Totals()
        self.reorganizations = 0
        self.replaced = 0
        self.resets = 0
        self.skipped = 0
        self._blocks: list[Block] = []
        self._start = 0

    @property
    def blocks(self) -> Sequence[Block]:
        """What is known, by height."""
        return self._blocks

    @property
    def tip(self) -> Block | None:
        """The newest block."""
        return self._blocks[-1] if self._blocks else None

    def at(self, number: int) -> Block | None:
        """The block of a height, if it is known."""
        index = number - self._blocks[0].number if self._blocks else -1
        return self._blocks[index] if 0 <= index < len(self._blocks) else None

    def knows(self, block: Block) -> bool:
        """Whether the block is part of the chain."""
        known = self.at(block.number)
        return known is not None and known.hash == block.hash

    def begin(self, head: Block) -> None:
        """Count from above this block; what was counted before stays."""
        self.totals.settle()
        self._blocks = [head]
        self._start = head.number

    def begin_anew(self, head: Block) -> None:
        """The node shows another chain."""
        self.resets += 1
        self.begin(head)

    def replace_all(self, head: Block) -> None:
        """All known blocks were replaced, and maybe more."""
        self.reorganizations += 1
        self.replaced += len(self._blocks)
        self.begin(head)

    def append(self, block: Block) -> None:
        """The next block; raises `ValueError` where it does not follow the tip."""
        if self.tip is None or (block.number, block.parent) != (self.tip.number + 1, self.tip.hash):
            raise ValueError(f"block {block.number} does not follow")
        self._blocks.append(block)
        if block.number > self._start:
            self.totals.add(block)

    def prepend(self, block: Block) -> bool:
        """An older block, which counts nothing; returns whether it is the parent of the oldest known one."""
        oldest = self._blocks[0]
        fits = (block.number + 1, block.hash) == (oldest.number, oldest.parent)
        if fits:
            self._blocks.insert(0, block)
        return fits

    def rewind(self, number: int) -> None:
        """Take out the blocks above a height: they were replaced."""
        gone = [block for block in self._blocks if block.number > number]
        if not gone:
            return
        self.reorganizations += 1
        self.replaced += len(gone)
        del self._blocks[-len(gone) :]
        for block in gone:
            if block.number > self._start:
                self.totals.add(block, -1)

    def jump(self, block: Block) -> None:
        """Go on with a block further up; those in between are skipped, and so is whether any was replaced."""
        assert self.tip is not None  # noqa: S101 - a chain begins before it goes on
        self.skipped += block.number - self.tip.number - 1
        self.totals.settle()
        self._blocks = [block]
        self.totals.add(block)

    def forget(self, before: int) -> None:
        """Drop blocks that are older than a time (seconds since 1970), but never those that may yet be replaced."""
        spare = max(0, len(self._blocks) - KEPT_BLOCKS)
        old = next((index for index in range(spare) if self._blocks[index + 1].timestamp > before), spare)
        del self._blocks[: max(old, len(self._blocks) - MOST_BLOCKS)]
