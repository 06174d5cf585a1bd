"""The one HTTP client: asks where it is told to and nowhere else, within a deadline and a size."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, Unpack
from urllib.parse import urljoin, urlsplit

from pydantic import SecretStr

from collector_core.errors import NotAvailable, Reason
from collector_core.http import failures
from collector_core.http.answer import HttpAnswer

if TYPE_CHECKING:
    import aiohttp

    from collector_core.http.websocket import WebSocket

Text = str | SecretStr  # addresses and headers may hold keys

MAX_BYTES = 1 << 20
MAX_HEADER_BYTES = 16 << 10
MAX_REDIRECTS = 5
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
AGENT = "energy-collector"


class RequestOptions(TypedDict, total=False):
    """How to ask. `timeout` is in seconds, `limit` in bytes of the answer's body (1 MiB); `limit_fix` says what helps
    where an answer is longer, such as the option to raise.

    Compressed answers are refused, but for those in the encoding that a header `Accept-Encoding` asks for: they are
    handed over as they are.

    `token` is sent as a bearer token, `login` (user and password) as basic authentication, or with `digest` as digest
    authentication (RFC 7616), where the server asks for it. With `redirects`, a GET
    follows those to the same host and port, and from there to https. `repeatable` says that sending twice does no harm:
    a POST then goes over a kept connection, and once more where the server had just closed it, as a GET always does.
    With `discard`, a good answer's body is not read. `feed` is given a good answer's body in pieces, as they come; none
    of it is then kept. `socket` is the path of a unix socket to connect to, whatever the address says; `ca_file` holds
    the certificates that the server's is verified with, instead of the system's; `verify=False` takes any, for devices
    that made theirs themselves.
    """

    headers: Mapping[str, Text]
    token: Text | None
    login: tuple[str, Text] | None
    digest: bool
    timeout: float | None
    limit: int
    limit_fix: str
    redirects: bool
    repeatable: bool
    discard: bool
    feed: Callable[[bytes], object]
    socket: str | None
    ca_file: str | None
    verify: bool


class _Session(NamedTuple):
    """What requests over the same connections have in common."""

    keep: bool
    socket: str | None = None
    ca_file: str | None = None
    verify: bool = True


class HttpClient:
    """Keeps connections between requests; belongs to the event loop that uses it first.

    `timeout` are the seconds that a whole request may take, unless a call says otherwise: a body that drips, too.
    Certificates are verified unless a call says otherwise. Proxies and `.netrc` of the environment are ignored, cookies
    forgotten.

    Every method raises `AuthFailed` for 401, 403 and 407, `HttpStatusError` for other statuses than 2xx, and
    `NotAvailable` for everything else that is no answer. Their reasons are `not_found` for 404 and 410, `not_supported`
    for 405 and 501, `timeout`, `unreachable` for other 5xx, 429 and connections that fail, `bad_data` for redirects,
    other 4xx and bodies that cannot be used. Texts name host and port only.
    """

    def __init__(self, timeout: float = 5.0) -> None:
        self._timeout = timeout
        self._sessions: dict[_Session, aiohttp.ClientSession] = {}
        self._lent: list[aiohttp.ClientSession] = []
        self._digests: dict[tuple[str, str, str], aiohttp.DigestAuthMiddleware] = {}

    async def get_json(self, url: Text, **options: Unpack[RequestOptions]) -> Any:
        """What is at `url`, decoded."""
        return (await self.request("GET", url, **_with_header("Accept", "application/json", options))).json()

    async def get_text(self, url: Text, **options: Unpack[RequestOptions]) -> str:
        """What is at `url`, in UTF-8."""
        return (await self.request("GET", url, **_with_header("Accept", "text/plain", options))).text()

    async def post_json(self, url: Text, value: object, **options: Unpack[RequestOptions]) -> HttpAnswer:
        """Post a value as JSON; bytes are taken as JSON that is written already."""
        body = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
        return await self.request("POST", url, body, **_with_header("Content-Type", "application/json", options))

    async def request(
        self, method: str, url: Text, body: bytes | None = None, **options: Unpack[RequestOptions]
    ) -> HttpAnswer:
        """Make any request."""
        import asyncio  # noqa: PLC0415 - who only imports the framework does without

        import aiohttp  # noqa: PLC0415 - heavy, only where something is asked

        address, seconds = _plain(url), options.get("timeout") or self._timeout
        where = failures.place(address)
        try:
            async with asyncio.timeout(seconds):
                answer = await self._follow(method, address, body, options)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise failures.of_error(where, error, seconds) from None
        if not 200 <= answer.status < 300:
            raise failures.of_status(where, answer.status, answer.headers, time.time())
        return answer

    async def websocket(self, url: Text, **options: Unpack[RequestOptions]) -> WebSocket:
        """Connect to `ws://` or `wss://`; messages longer than the limit are refused."""
        import asyncio  # noqa: PLC0415

        import aiohttp  # noqa: PLC0415

        from collector_core.http.websocket import WebSocket  # noqa: PLC0415

        address, seconds = _plain(url), options.get("timeout") or self._timeout
        where = failures.place(address)
        try:
            async with asyncio.timeout(seconds):
                headers, limit = _headers(options), options.get("limit", MAX_BYTES)
                connection = await self._session(_session(options, keep=True)).ws_connect(
                    address, headers=headers, max_msg_size=limit
                )
        except aiohttp.WSServerHandshakeError as error:
            raise failures.of_status(where, error.status, error.headers or {}, time.time()) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise failures.of_error(where, error, seconds) from None
        return WebSocket(connection, where, limit)

    def aiohttp_session(
        self, *, base_url: str | None = None, middlewares: Sequence[aiohttp.ClientMiddlewareType] = ()
    ) -> aiohttp.ClientSession:
        """A session for a library that speaks aiohttp itself; it is closed with this client."""
        session = _new_session(_Session(keep=True), base_url=base_url, middlewares=middlewares)
        self._lent.append(session)
        return session

    async def close(self) -> None:
        """Close all connections; the next request opens new ones."""
        sessions = [*self._lent, *self._sessions.values()]
        self._sessions, self._lent = {}, []
        for session in sessions:
            await session.close()

    def _session(self, key: _Session) -> aiohttp.ClientSession:
        if key not in self._sessions:
            import aiohttp  # noqa: PLC0415

            no_redirects = aiohttp.TraceConfig()  # a websocket would follow them, with the key in its headers
            no_redirects.on_request_redirect.append(_refuse_redirect)
            # Compressed answers may be bombs: none is asked for, and none is unpacked.
            self._sessions[key] = _new_session(key, auto_decompress=False, trace_configs=[no_redirects])
        return self._sessions[key]

    def _logins(self, url: str, options: RequestOptions) -> Sequence[aiohttp.DigestAuthMiddleware]:
        """Digest authentication, which remembers what each server asked for."""
        login = options.get("login")
        if not login or not options.get("digest"):
            return ()
        import aiohttp  # noqa: PLC0415

        key = failures.place(url), login[0], _plain(login[1])
        if key not in self._digests:
            self._digests[key] = aiohttp.DigestAuthMiddleware(*key[1:])
        return (self._digests[key],)

    async def _follow(self, method: str, url: str, body: bytes | None, options: RequestOptions) -> HttpAnswer:
        """The answer, or that of the address which it redirects to."""
        answer = await self._attempt(method, url, body, options)
        hops = MAX_REDIRECTS if options.get("redirects") and method == "GET" else 0
        while hops and (target := _redirect(url, answer)):
            url, hops = target, hops - 1
            answer = await self._attempt(method, url, body, options)
        return answer

    async def _attempt(self, method: str, url: str, body: bytes | None, options: RequestOptions) -> HttpAnswer:
        import aiohttp  # noqa: PLC0415

        may_repeat = method in SAFE or options.get("repeatable", False)
        try:
            return await self._exchange(method, url, body, options, keep=may_repeat)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if not may_repeat:
                raise
        return await self._exchange(method, url, body, options, keep=False)

    async def _exchange(
        self, method: str, url: str, body: bytes | None, options: RequestOptions, *, keep: bool
    ) -> HttpAnswer:
        where, headers, session = failures.place(url), _headers(options), self._session(_session(options, keep=keep))
        logins = self._logins(url, options)
        async with session.request(
            method, url, headers=headers, data=body, allow_redirects=False, middlewares=logins
        ) as answer:
            if options.get("discard") or not 200 <= answer.status < 300:
                answer.close()  # what else it says may hold anything
                return HttpAnswer(where, answer.status, answer.headers, b"")
            if answer.headers.get("Content-Encoding", "identity") not in ("identity", headers["Accept-Encoding"]):
                raise NotAvailable(
                    Reason.BAD_DATA, f"{where}: the answer is compressed although no compression was requested"
                )
            kept = bytearray()
            if not await _has_read_body(answer, options.get("limit", MAX_BYTES), options.get("feed", kept.extend)):
                raise failures.too_long(where, options.get("limit", MAX_BYTES), options.get("limit_fix", ""))
            return HttpAnswer(where, answer.status, answer.headers, bytes(kept))


async def _has_read_body(answer: aiohttp.ClientResponse, limit: int, feed: Callable[[bytes], object]) -> bool:
    """Feed the body; returns whether it was no longer than `limit` (bytes)."""
    left = limit if (answer.content_length or 0) <= limit else -1
    while left >= 0 and (chunk := await answer.content.readany()):
        left -= len(chunk)
        if left >= 0:
            feed(chunk)
    if left < 0:
        answer.close()
    return left >= 0


def _session(options: RequestOptions, *, keep: bool) -> _Session:
    return _Session(keep, options.get("socket"), options.get("ca_file"), options.get("verify", True))


def _connector(key: _Session) -> aiohttp.BaseConnector:
    import aiohttp  # noqa: PLC0415

    from collector_core.http.resolver import Resolver  # noqa: PLC0415 - needs aiohttp
    from collector_core.http.trust import trusting  # noqa: PLC0415 - needs ssl

    if key.socket:
        return aiohttp.UnixConnector(key.socket, limit=0, force_close=not key.keep)
    trusted = trusting(key.ca_file) if key.ca_file else key.verify
    return aiohttp.TCPConnector(limit=0, resolver=Resolver(), force_close=not key.keep, ssl=trusted)


def _new_session(key: _Session, **options: Any) -> aiohttp.ClientSession:
    import aiohttp  # noqa: PLC0415

    return aiohttp.ClientSession(
        connector=_connector(key),  # none waits for another
        timeout=aiohttp.ClientTimeout(),  # each request has a deadline of its own
        headers={"User-Agent": AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        **options,
    )


async def _refuse_redirect(*_: object) -> None:
    raise NotAvailable(Reason.BAD_DATA, "it redirects to another address; redirects are not followed")


def _with_header(name: str, value: str, options: RequestOptions) -> RequestOptions:
    return options | {"headers": {name: value} | dict(options.get("headers", {}))}


def _headers(options: RequestOptions) -> dict[str, str]:
    sent = {"Accept-Encoding": "identity"} | {name: _plain(text) for name, text in options.get("headers", {}).items()}
    if token := options.get("token"):
        sent["Authorization"] = f"Bearer {_plain(token)}"
    if (login := options.get("login")) and not options.get("digest"):
        pair = f"{login[0]}:{_plain(login[1])}".encode()
        sent["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return sent


def _plain(text: Text) -> str:
    return text.get_secret_value() if isinstance(text, SecretStr) else text


def _redirect(url: str, answer: HttpAnswer) -> str | None:
    """Where an answer redirects to, if that is the same host and port, or the same host's usual port for https."""
    target = urljoin(url, answer.headers.get("Location", ""))
    if answer.status not in REDIRECTS or target == url:
        return None
    old, new = urlsplit(url), urlsplit(target)
    is_same_server = old.hostname == new.hostname and (old.scheme, old.port) == (new.scheme, new.port)
    schemes, ports = (old.scheme, new.scheme), (old.port or 80, new.port or 443)
    is_now_safe = old.hostname == new.hostname and (schemes, ports) == (("http", "https"), (80, 443))
    return target if is_same_server or is_now_safe else None
