"""A thread for a source whose calls block and may never return."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from collector_core import NotAvailable, Reason
from collector_plugins.nvidia.gpu import Awake, HostReading

CLOSE_SECONDS = 2.5  # shutting NVML down takes about one


class Blocking(Protocol):
    """A source with plain methods; all of them are called on one thread."""

    name: str
    stage: str

    def read(self, awake: Awake | None = None) -> HostReading:
        """All GPUs, or only those that are `awake`; raises `NotAvailable` when there is nothing to be had."""

    def close(self) -> None:
        """Let go of everything; legal at any time."""


class InThread:
    """Makes a source of a blocking one; while one of its calls hangs no other is begun."""

    connections = None

    def __init__(self, blocking: Blocking) -> None:
        self._blocking = blocking
        self._executor: ThreadPoolExecutor | None = None
        self._running: Future[Any] | None = None

    @property
    def name(self) -> str:
        """The label `source`."""
        return self._blocking.name

    @property
    def stage(self) -> str:
        """What it is doing now."""
        return self._blocking.stage

    async def read(self, awake: Awake | None = None) -> HostReading:
        """All GPUs; raises `NotAvailable` when there is nothing to be had, or an earlier call still hangs."""
        from asyncio import wrap_future  # noqa: PLC0415 - who only imports the plugin does without

        if self._hangs:
            raise NotAvailable(Reason.TIMEOUT, f"a call hangs, while {self.stage}", fix="restart energy-collector")
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"nvidia-{self.name}")
        reading = self._executor.submit(self._blocking.read, awake)
        self._running = reading
        return await wrap_future(reading)

    async def close(self) -> None:
        """Let go of the source and of its thread; does not wait for a call that hangs."""
        from asyncio import wait, wrap_future  # noqa: PLC0415

        executor, self._executor = self._executor, None
        if executor is None:
            return
        hangs = self._hangs
        closing = executor.submit(self._blocking.close)
        self._running = closing
        executor.shutdown(wait=False)
        if not hangs:
            await wait([wrap_future(closing)], timeout=CLOSE_SECONDS)
        if closing.done():
            executor.shutdown()

    @property
    def _hangs(self) -> bool:
        return self._running is not None and not self._running.done()
