"""Who may ask for what: local programs, authenticated callers, and web pages of other sites never."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from collector_core.web.api_error import ApiError
from collector_core.web.error_responses import refused

_SELF_CHECKING = "checks_callers_itself"
_AUTHENTICATED = web.RequestKey("authenticated", bool)
_READS = (hdrs.METH_GET, hdrs.METH_HEAD)
_LOCAL_DOMAINS = (".localhost", ".local", ".internal", ".home.arpa")  # which no public name server has
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


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
        self._hosts = {"localhost", *map(str.lower, hosts), *names_of_this_machine()}

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
        name = _host_name(request.headers.get(hdrs.HOST, ""))
        if self._is_known(name) or not _runs_here(request.remote):
            return
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            f"unknown host name {name!r}",
            field="Host",
            fix="use localhost or an IP address, or add the name to `allowed_hosts`",
        )

    def _is_known(self, name: str) -> bool:
        return "." not in name or name in self._hosts or name.endswith(_LOCAL_DOMAINS) or _address(name) is not None


def names_of_this_machine(hosts: Path = Path("/etc/hosts")) -> set[str]:
    """The machine's name, and those that its own file gives to addresses; no name server is asked."""
    try:
        lines = hosts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return {name.lower() for line in lines for name in line.partition("#")[0].split()[1:]} | {
        socket.gethostname().lower()
    }


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


def _host_name(host: str) -> str:
    """The name or address in a `Host` header, without the port."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower().rstrip(".")


def _runs_here(peer: str | None) -> bool:
    """Whether a caller came over the network from this machine; no web page can use a unix socket."""
    return peer is not None and _address(peer) is not None and is_loopback(peer)


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
