"""When something that failed may be asked again."""

from __future__ import annotations

import random as chance
from collections.abc import Callable
from math import inf

LONGEST_RETRY_AFTER = 3600.0  # seconds; no refusal is believed for longer, whatever a server says
MOST_DOUBLINGS = 60


class Backoff:
    """Pauses that double: `first` seconds after one failure, twice as long after each further one, up to `longest`.

    `jitter` is the share of each pause that is left to chance, so that many clients spread out: with 0.5 a pause lasts
    half of its length to all of it, with 1 anything from 0 on ("full jitter",
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). `random` returns numbers from 0 to 1.
    `failures` counts those in a row; `retry_at` is when the pause is over, in seconds of the caller's clock.
    """

    def __init__(
        self, first: float, longest: float, *, jitter: float = 0.0, random: Callable[[], float] = chance.random
    ) -> None:
        self.failures = 0
        self.retry_at = -inf
        self._first = first
        self._longest = max(first, longest)
        self._jitter = jitter
        self._random = random

    def due(self, now: float) -> bool:
        """Whether one may ask."""
        return now >= self.retry_at

    def failed(self, now: float, retry_after: float | None = None) -> float:
        """An attempt has failed; returns `retry_at`.

        `retry_after` are the seconds that the other side asks for: no attempt is made earlier, unless it asks for more
        than an hour.
        """
        pause = min(self._first * 2.0 ** min(self.failures, MOST_DOUBLINGS), self._longest)
        pause *= 1 - self._jitter * self._random()
        self.failures += 1
        self.retry_at = now + max(pause, min(retry_after or 0.0, max(LONGEST_RETRY_AFTER, self._longest)))
        return self.retry_at

    def succeeded(self) -> None:
        """An attempt has worked: the next failure is the first one again."""
        self.failures, self.retry_at = 0, -inf
