"""Keeps a `Chain` up with its node: what is missing is read, what was replaced is taken back, all of it bounded.

Nothing that a node cannot show stops what comes after it. A height without a block is empty where a later block names
the block before it as its parent; a block that stays unreadable is skipped; and where the blocks of a node never name
their parents by the hashes that it shows them with, they are joined by their height.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from collector_plugins.blockchain.block import Block
from collector_plugins.blockchain.chain import KEPT_BLOCKS, Chain

BATCH = 10  # blocks in one request
ATTEMPTS = 3  # a chain that changes while it is read is left to the next run
PATIENCE = 3  # runs in which a block that is missing is asked for, before it is skipped

# None for a block that the node does not have, or that cannot be read.
Fetch = Callable[[Sequence[int]], Awaitable[Sequence[Block | None]]]


class Follower:
    """Follows one node. The chain is whole after each request, so that a run that is cut off loses nothing."""

    def __init__(self, chain: Chain, fetch: Fetch, window: float, max_blocks: int) -> None:
        self._chain = chain
        self._fetch = fetch
        self._window = window
        self._max_blocks = max_blocks
        self._doubts = 0  # so many blocks must name their parents rightly, before parents are believed again
        self._stuck_at = ""  # the tip behind which blocks are missing
        self._stuck_runs = 0

    async def follow(self, head: Block) -> None:
        """Get to `head`, the newest block that the node has."""
        if self._chain.tip is None:
            self._chain.begin(await self._whole(head))
        await self._skip_to(head)
        stranger = await self._advance(head)
        if self._is_stuck(head):
            self._chain.jump(stranger or head)
            await self._advance(head)
        await self._fill()
        self._chain.forget((self._tip.timestamp or 0.0) - self._window)

    async def begin_anew(self, head: Block) -> None:
        """The node has another chain now."""
        self._chain.begin_anew(await self._whole(head))

    async def _whole(self, head: Block) -> Block:
        """The block with its transactions; without them where the node no longer has it."""
        (block,) = await self._fetch([head.number])
        return block or head

    @property
    def _joins_by_height(self) -> bool:
        return self._doubts > 0

    @property
    def _tip(self) -> Block:
        assert self._chain.tip is not None  # noqa: S101 - `follow` has begun it
        return self._chain.tip

    async def _skip_to(self, head: Block) -> None:
        """Where more blocks are missing than may be read, go on with the newest of them."""
        if head.number - self._tip.number <= self._max_blocks:
            return None
        first = head.number - self._max_blocks + 1
        for numbers in ([first], *_batches(range(first + 1, head.number + 1))):
            for block in filter(None, await self._fetch(numbers)):
                return self._chain.jump(block)
        return self._chain.jump(head)

    async def _advance(self, head: Block) -> Block | None:
        """Append what can be appended; returns the first block that cannot, because one before it is missing."""
        stranger = None
        for _ in range(ATTEMPTS):
            stranger = await self._catch_up(head)
            if stranger is None or not await self._reconcile(stranger, head):
                break
        return stranger if stranger and stranger.number > self._tip.number else None

    async def _catch_up(self, head: Block) -> Block | None:
        """Append what is missing; returns the first block that does not join."""
        if head.number <= self._tip.number:
            return None if self._chain.knows(head) else head
        first = self._tip.number + (0 if self._joins_by_height else 1)  # without parents, the tip itself is looked at
        for numbers in _batches(range(first, head.number + 1)):
            for block in filter(None, await self._fetch(numbers)):
                if not self._joins(block):
                    return block
        return None

    def _joins(self, block: Block) -> bool:
        """Append a block, if it is the next one."""
        if block.number == self._tip.number:
            return block.hash == self._tip.hash
        linked = self._chain.is_linked(block)
        if not linked and not (self._joins_by_height and block.number == self._tip.number + 1):
            return False
        self._doubts = max(0, self._doubts - 1) if linked else KEPT_BLOCKS
        self._chain.append(block)
        return True

    async def _reconcile(self, stranger: Block, head: Block) -> bool:
        """Go back to the last block in common; returns whether to try again to append what comes after it."""
        parent = self._chain.find(stranger.parent)
        if parent and parent.number < self._tip.number < stranger.number:
            self._chain.rewind(parent.number)
            return True
        heights = self._replaceable(head.number)
        for numbers in (heights[:1], *_batches(heights[1:])):  # mostly, the newest one is still there
            for block in await self._fetch(numbers):
                if block is None:
                    return False  # a node behind a balancer that has not got it: the next run asks again
                if self._chain.knows(block):
                    return await self._go_on_from(block, stranger)
        if head.number < self._chain.blocks[0].number:
            await self.begin_anew(head)
        else:
            self._chain.replace_all(await self._whole(head))
        return False

    def _replaceable(self, top: int) -> list[int]:
        """The heights of blocks that may have been replaced, from the newest one down."""
        upper = min(self._tip.number, top)
        numbers = (block.number for block in reversed(self._chain.blocks))
        return [number for number in numbers if upper - KEPT_BLOCKS <= number <= upper]

    async def _go_on_from(self, common: Block, stranger: Block) -> bool:
        """The node still has `common`; if that is the tip, nothing was replaced and the stranger's parent is wrong."""
        if common.number < self._tip.number:
            self._chain.rewind(common.number)
            return True
        if stranger.number != common.number + 1:
            return False  # one in between is missing
        (again,) = await self._fetch([stranger.number])
        self._doubts = KEPT_BLOCKS if again == stranger else 0
        return again is not None

    def _is_stuck(self, head: Block) -> bool:
        """Whether blocks behind the tip have been missing for so long that it is time to go on without them."""
        if self._tip.number >= head.number:
            self._stuck_at = ""
            return False
        self._stuck_runs = self._stuck_runs + 1 if self._stuck_at == self._tip.hash else 1
        self._stuck_at = self._tip.hash
        return self._stuck_runs >= PATIENCE

    async def _fill(self) -> None:
        """Read older blocks until the window is covered."""
        while self._needs_older():
            oldest = self._chain.blocks[0].number
            found = await self._fetch(range(oldest - 1, max(oldest - 1 - BATCH, -1), -1))
            if not any(found):
                return
            for block in filter(None, found):
                if not await self._precedes(block):
                    return
                self._chain.prepend(block)
                if not self._needs_older():
                    return

    async def _precedes(self, block: Block) -> bool:
        """Whether a block is the one before the oldest that is known, by its hash or, failing that, its height."""
        oldest = self._chain.blocks[0]
        if self._chain.is_parent_of_oldest(block):
            return True
        if block.number != oldest.number - 1:
            return False
        if not self._joins_by_height:
            (again,) = await self._fetch([oldest.number])
            self._doubts = KEPT_BLOCKS if again and again.hash == oldest.hash else 0
        return self._joins_by_height

    def _needs_older(self) -> bool:
        blocks = self._chain.blocks
        oldest, newest = blocks[0].timestamp, self._tip.timestamp
        covered = oldest is None or newest is None or oldest <= newest - self._window
        return not covered and blocks[0].number > 0 and len(blocks) < self._max_blocks


def _batches(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    return (numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH))
