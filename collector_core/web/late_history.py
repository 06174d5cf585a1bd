"""The routes of the history, whose code is imported when somebody asks for the first time."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aiohttp import web

from collector_core.engine.app import App

if TYPE_CHECKING:
    from collector_core.web.history import HistoryRoutes

PATH = "/api/v1/history"
QUESTIONS = ("series", "range", "energy", "timeline")


class LateHistory:
    """Stands for the handlers over the history of one `App`."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._routes: HistoryRoutes | None = None

    def table(self) -> list[web.RouteDef]:
        """All routes."""
        return [web.get(f"{PATH}/{question}", self._handler(question)) for question in QUESTIONS]

    async def close(self) -> None:
        """Let go of what requests have opened."""
        if self._routes:
            await self._routes.close()

    def _handler(self, question: str) -> Any:
        async def handle(request: web.Request) -> web.Response:
            if self._routes is None:
                module = await asyncio.to_thread(import_module, "collector_core.web.history")
                self._routes = self._routes or module.HistoryRoutes(self._app)  # another request may have been faster
            answer: web.Response = await self._routes.handlers[question](request)
            return answer

        return handle
