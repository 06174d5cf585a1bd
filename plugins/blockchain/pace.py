"""Whether a chain stands still, and whether its node has started anew: what only several looks can tell."""

from __future__ import annotations

from collector_plugins.blockchain.answer import ChainId

SHORTEST_STALL = 60.0  # seconds
STALL_INTERVALS = 10.0  # so many times the usual time from block to block


class Progress:
    """Since when the newest block has been the newest one, by our own clock (monotonic seconds)."""

    def __init__(self) -> None:
        self._head = ""
        self._since = 0.0

    def see(self, head: str, now: float, age: float) -> float:
        """How long, in seconds, the head has stood still; at the first look that is its `age`."""
        if head != self._head:
            self._since = now if self._head else now - age
            self._head = head
        return now - self._since


def stall_after(option: float | None, interval: float | None) -> float:
    """Seconds without a block after which a chain counts as stalled; `interval` is the mean from block to block."""
    return option if option is not None else max(SHORTEST_STALL, STALL_INTERVALS * (interval or 0.0))


class Identity:
    """Counts how often a node came back as another one."""

    def __init__(self) -> None:
        self.restarts = 0
        self._was_down = False
        self._before: tuple[ChainId, str, int | None] | None = None

    def see_down(self) -> None:
        """Nothing listened at its address."""
        self._was_down = True

    def see(self, chain: ChainId, client: str, process: int | None) -> bool:
        """The node answers; returns whether its chain is another one. An unknown process (None) tells nothing."""
        before, self._before = self._before, (chain, client, process)
        was_down, self._was_down = self._was_down, False
        if before is None:
            return False
        other_chain = chain != before[0]
        other_process = None not in (process, before[2]) and process != before[2]
        if was_down or other_chain or other_process or client != before[1]:
            self.restarts += 1
        return other_chain
