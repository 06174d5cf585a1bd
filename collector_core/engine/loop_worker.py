"""One collector with coroutines on one thread: its event loop runs all the time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from collector_core.engine.worker import LONGEST_SLEEP, Job, Stray, Worker


class LoopWorker(Worker):
    """A worker whose event loop runs all the time, so that a collector's own connections live on between cycles."""

    def __init__(self, name: str, wait: Callable[[], float], cycle: Job, close: Job, stray: Stray) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _, context: stray(_error_in(context)))
        self._is_woken = False
        self._sleep = self._loop.create_future()
        self._stray = stray
        super().__init__(name, wait, cycle, close)

    def wake(self) -> None:
        """Let the loop ask again how long to sleep."""
        with contextlib.suppress(RuntimeError):  # the loop has closed
            self._loop.call_soon_threadsafe(self._end_sleep)

    def _work(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            serving = runner.get_loop().create_task(self._serve())
            while not serving.done():
                try:
                    self._loop.run_until_complete(serving)
                except (SystemExit, KeyboardInterrupt, RuntimeError) as error:
                    self._stray(error)  # a task of the collector's own wants the program to end, or stopped the loop

    async def _serve(self) -> None:
        while not self._stopping:
            if not await self._is_woken_within(min(self._wait(), LONGEST_SLEEP)):
                await self._cycle()
        await self._close()

    async def _is_woken_within(self, seconds: float) -> bool:
        """Sleep so long, or until woken; a future and a timer cost a third less than `asyncio.wait_for`."""
        if not self._is_woken:
            self._sleep = self._loop.create_future()
            timer = self._loop.call_later(seconds, _finish, self._sleep)
            try:
                await self._sleep
            finally:
                timer.cancel()
        is_woken, self._is_woken = self._is_woken, False
        return is_woken

    def _end_sleep(self) -> None:
        self._is_woken = True
        _finish(self._sleep)


def _finish(sleep: asyncio.Future[None]) -> None:
    if not sleep.done():
        sleep.set_result(None)


def _error_in(context: Mapping[str, Any]) -> BaseException:
    """What an event loop says went wrong outside of any call of ours."""
    error: BaseException | None = context.get("exception")
    return error or RuntimeError(context["message"])
