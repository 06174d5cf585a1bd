"""The newest blocks of the canonical chain as one node shows it, and what has been counted on it. No I/O."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from collector_plugins.blockchain.block import Block
from collector_plugins.blockchain.totals import Totals

KEPT_BLOCKS = 64  # at least so many stay known, if they were seen: reorganisations go back no further
MOST_BLOCKS = 4096


class Chain:
    """Blocks by height, the newest last. Heights that are missing between them have no block: rounds may be empty.

    Transactions count if their block is above the height at which counting began: `totals` are of the canonical
    chain, and stand still, instead of falling, while replaced blocks held more than those that replace them.
    """

    def __init__(self) -> None:
        self.totals = Totals()
        self.reorganizations = 0
        self.replaced = 0
        self.resets = 0
        self.skipped = 0
        self.empty_heights = 0
        self.unlinked = 0
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
        index = bisect_left(self._blocks, number, key=lambda block: block.number)
        found = self._blocks[index] if index < len(self._blocks) else None
        return found if found and found.number == number else None

    def find(self, digest: str) -> Block | None:
        """The block of a hash, if it is known."""
        return next((block for block in reversed(self._blocks) if block.hash == digest), None)

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

    def is_linked(self, block: Block) -> bool:
        """Whether the block names the tip as its parent; heights in between are empty then."""
        return self.tip is not None and block.number > self.tip.number and block.parent == self.tip.hash

    def append(self, block: Block) -> None:
        """The next block. Raises `ValueError` for one that neither names the tip as its parent nor is one higher."""
        if self.is_linked(block):
            self.empty_heights += block.number - self._blocks[-1].number - 1
        elif self.tip and block.number == self.tip.number + 1:
            self.unlinked += 1
        else:
            raise ValueError(f"block {block.number} does not follow")
        self._blocks.append(block)
        if block.number > self._start:
            self.totals.add(block)

    def is_parent_of_oldest(self, block: Block) -> bool:
        """Whether the oldest block that is known names this one as its parent."""
        return block.number < self._blocks[0].number and block.hash == self._blocks[0].parent

    def prepend(self, block: Block) -> None:
        """An older block, which counts nothing; raises `ValueError` for one that is not older."""
        if block.number >= self._blocks[0].number:
            raise ValueError(f"block {block.number} is not older")
        self._blocks.insert(0, block)

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

    def forget(self, before: float) -> None:
        """Drop blocks that are older than a time (seconds since 1970), but never those that may yet be replaced."""
        spare = max(0, len(self._blocks) - KEPT_BLOCKS)
        old = next((index for index in range(spare) if (self._blocks[index + 1].timestamp or 0) > before), spare)
        del self._blocks[: max(old, len(self._blocks) - MOST_BLOCKS)]
