"""One collector on one thread: opened, collected, closed; plain functions and coroutines alike."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from collector_core.collector import Collector
from collector_core.model.readings import Readings

LONGEST_SLEEP = 3600.0  # seconds; a lock cannot be waited for without end

Job = Callable[[], Coroutine[Any, Any, None]]
Stray = Callable[[BaseException], None]


class Lifecycle:
    """Opens a collector before its first run and after a failure, closes it after a failure and at the end."""

    def __init__(self, collector: Collector[Any], timeout: float) -> None:
        methods = (collector.open, collector.collect, collector.close)
        told = collector.has_coroutines
        self.is_async = any(map(inspect.iscoroutinefunction, methods)) if told is None else told
        self._collector = collector
        self._timeout = timeout if self.is_async else None
        self._opened = False

    async def collect(self, out: Readings) -> None:
        """One run; whatever the collector raises passes through, `TimeoutError` where a coroutine takes too long."""
        if self._timeout is None:
            await self._run(out)
        else:
            from asyncio import timeout  # noqa: PLC0415 - who has no collector with coroutines does without

            async with timeout(self._timeout):
                await self._run(out)

    async def close(self) -> None:
        """Close the collector; it opens again at the next run."""
        self._opened = False
        try:
            await self._finish(self._collector.close())
        finally:
            if self.is_async:
                await self._collector.ctx.http.close()

    async def _run(self, out: Readings) -> None:
        if not self._opened:
            await self._finish(self._collector.open())
            self._opened = True
        if (result := self._collector.collect(out)) is not None:
            await self._finish(result)

    async def _finish(self, result: Awaitable[None] | None) -> None:
        if result is None:
            return
        if not self.is_async:
            raise TypeError(f"a method that is not a coroutine returned {type(result).__name__} instead of nothing")
        await result


class Worker:
    """The thread of one instance: sleeps `wait()` seconds, calls `cycle`, and so on; `close` at the end.

    A daemon, so that a hung cycle cannot keep the process alive.
    """

    def __init__(self, name: str, wait: Callable[[], float], cycle: Job, close: Job) -> None:
        self._wait = wait
        self._cycle = cycle
        self._close = close
        self._stopping = False
        self._asleep = threading.Lock()  # held while nobody wakes us; much cheaper to wait for than an Event
        self._asleep.acquire()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Let the thread ask again how long to sleep."""
        with contextlib.suppress(RuntimeError):  # it is awake already
            self._asleep.release()

    def stop(self) -> None:
        """Let the thread end after the cycle it is in."""
        self._stopping = True
        self.wake()

    def join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; returns whether the thread has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def thread_id(self) -> int | None:
        """The thread's number in this process."""
        return self._thread.ident

    def _work(self) -> None:
        while not self._stopping:
            if not self._asleep.acquire(timeout=min(self._wait(), LONGEST_SLEEP)) and not self._stopping:
                _drive(self._cycle())
        _drive(self._close())


def start_worker(
    lifecycle: Lifecycle, name: str, wait: Callable[[], float], cycle: Job, close: Job, stray: Stray
) -> Worker:
    """A worker of the kind that a collector needs; `stray` is told what goes wrong outside of a cycle."""
    if not lifecycle.is_async:
        return Worker(name, wait, cycle, close)
    from collector_core.engine.loop_worker import LoopWorker  # noqa: PLC0415 - with asyncio

    return LoopWorker(name, wait, cycle, close, stray)


def _drive(job: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits: that of a collector without coroutines."""
    try:  # noqa: SIM105 - `suppress` would cost more than the call
        job.send(None)
    except StopIteration:
        pass
