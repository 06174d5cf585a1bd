"""Who may ask: basic authentication, rate limit and configured headers; write routes need to know their caller."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ipaddress
import json
import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import bcrypt
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from collector_core.errors import ConfigError
from collector_core.web.watch import WebConfigFile
from collector_core.web.webconfig import RateLimit, WebConfig

CACHE_SIZE = 100
"""Results of password checks that are remembered, good and bad ones."""

MAX_WAITING = 64
"""Different passwords that may wait for their check; further ones are refused with 429."""

MAX_PASSWORD_BYTES = 72
"""bcrypt looks at no more than this; longer passwords are refused."""

_DECOY = "$2b${cost}$" + "." * 53
_READS = (hdrs.METH_GET, hdrs.METH_HEAD)
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


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
            return _too_many(config.rate_limit.interval)
        return await self._refusal(config, request) or await handler(request)

    async def _refusal(self, config: WebConfig, request: web.Request) -> web.Response | None:
        if not config.basic_auth_users:
            return None
        credentials = parse_basic(request.headers.get(hdrs.AUTHORIZATION, ""))
        try:
            if credentials and await self._passwords.allows(config.basic_auth_users, *credentials):
                return None
        except TooManyLogins:
            return _too_many(1)
        return web.Response(status=401, text="Unauthorized\n", headers={hdrs.WWW_AUTHENTICATE: "Basic"})

    async def add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._source.last_good().http_server_config.headers)

    async def close(self, _app: web.Application) -> None:
        self._passwords.close()


def _too_many(seconds: float) -> web.Response:
    headers = {hdrs.RETRY_AFTER: str(math.ceil(seconds))}
    return web.Response(status=429, text="Too Many Requests\n", headers=headers)


def require_auth_outside_loopback(source: WebConfigFile | None) -> Middleware:
    """A middleware that answers 403 to writes whose caller is neither authenticated nor a local program.

    A write is any method but GET and HEAD. `source` is what `protect` was given, or None. What a web page of
    another site sends through a local browser is refused, with and without authentication.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in _READS:
            authenticated = source is not None and source.last_good().authenticates
            _require_trust(request, authenticated=authenticated)
        return await handler(request)

    return middleware


def _require_trust(request: web.Request, *, authenticated: bool) -> None:
    if _from_another_site(request):
        raise _forbidden("request of another web site", "send it from a program, or from this service's own page")
    if authenticated:
        return
    if not _is_local(request):
        raise _forbidden(
            "writes from other machines need authentication",
            "set basic_auth_users in the file that web_config names, or send the request from this machine",
        )
    if _from_browser(request) and not _names_this_machine(request.headers.get(hdrs.HOST, "")):
        raise _forbidden("unknown host name", "open the page as http://localhost or by its IP address")


def _forbidden(error: str, fix: str) -> web.HTTPForbidden:
    return web.HTTPForbidden(text=json.dumps({"error": error, "fix": fix}), content_type="application/json")


def _from_browser(request: web.Request) -> bool:
    return hdrs.ORIGIN in request.headers or "Sec-Fetch-Site" in request.headers


def _from_another_site(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return True
    origin = request.headers.get(hdrs.ORIGIN)
    host = request.headers.get(hdrs.HOST, "")
    return origin is not None and origin.partition("://")[2].lower() != host.lower()


def _names_this_machine(host: str) -> bool:
    """Whether no name server was asked for `host`: else a page could have pointed its own name at this machine."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower() == "localhost" or _address(name) is not None


def _is_local(request: web.Request) -> bool:
    """Whether the caller runs on this machine; behind a proxy it does not."""
    if request.remote is None or any(name in request.headers for name in _PROXY_HEADERS):
        return False
    return is_loopback(request.remote)


def is_loopback(peer: str) -> bool:
    """Whether `peer` is a loopback address, IPv4 in IPv6 too, or the name of a unix socket, which may be empty."""
    address = _address(peer)
    mapped = getattr(address, "ipv4_mapped", None)
    return address is None or (mapped or address).is_loopback


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
