"""Which other web sites may read: their pages get the answers of reads, and never those of writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING

from collector_core import ApiError

if TYPE_CHECKING:
    from aiohttp import web

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ANY = "*"
METHODS = ("GET", "HEAD")
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
MAX_AGE_SECONDS = "600"


class Cors:
    """Adds the headers that browsers ask for; `origins` are allowed, `*` allows all. Credentials never are."""

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origins)

    def readable(self, handler: Handler) -> Handler:
        """A handler of reads whose answers, refusals too, the allowed pages may read."""
        if not self._origins:
            return handler

        async def answer(request: web.Request) -> web.StreamResponse:
            headers = self._headers(request)
            try:
                response = await handler(request)
            except ApiError as refusal:
                refusal.headers = {**refusal.headers, **headers}
                raise
            response.headers.update(headers)
            return response

        return answer

    async def preflight(self, request: web.Request) -> web.Response:
        """What a browser asks before it reads; raises `ApiError` (403) where it may not."""
        from aiohttp import web  # noqa: PLC0415 - only where something is served

        headers = self._headers(request)
        if ALLOW_ORIGIN not in headers:
            text = "this web site may not read"
            raise ApiError(403, text, field="Origin", fix="add it to the option `cors`", headers=headers)
        if request.headers.get("Access-Control-Request-Method") not in METHODS:
            text = "web sites may read, not write"
            raise ApiError(
                403, text, field="Access-Control-Request-Method", fix="write from a program", headers=headers
            )
        allowed = {
            "Access-Control-Allow-Methods": ", ".join(METHODS),
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": MAX_AGE_SECONDS,
        }
        return web.Response(status=204, headers={**headers, **allowed})

    def _headers(self, request: web.Request) -> dict[str, str]:
        if ANY in self._origins:
            return {ALLOW_ORIGIN: ANY}
        origin = request.headers.get("Origin", "").lower()
        return {"Vary": "Origin"} | ({ALLOW_ORIGIN: request.headers["Origin"]} if origin in self._origins else {})
