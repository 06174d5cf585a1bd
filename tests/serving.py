"""An aiohttp application on a free port of loopback, for as long as a test talks with it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from aiohttp import ClientSession, web


@contextlib.asynccontextmanager
async def serving(application: web.Application) -> AsyncIterator[ClientSession]:
    """A client whose addresses are paths of the application."""
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        try:
            yield session
        finally:
            await runner.cleanup()
