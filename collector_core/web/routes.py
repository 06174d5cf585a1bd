"""The HTTP interface: scrape, status page, health, reload and JSON."""

from __future__ import annotations

import asyncio
import json
import time
from http import HTTPStatus
from typing import Any

from aiohttp import web

from collector_core.engine.app import App
from collector_core.errors import ConfigError
from collector_core.exposition.formats import negotiate
from collector_core.web import api
from collector_core.web.answers import Answers, ReadyAnswer
from collector_core.web.api_error import ApiError
from collector_core.web.late_history import LateHistory
from collector_core.web.pages.handlers import Pages
from collector_core.web.reloads import Reloads
from collector_core.web.repeats import BODY_OF_REPEATS


class Routes:
    """Handlers over one `App`."""

    def __init__(self, app: App, reloads: Reloads | None = None) -> None:
        self._app = app
        self._answers = Answers(app)
        self._history = LateHistory(app)
        self._pages = Pages(app)
        self._reloads = reloads or Reloads(app.reload)

    def table(self) -> list[web.RouteDef]:
        """All routes, in the order in which they are looked up."""
        return [
            web.get("/metrics", self.metrics),
            *self._pages.table(),
            *self.probes(),
            web.post("/-/reload", self.reload),
            web.get("/api/v1/collectors", self.collectors),
            web.get("/api/v1/snapshot", self.snapshot),
            *self._history.table(),
        ]

    async def end_streams(self, application: web.Application) -> None:
        """End what lasts as long as its client stays."""
        await self._pages.live.close(application)

    async def close(self, application: web.Application) -> None:
        """Let go of what requests have opened."""
        del application
        self._pages.close()
        await self._history.close()

    def probes(self) -> list[web.RouteDef]:
        """The routes of health checks, which tell nothing else."""
        return [web.get("/healthz", self.healthz), web.get("/readyz", self.readyz)]

    async def metrics(self, request: web.Request) -> web.Response:
        """The exposition, in the format and encoding that the client prefers."""
        headers = request.headers
        encoding = negotiate(headers.get("Accept", ""), headers.get("Accept-Encoding", ""))
        answer = self._answers.metrics(encoding)
        if answer is None:
            answer = await asyncio.to_thread(self._answers.slow_metrics, encoding)
        request[BODY_OF_REPEATS] = self._answers.quick_body(encoding)
        return _response(answer)

    async def healthz(self, request: web.Request) -> web.Response:
        """200 while the watchdog turns."""
        del request
        return _response(self._answers.healthz())

    async def readyz(self, request: web.Request) -> web.Response:
        """200 once every collector has had its first result, good or bad."""
        del request
        return _response(self._answers.readyz())

    async def reload(self, request: web.Request) -> web.Response:
        """Read the configuration again; 400 with all problems when it is bad."""
        del request
        try:
            await asyncio.wrap_future(self._reloads.request())
        except ConfigError as error:
            problems = [each.to_json() for each in error.problems]
            raise ApiError(HTTPStatus.BAD_REQUEST, str(error), problems=problems) from error
        return web.json_response({"status": "reloaded", "collectors": sorted(self._app.runners)})

    async def collectors(self, request: web.Request) -> web.Response:
        """Every collector with its health."""
        del request
        return web.json_response({"collectors": api.collectors(self._app)})

    async def snapshot(self, request: web.Request) -> web.Response:
        """All readings that are shown now."""
        del request
        data = {"time": time.time(), "collectors": await asyncio.to_thread(api.snapshot, self._app)}
        return web.json_response(body=await asyncio.to_thread(_json_bytes, data))


def _json_bytes(data: Any) -> bytes:
    return json.dumps(data).encode()


def _response(answer: ReadyAnswer) -> web.Response:
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
