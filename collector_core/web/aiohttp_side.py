"""All that aiohttp serves, on an event loop of its own thread; imported when somebody asks for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any, cast

from collector_core.engine.app import App
from collector_core.errors import describe
from collector_core.web.application import Site
from collector_core.web.limited_server import LimitedServer
from collector_core.web.loop_guard import LoopGuard
from collector_core.web.loop_thread import LoopThread
from collector_core.web.reloads import Reloads
from collector_core.web.server import LimitedRunner
from collector_core.web.successor import AiohttpSuccessor

log = logging.getLogger(__name__)

CLOSE_SECONDS = 1.2  # more than the drain timeouts, and less than `Signals` leaves


class AiohttpSide:
    """The whole web interface of one `App`; its thread runs from the beginning and is watched. On any other thread."""

    def __init__(self, app: App, reloads: Reloads) -> None:
        self.site = Site(app, reloads)
        self._runners: list[LimitedRunner] = []
        self._thread = LoopThread("web", asyncio.SelectorEventLoop(), _log_failure)  # Windows' usual watches no sockets
        app.watch(LoopGuard(self._thread.loop, self._thread.thread_id, app.count_loop_stall))

    def start(self, work: Coroutine[Any, Any, LimitedRunner]) -> LimitedRunner:
        """The runner that `work` sets up; stopped by `close`. Raises what `work` raises."""
        runner = self._thread.submit(work).result()
        self._runners.append(runner)
        return runner

    def successor(self, work: Coroutine[Any, Any, LimitedRunner]) -> AiohttpSuccessor:
        """A server that listens nowhere, set up by `work`: its connections are handed to it."""
        return AiohttpSuccessor(cast("LimitedServer", self.start(work).server), self._thread.loop)

    def call_soon(self, callback: Callable[[], object]) -> None:
        """Call back on the event loop, if it turns."""
        self._thread.loop.call_soon_threadsafe(callback)

    def close(self) -> None:
        """Stop all servers, within their drain timeouts, and the thread; leave it behind where it is stuck."""
        closing = self._thread.submit(self._close())
        try:
            closing.result(CLOSE_SECONDS)
        except (TimeoutError, CancelledError) as error:
            log.warning("the event loop of the web server does not stop: %s", describe(error))
        finally:
            self._thread.stop()

    async def _close(self) -> None:
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))


def _log_failure(error: BaseException) -> None:
    log.error("a task of the web server failed: %s", describe(error))
