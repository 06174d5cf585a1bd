"""Keeps a `Chain` up with its node: what is missing is read, what was replaced is taken back, all of it bounded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from collector_plugins.blockchain.block import Block
from collector_plugins.blockchain.chain import KEPT_BLOCKS, Chain

BATCH = 10  # blocks in one request
ATTEMPTS = 3  # a chain that changes while it is read is left to the next run

Fetch = Callable[[Sequence[int]], Awaitable[Sequence[Block | None]]]


class Follower:
    """Follows one node. The chain is whole after each request, so that a run that is cut off loses nothing."""

    def __init__(self, chain: Chain, fetch: Fetch, window: float, max_blocks: int) -> None:
        self._chain = chain
        self._fetch = fetch
        self._window = window
        self._max_blocks = max_blocks

    async def follow(self, head: Block) -> None:
        """Get to `head`, the newest block that the node has."""
        if self._chain.tip is None:
            self._chain.begin(await self._whole(head))
        await self._skip_to(head)
        for _ in range(ATTEMPTS):
            if self._chain.knows(head) or await self._catch_up(head):
                break
            if not await self._take_back(head):
                break
        await self._fill()
        self._chain.forget(self._tip.timestamp - int(self._window))

    async def begin_anew(self, head: Block) -> None:
        """The node has another chain now."""
        self._chain.begin_anew(await self._whole(head))

    async def _whole(self, head: Block) -> Block:
        """The block with its transactions; without them where the node no longer has it."""
        (block,) = await self._fetch([head.number])
        return block or head

    @property
    def _tip(self) -> Block:
        assert self._chain.tip is not None  # noqa: S101 - `follow` has begun it
        return self._chain.tip

    async def _skip_to(self, head: Block) -> None:
        """Where more blocks are missing than may be read, go on with the newest of them."""
        if head.number - self._tip.number > self._max_blocks:
            (block,) = await self._fetch([head.number - self._max_blocks + 1])
            if block and block.number > self._tip.number:
                self._chain.jump(block)

    async def _catch_up(self, head: Block) -> bool:
        """Append what is missing; returns False where the blocks no longer join."""
        while (tip := self._tip).number < head.number:
            numbers = range(tip.number + 1, min(tip.number + BATCH, head.number) + 1)
            for block in await self._fetch(numbers):
                if block is None:
                    return True  # a node behind a balancer that has not got it: the next run asks again
                if block.parent != self._tip.hash:
                    return False
                self._chain.append(block)
        return self._chain.knows(head)

    async def _take_back(self, head: Block) -> bool:
        """Go back to the last block in common; returns whether there is anything to append from there."""
        top = min(self._tip.number, head.number)
        lowest = max(self._chain.blocks[0].number, top - KEPT_BLOCKS)
        for upper in range(top, lowest - 1, -BATCH):
            for block in await self._fetch(range(upper, max(upper - BATCH, lowest - 1), -1)):
                if block is None:
                    return False
                if self._chain.knows(block):
                    self._chain.rewind(block.number)
                    return True
        if head.number < self._chain.blocks[0].number:
            await self.begin_anew(head)
        else:
            self._chain.replace_all(await self._whole(head))
        return False

    async def _fill(self) -> None:
        """Read older blocks until the window is covered."""
        while self._needs_older():
            oldest = self._chain.blocks[0].number
            for block in await self._fetch(range(oldest - 1, max(oldest - 1 - BATCH, -1), -1)):
                if block is None or not self._chain.prepend(block):
                    return
                if not self._needs_older():
                    return

    def _needs_older(self) -> bool:
        blocks = self._chain.blocks
        covered = blocks[0].timestamp <= self._tip.timestamp - self._window
        return not covered and blocks[0].number > 0 and len(blocks) < self._max_blocks
