"""What handlers have in common: the service, once it is loaded, and answers in JSON."""

from __future__ import annotations

import json
from asyncio import wrap_future
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from collector_core import ApiError
from collector_plugins.sites.bounded_store import within
from collector_plugins.sites.service import SiteService, UnknownSiteError
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import Store

if TYPE_CHECKING:
    from aiohttp import web

ResultT = TypeVar("ResultT")
PATIENCE_SECONDS = 9.0  # a handler has 10


class Access:
    """The service, for handlers."""

    def __init__(self, service: SiteService) -> None:
        self._service = service

    @property
    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._service.now

    async def ready(self) -> SiteService:
        """The service, with its sites loaded; raises `StorageError`."""
        if not self._service.is_loaded:
            await wrap_future(self._service.load())
        return self._service

    async def find(self, find: Callable[[SiteService], ResultT]) -> ResultT:
        """What `find` finds among the sites, others' new ones as well; raises what it raises, and `StorageError`."""
        service = await self.ready()
        with suppress(UnknownSiteError, ApiError):
            return find(service)
        await service.find_new_sites()
        return find(service)

    async def site(self, request: web.Request) -> Site:
        """The site that the path names; raises `UnknownSiteError`."""
        return await self.find(lambda service: service.site(request.match_info["site_id"]))

    async def ask(self, question: Callable[[Store], ResultT]) -> ResultT:
        """What the store answers; raises `TooLongError`."""
        service = await self.ready()
        return await wrap_future(service.read(within(PATIENCE_SECONDS, question)))

    async def report(self, question: Callable[[Store], ResultT]) -> ResultT:
        """The same where that may take seconds."""
        service = await self.ready()
        return await wrap_future(service.report(within(PATIENCE_SECONDS, question)))


def json_answer(data: Any, status: int = 200) -> web.Response:
    """A document as an answer."""
    from aiohttp import web  # noqa: PLC0415 - only where something is served

    body = json.dumps(data, allow_nan=False).encode()
    return web.Response(body=body, status=status, content_type="application/json")


def text_answer(text: str, content_type: str) -> web.Response:
    """A text as an answer."""
    from aiohttp import web  # noqa: PLC0415 - only where something is served

    return web.Response(text=text, content_type=content_type, charset="utf-8")
