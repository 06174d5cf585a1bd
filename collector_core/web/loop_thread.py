"""An event loop of asyncio on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

ResultT = TypeVar("ResultT")


class LoopThread:
    """Runs coroutines on `loop` from now on; `failed` is told, on its thread, of one that wants to end the program."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop, failed: Callable[[BaseException], None]) -> None:
        self.loop = loop
        self._failed = failed
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def thread_id(self) -> int:
        """The thread's identifier."""
        return self._thread.ident or 0

    def submit(self, work: Coroutine[Any, Any, ResultT]) -> Future[ResultT]:
        """Run a coroutine; from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def stop(self) -> None:
        """Cancel what goes on and end the thread, when what runs lets it; any number of times, from any thread."""
        self._stopping = True
        with suppress(RuntimeError):  # it has ended
            self.loop.call_soon_threadsafe(self.loop.stop)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.get_loop()
            while not self._stopping:
                try:
                    self.loop.run_forever()
                except (SystemExit, KeyboardInterrupt) as error:
                    self._failed(error)
