"""Whether a node has been restarted, or replaced by another one: what only several readings can tell."""

from __future__ import annotations

from collector_plugins.blockchain.answer import ChainId


class NodeIdentity:
    """Counts how often a node came back as another one. What is unknown (0, nothing, None) tells nothing."""

    def __init__(self) -> None:
        self.restarts = 0
        self.chain = ChainId(0, "")
        self._client = ""
        self._process: int | None = None
        self._was_seen = False
        self._was_down = False

    def record_down(self) -> None:
        """Nothing listened at its address."""
        self._was_down = True

    def record(self, chain: ChainId, client: str, process: int | None) -> bool:
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
