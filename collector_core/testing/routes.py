"""The routes of a collector on a real server, for its tests."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from collector_core.http.client import HttpClient

if TYPE_CHECKING:
    from aiohttp import ClientSession, web


@contextlib.asynccontextmanager
async def serve_routes(routes: Iterable[web.AbstractRouteDef]) -> AsyncIterator[ClientSession]:
    """Serve what `collector_routes` returns on a free port of loopback, with refusals and checks as in the program.

    Yields a session whose addresses are paths: `await session.get("/shelly/plugs")`.
    """
    from aiohttp import web  # noqa: PLC0415 - only tests of routes need it

    from collector_core.web.callers import CallerGuard  # noqa: PLC0415
    from collector_core.web.error_responses import error_responses  # noqa: PLC0415

    application = web.Application(middlewares=[error_responses, CallerGuard().middleware])
    application.add_routes(routes)
    async with serve_application(application) as session:
        yield session


@contextlib.asynccontextmanager
async def serve_application(application: web.Application) -> AsyncIterator[ClientSession]:
    """Serve an application on a free port of loopback; yields a session whose addresses are paths."""
    from aiohttp import web  # noqa: PLC0415

    client = HttpClient()
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield client.aiohttp_session(base_url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await client.close()
        await runner.cleanup()
