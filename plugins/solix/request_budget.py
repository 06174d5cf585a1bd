"""How often the cloud may be asked: a budget for each endpoint, and backoff from one that is overloaded."""

from __future__ import annotations

import random as chance
from collections import Counter, deque
from collections.abc import Callable
from enum import StrEnum

from collector_core import Backoff, Clock

LIMIT = 5  # requests per endpoint; the cloud allows 10 to 12
WINDOW = 60.0  # seconds
LOGIN_LIMIT = 2  # logins; more in so short a time could lock the account
LOGIN_WINDOW = 600.0  # seconds

FIRST_BACKOFF = 60.0  # seconds
LONGEST_BACKOFF = 3600.0  # seconds
MAX_ENDPOINTS = 100  # the library knows some 200, of which we use 30


class RequestResult(StrEnum):
    """How a request ended; the values of the label `result`."""

    OK = "ok"
    UNAUTHORIZED = "unauthorized"
    LIMITED = "limited"
    REFUSED = "refused"
    SERVER_ERROR = "server_error"
    HTTP_ERROR = "http_error"
    BAD_DATA = "bad_data"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"


_OVERLOADED = frozenset(
    {RequestResult.LIMITED, RequestResult.SERVER_ERROR, RequestResult.TIMEOUT, RequestResult.UNREACHABLE}
)


class HeldBack(Exception):
    """A request was not sent: the endpoint is not asked again for `seconds`."""

    def __init__(self, endpoint: str, seconds: float) -> None:
        self.endpoint = endpoint
        self.seconds = seconds
        super().__init__(f"{endpoint} is not asked again for {seconds:.0f} s")


class RequestBudget:
    """Counts requests by endpoint and says when the next one may be sent.

    `login` is the endpoint that has a budget of its own. Half of each pause is left to `random`, which returns numbers
    from 0 to 1.
    """

    def __init__(self, clock: Clock, login: str, random: Callable[[], float] = chance.random) -> None:
        self.results: Counter[tuple[str, RequestResult]] = Counter()
        self.login = login
        self._clock = clock
        self._random = random
        self._sent: dict[str, deque[float]] = {}
        self._backoffs: dict[str, Backoff] = {}

    def claim_request(self, endpoint: str) -> float:
        """Claim one request; returns 0, or how many seconds to wait before claiming again.

        Raises `HeldBack` while the endpoint is backed off from, and for a login over its budget.
        """
        now = self._clock.monotonic()
        backoff = self._backoffs.get(endpoint)
        if backoff and not backoff.due(now):
            raise HeldBack(endpoint, backoff.retry_at - now)
        limit, window = (LOGIN_LIMIT, LOGIN_WINDOW) if endpoint == self.login else (LIMIT, WINDOW)
        sent = self._sent.setdefault(endpoint, deque())
        while sent and now - sent[0] >= window:
            sent.popleft()
        if len(sent) >= limit:
            wait = window - (now - sent[0])
            if endpoint == self.login:
                raise HeldBack(endpoint, wait)
            return wait
        sent.append(now)
        return 0.0

    def record_result(self, endpoint: str, result: RequestResult, retry_after: float = 0.0) -> None:
        """Record how a request ended; `retry_after` are the seconds that the cloud asked for."""
        self._count_result(endpoint, result)
        if result in _OVERLOADED:
            self._backoff_of(endpoint).failed(self._clock.monotonic(), retry_after)
        elif result is RequestResult.OK:
            self._backoffs.pop(endpoint, None)

    def _count_result(self, endpoint: str, result: RequestResult) -> None:
        counted = {name for name, _ in self.results}
        if endpoint in counted or len(counted) < MAX_ENDPOINTS:
            self.results[endpoint, result] += 1

    def _backoff_of(self, endpoint: str) -> Backoff:
        if endpoint not in self._backoffs:
            self._backoffs[endpoint] = Backoff(FIRST_BACKOFF, LONGEST_BACKOFF, jitter=0.5, random=self._random)
        return self._backoffs[endpoint]
