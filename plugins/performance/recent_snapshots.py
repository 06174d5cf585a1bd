"""The snapshots that are kept in memory; bounded."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, NamedTuple


class Kept(NamedTuple):
    """One snapshot as JSON, a fifth of the size of its objects, and when it was taken (seconds since 1970)."""

    time: float
    text: bytes

    def parsed(self) -> dict[str, Any]:
        """The snapshot as an object again."""
        snapshot: dict[str, Any] = json.loads(self.text)
        return snapshot


class RecentSnapshots:
    """The snapshots of the last `retention` seconds of running time, at most `limit`; or the newest one alone."""

    def __init__(self, retention: float, limit: int) -> None:
        self._retention = retention
        self._kept: deque[tuple[float, Kept]] = deque(maxlen=limit)

    def add(self, snapshot: dict[str, Any], time: float, now: float, *, is_alone: bool = False) -> None:
        """Keep a snapshot, and with `is_alone` no other; `time` in seconds since 1970, `now` in monotonic seconds."""
        while self._kept and (is_alone or self._kept[0][0] <= now - self._retention):
            self._kept.popleft()
        self._kept.append((now, Kept(time, json.dumps(snapshot, separators=(",", ":")).encode())))

    def all(self) -> tuple[Kept, ...]:
        """Everything that is kept, the oldest first."""
        return tuple(kept for _, kept in self._kept)
