"""Providers on loopback that answer what files say."""

from __future__ import annotations

from aiohttp import web

from collector_core.testing import serve_routes
from collector_plugins.grid import Grid


class RecordedGrid(Grid):
    """Asks services of the tree: a provider answers what `/grid/ITS NAME` holds, to its second question `NAME-2`."""

    async def _ask(self, name, known):
        file = self.ctx.path("/grid") / (f"{name}-{known.turn + 1}" if known.turn else name)

        async def answer(_):
            return web.Response(body=file.read_bytes()) if file.exists() else web.Response(status=503)

        async with serve_routes([web.route("*", "/{path:.*}", answer)]) as session:
            own = known.provider
            known.provider = own.model_copy(update={"url": str(session._base_url).rstrip("/")})
            try:
                return await super()._ask(name, known)
            finally:
                known.provider = own
