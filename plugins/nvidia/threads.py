"""A thread for a source whose calls block and may never return."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from collector_core import NotAvailable, Reason
from collector_plugins.nvidia.gpu import Answer


class Blocking(Protocol):
    """A source with plain methods; all of them are called on one thread."""

    name: str
    stage: str

    def read(self) -> Answer:
        """All GPUs; raises `NotAvailable` when there is nothing to be had."""

    def close(self) -> None:
        """Let go of everything; legal at any time."""


class InThread:
    """Makes a source of a blocking one; while one of its calls hangs no other is begun."""

    connections = None

    def __init__(self, blocking: Blocking) -> None:
        self._blocking = blocking
        self._executor: ThreadPoolExecutor | None = None
        self._running: Future[Answer] | None = None

    @property
    def name(self) -> str:
        """The label `source`."""
        return self._blocking.name

    @property
    def stage(self) -> str:
        """What it is doing now."""
        return self._blocking.stage

    async def read(self) -> Answer:
        """All GPUs; raises `NotAvailable` when there is nothing to be had, or an earlier call still hangs."""
        if self._running and not self._running.done():
            raise NotAvailable(Reason.TIMEOUT, f"a call hangs, while {self.stage}", fix="restart energy-collector")
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"nvidia-{self.name}")
        self._running = self._executor.submit(self._blocking.read)
        return await asyncio.wrap_future(self._running)

    async def close(self) -> None:
        """Let go of the source once its thread is free; does not wait for it."""
        if self._executor:
            self._executor.submit(self._blocking.close)
            self._executor.shutdown(wait=False)
            self._executor = None
