"""`/api/v1/live`: tells open pages that something has changed; nothing is looked at while nobody listens."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from aiohttp import web

from collector_core.engine.app import App
from collector_core.model.topics import TopicSelector

INTERVAL = 3.0  # seconds between two looks
KEEP_ALIVE_LOOKS = 5
MOST_LISTENERS = 200


class LiveEvents:
    """One task looks for all listeners."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._selector = TopicSelector("power_flow")
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._seen: tuple[int, ...] = ()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Events for as long as the client stays; 503 where too many do."""
        if len(self._queues) >= MOST_LISTENERS:
            raise web.HTTPServiceUnavailable
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(4)
        self._queues.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())
        try:
            await response.write(b"retry: 5000\n\n" + self._event())
            while event := await queue.get():
                await response.write(event)
        except ConnectionError:
            pass
        finally:
            self._queues.discard(queue)
        return response

    async def close(self, application: web.Application) -> None:
        """Let all streams end."""
        del application
        self._send(None)
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        quiet = 0
        while self._queues:
            await asyncio.sleep(INTERVAL)
            seen = tuple(id(each.snapshot) for each in self._app.exposition.published())
            if seen != self._seen:
                self._seen, quiet = seen, 0
                self._send(self._event())
            elif (quiet := quiet + 1) >= KEEP_ALIVE_LOOKS:
                quiet = 0
                self._send(b": still here\n\n")

    def _send(self, event: bytes | None) -> None:
        for queue in list(self._queues):
            if queue.full():
                queue.get_nowait()  # a client that is slow misses one
            queue.put_nowait(event)

    def _event(self) -> bytes:
        edges = [
            {"from": series.labels.get("from", ""), "to": series.labels.get("to", ""), "watts": watts}
            for series, watts in self._selector.select(self._app.exposition.published())
        ]
        data = {"time": self._app.clock.time(), "edges": edges}
        return f"data: {json.dumps(data)}\n\n".encode()
