"""Who may ask: basic authentication, rate limit and configured headers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import bcrypt
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from collector_core.errors import ConfigError
from collector_core.web.api_error import ApiError
from collector_core.web.error_responses import JSON_PATHS, refused
from collector_core.web.file_reload import WebConfigFile
from collector_core.web.repeats import BODY_OF_REPEATS, RepeatedBody
from collector_core.web.web_config import RateLimit, WebConfig

CACHE_SIZE = 100
"""Results of password checks that are remembered, good and bad ones."""

MAX_WAITING = 64
"""Different passwords that may wait for their check; further ones are refused with 429."""

MAX_PASSWORD_BYTES = 72
"""bcrypt looks at no more than this; longer passwords are refused."""

_CHALLENGE = {"WWW-Authenticate": "Basic"}
_DECOY = "$2b${cost}$" + "." * 53


class TooManyLogins(Exception):
    """More password checks wait than may wait."""


def parse_basic(header: str) -> tuple[bytes, bytes] | None:
    """User and password of an `Authorization` header; None if it is of another scheme or malformed."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
    except ValueError:
        return None
    return (user, password) if colon else None


class PasswordChecker:
    """Checks passwords against bcrypt hashes so that a flood costs one core and a guess tells no user names.

    One check runs at a time, in a thread of its own. Requests with the same credentials share one check, and
    results are remembered; the bad ones are forgotten first, so a flood does not push known users out.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "bcrypt")
        self._known: dict[bytes, bool] = {}
        self._waiting: dict[bytes, asyncio.Future[bool]] = {}

    async def allows(self, users: Mapping[str, str], user: bytes, password: bytes) -> bool:
        """Whether `users` (name to bcrypt hash) has `user` with `password`; raises `TooManyLogins`."""
        if len(password) > MAX_PASSWORD_BYTES:
            return False
        hashed = users.get(user.decode("utf-8", "surrogateescape"))
        matches = await self._matches(user, (hashed or _decoy(users.values())).encode(), password)
        return matches and hashed is not None

    async def _matches(self, user: bytes, hashed: bytes, password: bytes) -> bool:
        key = _digest(user, hashed, password)
        if (known := self._known.get(key)) is not None:
            return known
        check = self._waiting.get(key) or self._start(key, hashed, password)
        # Shielded: when one of several requests goes away, the others still want the result.
        return await asyncio.shield(check)

    def _start(self, key: bytes, hashed: bytes, password: bytes) -> asyncio.Future[bool]:
        if len(self._waiting) >= MAX_WAITING:
            raise TooManyLogins
        check = asyncio.get_running_loop().run_in_executor(self._executor, _check, password, hashed)
        self._waiting[key] = check
        check.add_done_callback(partial(self._remember, key))
        return check

    def _remember(self, key: bytes, check: asyncio.Future[bool]) -> None:
        del self._waiting[key]
        if check.cancelled() or check.exception():
            return
        if len(self._known) >= CACHE_SIZE:
            first = next(iter(self._known))
            del self._known[next((old for old, good in self._known.items() if not good), first)]
        self._known[key] = check.result()

    def close(self) -> None:
        """Give up the checks that wait."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _decoy(hashes: Iterable[str]) -> str:
    """A hash that nothing matches and that costs what the users' hashes cost."""
    return _DECOY.format(cost=statistics.mode(hashed[4:6] for hashed in hashes))


def _check(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password, hashed)
    except ValueError:
        return False


def _digest(*parts: bytes) -> bytes:
    """One key for several byte strings; their lengths keep `ab, c` and `a, bc` apart."""
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


class TokenBucket:
    """Allows `burst` requests at once and one more each `interval` seconds; a burst of 0 allows none."""

    def __init__(self, rule: RateLimit, clock: Callable[[], float] = time.monotonic) -> None:
        self.rule = rule
        self._clock = clock
        self._tokens = float(rule.burst)
        self._filled = clock()

    def allow(self) -> bool:
        """Take a token if there is one; an interval of 0 is no limit."""
        if not self.rule.interval:
            return True
        now = self._clock()
        self._tokens = min(self.rule.burst, self._tokens + (now - self._filled) / self.rule.interval)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def protect(app: web.Application, source: WebConfigFile) -> None:
    """Put `source`'s rate limit, users and headers in front of everything that `app` serves.

    While the file cannot be used every request is answered 500. Call it before the application starts; without
    a web configuration do not call it at all.
    """
    gate = _Gate(source)
    app.middlewares.insert(0, gate.middleware)
    app.on_response_prepare.append(gate.add_headers)
    app.on_cleanup.append(gate.close)


class _Gate:
    def __init__(self, source: WebConfigFile) -> None:
        self._source = source
        self._passwords = PasswordChecker()
        self._bucket = TokenBucket(source.last_good().rate_limit)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            config = self._source.current()
        except ConfigError:
            return web.Response(status=500, text="the web configuration is not valid; see the log\n")
        if config.rate_limit != self._bucket.rule:
            self._bucket = TokenBucket(config.rate_limit)
        if not self._bucket.allow():
            return _too_many(request, config.rate_limit.interval)
        refusal = await self._refusal(config, request)
        if refusal is not None:
            return refusal
        response = await handler(request)
        if (body := request.get(BODY_OF_REPEATS)) is not None:
            request[BODY_OF_REPEATS] = partial(self._body_if_admitted, config, body)
        return response

    def _body_if_admitted(self, config: WebConfig, body: RepeatedBody) -> bytes | None:
        """The body for who was admitted by `config`, as long as that is in force and the rate limit lets it pass."""
        try:
            if self._source.current() is not config:
                return None
        except ConfigError:
            return None
        made = body()
        return made if made is not None and self._bucket.allow() else None

    async def _refusal(self, config: WebConfig, request: web.Request) -> web.Response | None:
        if not config.basic_auth_users:
            return None
        credentials = parse_basic(request.headers.get(hdrs.AUTHORIZATION, ""))
        try:
            if credentials and await self._passwords.allows(config.basic_auth_users, *credentials):
                return None
        except TooManyLogins:
            return _too_many(request, 1)
        fix = "send a user of basic_auth_users with its password"
        return _refused(
            request,
            "Unauthorized",
            ApiError(401, "wrong user or password", field="Authorization", fix=fix, headers=_CHALLENGE),
        )

    async def add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._source.last_good().http_server_config.headers)

    async def close(self, _app: web.Application) -> None:
        self._passwords.close()


def _too_many(request: web.Request, seconds: float) -> web.Response:
    wait = str(math.ceil(seconds))
    error = ApiError(
        429, "too many requests", field="request", fix=f"ask again in {wait} s", headers={"Retry-After": wait}
    )
    return _refused(request, "Too Many Requests", error)


def _refused(request: web.Request, text: str, refusal: ApiError) -> web.Response:
    """A refusal in JSON where the path is one of ours, else as Prometheus words it."""
    if request.path.startswith(JSON_PATHS):
        return refused(refusal)
    return web.Response(status=refusal.status, text=f"{text}\n", headers=refusal.headers)
