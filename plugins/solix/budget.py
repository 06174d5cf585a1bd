"""How often the cloud may be asked: a budget per endpoint, and backing off from one that refuses."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable
from enum import StrEnum

from collector_core import Clock

LIMIT = 5  # requests per endpoint; the cloud allows 10 to 12
WINDOW = 60.0  # seconds
LOGIN_LIMIT = 2  # logins; more in so short a time could lock the account
LOGIN_WINDOW = 600.0  # seconds

FIRST_BACKOFF = 60.0  # seconds
LONGEST_BACKOFF = 3600.0  # seconds
MAX_ENDPOINTS = 100  # the library knows some 200, of which we use 30


class Result(StrEnum):
    """How a request ended; the words of the label `result`."""

    OK = "ok"
    UNAUTHORIZED = "unauthorized"
    LIMITED = "limited"
    REFUSED = "refused"
    SERVER_ERROR = "server_error"
    HTTP_ERROR = "http_error"
    BAD_DATA = "bad_data"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"


_OVERLOADED = frozenset({Result.LIMITED, Result.SERVER_ERROR, Result.TIMEOUT, Result.UNREACHABLE})


class HeldBack(Exception):
    """A request was not made: the endpoint is left alone for `seconds`."""

    def __init__(self, endpoint: str, seconds: float) -> None:
        self.endpoint = endpoint
        self.seconds = seconds
        super().__init__(f"{endpoint} is left alone for {seconds:.0f} s more")


def spread() -> float:
    """A factor of 0.5 to 1 for a pause, so that many clients do not come back at once."""
    return random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing


class Budget:
    """Counts requests by endpoint and says when the next one may be made.

    `login` is the endpoint with a budget of its own; `spread` gives a factor for each pause.
    """

    def __init__(self, clock: Clock, login: str, spread: Callable[[], float]) -> None:
        self.results: Counter[tuple[str, Result]] = Counter()
        self._clock = clock
        self.login = login
        self._spread = spread
        self._made: dict[str, deque[float]] = {}
        self._failures: Counter[str] = Counter()
        self._retry_at: dict[str, float] = {}

    def claim(self, endpoint: str) -> float:
        """Take one request; returns 0, or how many seconds to wait before claiming again.

        Raises `HeldBack` while the endpoint is backed off from, and for a login over its budget.
        """
        now = self._clock.monotonic()
        pause = self._retry_at.get(endpoint, now) - now
        if pause > 0:
            raise HeldBack(endpoint, pause)
        limit, window = (LOGIN_LIMIT, LOGIN_WINDOW) if endpoint == self.login else (LIMIT, WINDOW)
        made = self._made.setdefault(endpoint, deque())
        while made and now - made[0] >= window:
            made.popleft()
        if len(made) >= limit:
            wait = window - (now - made[0])
            if endpoint == self.login:
                raise HeldBack(endpoint, wait)
            return wait
        made.append(now)
        return 0.0

    def count(self, endpoint: str, result: Result, retry_after: float = 0.0) -> None:
        """Count how a request ended; the cloud may have said after how many seconds to come back."""
        known = any(endpoint == name for name, _ in self.results)
        if known or len({name for name, _ in self.results}) < MAX_ENDPOINTS:
            self.results[endpoint, result] += 1
        if result in _OVERLOADED:
            pause = min(FIRST_BACKOFF * 2.0 ** min(self._failures[endpoint], 30), LONGEST_BACKOFF) * self._spread()
            self._failures[endpoint] += 1
            self._retry_at[endpoint] = self._clock.monotonic() + max(pause, min(retry_after, LONGEST_BACKOFF))
        elif result is Result.OK:
            self._failures.pop(endpoint, None)
            self._retry_at.pop(endpoint, None)
