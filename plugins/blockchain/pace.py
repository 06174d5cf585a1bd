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
    """Counts how often a node came back as another one. What is unknown (0, nothing, None) tells nothing."""

    def __init__(self) -> None:
        self.restarts = 0
        self.chain = ChainId(0, "")
        self._client = ""
        self._process: int | None = None
        self._was_seen = False
        self._was_down = False

    def see_down(self) -> None:
        """Nothing listened at its address."""
        self._was_down = True

    def see(self, chain: ChainId, client: str, process: int | None) -> bool:
        """The node answers; returns whether its chain is another one."""
        is_other_chain = any(map(_differ, self.chain, chain))
        is_other_program = _differ(self._client, client) or _differ(self._process, process)
        self.restarts += is_other_chain or is_other_program or (self._was_seen and self._was_down)
        self.chain = ChainId(chain.number or self.chain.number, chain.genesis or self.chain.genesis)
        self._client, self._process = client or self._client, process or self._process
        self._was_seen, self._was_down = True, False
        return is_other_chain


def _differ(before: object, now: object) -> bool:
    return bool(before and now and before != now)
