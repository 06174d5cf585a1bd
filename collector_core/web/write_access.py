"""Requests that change something need to know their caller."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from collector_core.web.api_error import ApiError

_SELF_CHECKING = "checks_callers_itself"
_AUTHENTICATED = web.RequestKey("authenticated", bool)
_READS = (hdrs.METH_GET, hdrs.METH_HEAD)
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


def require_auth_outside_loopback(authenticates: Callable[[], bool] = lambda: False) -> Middleware:
    """A middleware that answers 403 to writes whose caller is neither authenticated nor a local program.

    A write is any method but GET and HEAD; `authenticates` says whether every caller has shown who it is by now. What
    a web page of another site sends through a local browser is refused, with and without authentication.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in _READS:
            request[_AUTHENTICATED] = authenticates()
            _require_trust(request)
        return await handler(request)

    return middleware


def checks_callers_itself(handler: Handler) -> Handler:
    """A handler of writes that decides itself whether its caller may: with `is_trusted`, or by a token of its own."""

    async def checking(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    setattr(checking, _SELF_CHECKING, True)
    return checking


def is_trusted(request: web.Request) -> bool:
    """Whether a write's caller is a program of this machine, or has shown who it is to the web server."""
    return request.get(_AUTHENTICATED, False) or _is_local(request)


def _require_trust(request: web.Request) -> None:
    if _from_another_site(request):
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "request of another web site",
            fix="send it from a program, or from this service's own page",
        )
    if request[_AUTHENTICATED] or getattr(request.match_info.handler, _SELF_CHECKING, False) is True:
        return
    if not _is_local(request):
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "writes from other machines need authentication",
            fix="set basic_auth_users in the file that web_config names, or send the request from this machine",
        )
    if _from_browser(request) and not _names_this_machine(request.headers.get(hdrs.HOST, "")):
        raise ApiError(
            HTTPStatus.FORBIDDEN, "unknown host name", fix="open the page as http://localhost or by its IP address"
        )


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
