"""Handlers of a collector's routes, on an event loop of their own: they can stop, block or end that one only."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Coroutine
from functools import wraps
from http import HTTPStatus
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import AsyncStreamIterator, StreamReader
from aiohttp.typedefs import Handler

from collector_core.errors import describe
from collector_core.polling.own_thread import innermost_place, whereabouts
from collector_core.web.api_error import ApiError
from collector_core.web.error_responses import refused
from collector_core.web.loop_thread import LoopThread

if TYPE_CHECKING:
    from concurrent.futures import Future

log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
_QUIET = 60.0  # seconds between two log lines about the same trouble


class HandlerThread:
    """Runs the handlers of the collector called `name`, whose code is in `module`; its thread starts with the first."""

    def __init__(self, name: str, module: str, patience: float = ANSWER_SECONDS) -> None:
        self._name = name
        self._module = module
        self._patience = patience
        self._thread: LoopThread | None = None
        self._stuck = False
        self._silent_until = 0.0

    def moved(self, handler: Handler) -> Handler:
        """A handler for the web server, which has `handler` answer on this thread, or answers 503 after a while."""

        @wraps(handler)
        async def elsewhere(request: web.Request) -> web.StreamResponse:
            if self._stuck:
                raise self._too_slow()
            answer = self._submit(lambda loop: self._answer(handler, _moved_request(request, loop)))
            try:
                return await self._awaited(asyncio.wrap_future(answer), request)
            except TimeoutError:
                self._give_up(request)
                raise self._too_slow() from None

        return elsewhere

    def kept(self, handler: Handler) -> Handler:
        """A handler that stays on the server's loop, which it never blocks; 503 where it waits for too long."""

        @wraps(handler)
        async def here(request: web.Request) -> web.StreamResponse:
            try:
                async with asyncio.timeout(self._patience):
                    return await self._answer(handler, request)
            except TimeoutError:
                self._warn(request, f"no answer after {self._patience:g} s")
                raise self._too_slow() from None

        return here

    async def _awaited(self, answer: asyncio.Future[web.Response], request: web.Request) -> web.Response:
        """The answer; raises `TimeoutError` where for long neither it comes nor more of the request's body."""
        try:
            while True:
                arrived = request.content.total_bytes
                await asyncio.wait([answer], timeout=self._patience)
                if answer.done():
                    return answer.result()
                if request.content.total_bytes == arrived:
                    raise TimeoutError
        finally:
            answer.cancel()

    def stop(self) -> None:
        """End the thread when its handlers let it; any number of times."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    def _submit(
        self, work: Callable[[asyncio.AbstractEventLoop], Coroutine[Any, Any, web.Response]]
    ) -> Future[web.Response]:
        if self._thread is None:
            self._thread = LoopThread(f"routes-{self._name}", asyncio.new_event_loop(), self._warn_of_end)
        return self._thread.submit(work(self._thread.loop))

    def _warn_of_end(self, error: BaseException) -> None:
        self._warn(None, f"a task of its routes failed: {describe(error)}")

    async def _answer(self, handler: Handler, request: web.Request) -> web.Response:
        """What the handler answers, or why that cannot be; raises nothing but aiohttp's own answers."""
        try:
            answer = await handler(request)
        except web.HTTPException:
            raise
        except ApiError as refusal:
            return refused(refusal)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and self._is_cancelled():
                raise
            frames = reversed(list(traceback.walk_tb(error.__traceback__)))
            self._warn(request, describe(error) + innermost_place(frames, self._module))
            return _internal_error()
        if isinstance(answer, web.Response) and not answer.prepared and isinstance(answer.body, bytes | None):
            return answer
        self._warn(request, "a handler must return a web.Response with its whole body")
        return _internal_error()

    def _is_cancelled(self) -> bool:
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0

    def _give_up(self, request: web.Request) -> None:
        thread = self._thread
        place = whereabouts(thread.thread_id, self._module) if thread else ""
        self._warn(request, f"no answer after {self._patience:g} s{place}")
        if thread is not None:
            self._stuck = True
            thread.loop.call_soon_threadsafe(self._turned)

    def _turned(self) -> None:
        """The loop turns, so it was only this handler that took too long."""
        self._stuck = False

    def _too_slow(self) -> ApiError:
        text = f"collector {self._name} has not answered within {self._patience:g} s"
        fix = "ask again later; the log says where it waits"
        return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, text, field="request", fix=fix, headers={"Retry-After": "10"})

    def _warn(self, request: web.Request | None, error: str) -> None:
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _QUIET
            what = f"{request.method} {request.path} failed: " if request else ""
            log.error("collector %s: %s%s", self._name, what, error)


def _internal_error() -> web.Response:
    return web.Response(text="internal error; see the log\n", status=HTTPStatus.INTERNAL_SERVER_ERROR)


def _moved_request(request: web.Request, loop: asyncio.AbstractEventLoop) -> web.Request:
    """The same request for another event loop than the server's.

    A body that has arrived goes with it; one that has not is fetched from the server's loop, piece by piece.
    """
    moved = request.clone()
    if request.body_exists:
        body = _arrived(request.content, loop) or _MovedBody(request.content, asyncio.get_running_loop())
        moved._payload = body  # type: ignore[assignment]  # noqa: SLF001
    moved._payload_writer = None  # type: ignore[assignment]  # noqa: SLF001 - nothing can be written but by the server
    return moved


def _arrived(content: StreamReader, loop: asyncio.AbstractEventLoop) -> StreamReader | None:
    """All of a body for another event loop; None while some of it is under way."""
    if not content.is_eof():
        return None
    data = content.read_nowait()
    body = StreamReader(BaseProtocol(loop), max(1, len(data)), loop=loop)
    body.feed_data(data)
    body.feed_eof()
    return body


class _MovedBody:
    """A request's body, read on the event loop that it belongs to and awaited on any."""

    def __init__(self, content: StreamReader, home: asyncio.AbstractEventLoop) -> None:
        self._content = content
        self._home = home

    def iter_any(self) -> AsyncStreamIterator[bytes]:
        return AsyncStreamIterator(self.readany)

    def iter_chunked(self, size: int) -> AsyncStreamIterator[bytes]:
        return AsyncStreamIterator(lambda: self.read(size))

    def set_read_chunk_size(self, size: int) -> None:
        self._home.call_soon_threadsafe(self._content.set_read_chunk_size, size)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._content, name)
        return self._awaited_elsewhere(attribute) if iscoroutinefunction(attribute) else attribute

    def _awaited_elsewhere(self, method: Callable[..., Coroutine[Any, Any, bytes]]) -> Callable[..., Any]:
        async def read(*arguments: Any) -> bytes:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(method(*arguments), self._home))

        return read
