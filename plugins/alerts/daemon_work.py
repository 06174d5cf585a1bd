"""Work that may block for ever: on a daemon thread, one piece at a time, so that nobody waits for it, not even exit."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from collector_core import NotAvailable, Reason

ResultT = TypeVar("ResultT")


class DaemonWorker:
    """Runs blocking work; while an earlier piece hangs, it starts no other."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[], ResultT]) -> ResultT:
        """The result of the work; raises what it raises, and `NotAvailable` while earlier work hangs."""
        if self._thread and self._thread.is_alive():
            fix = "check the disk, the service, or whatever reads the output"
            raise NotAvailable(Reason.TIMEOUT, "an earlier message is still being written", fix=fix)
        done: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._thread = threading.Thread(target=_work_on, args=(work, done), name="alerts-write", daemon=True)
        self._thread.start()
        return await done


def _work_on(work: Callable[[], ResultT], done: asyncio.Future[ResultT]) -> None:
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - it is raised again where the work is awaited
        _settle_soon(done, partial(done.set_exception, error))
    else:
        _settle_soon(done, partial(done.set_result, result))


def _settle_soon(done: asyncio.Future[ResultT], settle: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
        done.get_loop().call_soon_threadsafe(lambda: None if done.done() else settle())
