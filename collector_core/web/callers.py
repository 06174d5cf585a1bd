"""Who may ask for what: local programs, authenticated callers, and web pages of other sites never."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from collector_core.web.api_error import ApiError
from collector_core.web.error_responses import refused
from collector_core.web.known_hosts import KnownHosts, host_name, is_loopback

_SELF_CHECKING = "checks_callers_itself"
_AUTHENTICATED = web.RequestKey("authenticated", bool)
_READS = (hdrs.METH_GET, hdrs.METH_HEAD)
_PROXY_HEADERS = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


class CallerGuard:
    """Decides for every request whether its caller may have what it asks for; `ApiError` 403 where it may not.

    - A request of this machine that names a host which a name server was asked for is refused, reads too: a web page
      could have pointed its own name at this machine, and would read all answers. Names without a dot, those of this
      machine and `hosts` are known.
    - A write is any method but GET and HEAD. What a web page of another site sends through a browser is refused.
    - What a browser asks before a request of another site's page is no write: its handler decides, if it has one.
    - Other writes need a caller that is authenticated or a local program, unless their handler decides itself.

    `authenticates` says whether every caller has shown who it is by now; such a caller may name any host.
    """

    def __init__(self, authenticates: Callable[[], bool] = lambda: False, hosts: Iterable[str] = ()) -> None:
        self._authenticates = authenticates
        self._hosts = KnownHosts(hosts)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Have the handler answer whoever may ask."""
        authenticated = self._authenticates()
        if not authenticated:
            self._require_known_host(request)
        if request.method not in _READS and not _is_preflight(request):
            request[_AUTHENTICATED] = authenticated
            _require_trust(request)
        return await handler(request)

    def direct(self, handler: Handler) -> Handler:
        """A handler that is asked without middlewares, behind the same guard."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                return await self.middleware(request, handler)
            except ApiError as refusal:
                return refused(refusal)

        return guarded

    def _require_known_host(self, request: web.Request) -> None:
        host = request.headers.get(hdrs.HOST, "")
        if self._hosts.admit(host, request.remote):
            return
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            f"unknown host name {host_name(host)!r}",
            field="Host",
            fix="use localhost or an IP address, or add the name to `allowed_hosts`",
        )


def checks_callers_itself(handler: Handler) -> Handler:
    """A handler of writes that decides itself whether its caller may: with `is_trusted`, or by a token of its own."""

    async def checking(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    setattr(checking, _SELF_CHECKING, True)
    return checking


def is_trusted(request: web.Request) -> bool:
    """Whether a write's caller is a program of this machine, or has shown who it is to the web server."""
    return request.get(_AUTHENTICATED, False) or _is_local(request)


def _is_preflight(request: web.Request) -> bool:
    return request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers


def _require_trust(request: web.Request) -> None:
    if _from_another_site(request):
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "request of another web site",
            field="Origin",
            fix="send it from a program, or from this service's own page",
        )
    if request[_AUTHENTICATED] or getattr(request.match_info.handler, _SELF_CHECKING, False) is True:
        return
    if not _is_local(request):
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "writes from other machines need authentication",
            field="Authorization",
            fix="set basic_auth_users in the file that web_config names, or send the request from this machine",
        )


def _from_another_site(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return True
    origin = request.headers.get(hdrs.ORIGIN)
    host = request.headers.get(hdrs.HOST, "")
    return origin is not None and origin.partition("://")[2].lower() != host.lower()


def _is_local(request: web.Request) -> bool:
    """Whether the caller runs on this machine; behind a proxy it does not."""
    if request.remote is None or any(name in request.headers for name in _PROXY_HEADERS):
        return False
    return is_loopback(request.remote)
