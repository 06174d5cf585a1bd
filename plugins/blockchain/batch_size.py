"""How many calls go into one message and which are left out: learnt from refusals, and forgotten after a while."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from collector_core import Backoff, Clock

LARGEST = 1000
FIRST_PAUSE = 60.0  # seconds until what was refused is tried again
LONGEST_PAUSE = 3600.0


class BatchSize:
    """The most calls for one batch. A refusal lowers it; after a pause, which doubles, the largest is tried again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._limit = LARGEST
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)

    @property
    def most(self) -> int:
        """How many calls to put into the next batch."""
        return LARGEST if self._backoff.due(self._clock.monotonic()) else self._limit

    def refused(self, size: int) -> None:
        """A batch of `size` was refused, or did not come back, although single calls are answered."""
        now = self._clock.monotonic()
        if self._backoff.due(now):
            self._backoff.failed(now)
        self._limit = max(1, min(self._limit, size // 2))

    def accepted(self, size: int) -> None:
        """A batch of `size` was answered."""
        if size > self._limit:
            self._limit = LARGEST
            self._backoff.succeeded()


class Omissions:
    """Calls that a node does not offer, each of which is left out for a while: it may be upgraded."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._backoffs: dict[Hashable, Backoff] = {}

    def has(self, call: Hashable) -> bool:
        """Whether to leave a call out."""
        backoff = self._backoffs.get(call)
        return backoff is not None and not backoff.due(self._clock.monotonic())

    def record(self, refused: Iterable[Hashable]) -> None:
        """These calls were refused."""
        for call in refused:
            self._backoffs.setdefault(call, Backoff(FIRST_PAUSE, LONGEST_PAUSE)).failed(self._clock.monotonic())

    def clear(self) -> None:
        """The node is another one."""
        self._backoffs.clear()
