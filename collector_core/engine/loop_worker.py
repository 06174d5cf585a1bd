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
        self._woken = asyncio.Event()
        self._stray = stray
        super().__init__(name, wait, cycle, close)

    def wake(self) -> None:
        """Let the loop ask again how long to sleep."""
        with contextlib.suppress(RuntimeError):  # the loop has closed
            self._loop.call_soon_threadsafe(self._woken.set)

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
            try:
                await asyncio.wait_for(self._woken.wait(), min(self._wait(), LONGEST_SLEEP))
                self._woken.clear()
            except TimeoutError:
                await self._cycle()
        await self._close()


def _error_in(context: Mapping[str, Any]) -> BaseException:
    """What an event loop says went wrong outside of any call of ours."""
    error: BaseException | None = context.get("exception")
    return error or RuntimeError(context["message"])
