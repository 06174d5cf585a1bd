"""One collector on one thread: opened, collected, closed; plain functions and coroutines alike."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from collector_core.collector import Collector
from collector_core.readings import Readings

Job = Callable[[], Coroutine[Any, Any, None]]


class Lifecycle:
    """Opens a collector before its first run and after a failure, closes it after a failure and at the end."""

    def __init__(self, collector: Collector[Any], timeout: float) -> None:
        methods = (collector.open, collector.collect, collector.close)
        self.is_async = any(map(inspect.iscoroutinefunction, methods))
        self._collector = collector
        self._timeout = timeout if self.is_async else None
        self._opened = False

    async def collect(self, out: Readings) -> None:
        """One run; whatever the collector raises passes through, `TimeoutError` where a coroutine takes too long."""
        if self._timeout is None:
            await self._run(out)
        else:
            async with asyncio.timeout(self._timeout):
                await self._run(out)

    async def close(self) -> None:
        """Close the collector; it opens again at the next run."""
        self._opened = False
        await self._finish(self._collector.close())

    async def _run(self, out: Readings) -> None:
        if not self._opened:
            await self._finish(self._collector.open())
            self._opened = True
        await self._finish(self._collector.collect(out))

    async def _finish(self, result: Awaitable[None] | None) -> None:
        if result is None:
            return
        if not self.is_async:
            raise TypeError(f"a method that is no coroutine returned {type(result).__name__} instead of nothing")
        await result


class Worker:
    """A thread that runs jobs one after another; a daemon, so that a hung job cannot keep the process alive."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Hand a job to the thread; it runs after those before it."""
        self._jobs.put(job)

    def stop(self) -> None:
        """Let the thread end after the jobs it has."""
        self._jobs.put(None)

    def join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; returns whether the thread has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            with contextlib.suppress(StopIteration):  # how a coroutine ends that never waits
                job().send(None)


class LoopWorker(Worker):
    """A worker whose event loop runs all the time, so that a collector's own connections live on between runs."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop_jobs: asyncio.Queue[Job | None] = asyncio.Queue()
        super().__init__(name)

    def submit(self, job: Job | None) -> None:
        """Hand a job to the event loop."""
        with contextlib.suppress(RuntimeError):  # the loop has closed: nothing is left to run the job
            self._loop.call_soon_threadsafe(self._loop_jobs.put_nowait, job)

    def stop(self) -> None:
        """Let the loop end after the jobs it has."""
        self.submit(None)

    def _work(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        while (job := await self._loop_jobs.get()) is not None:
            await job()
