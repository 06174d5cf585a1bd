"""Reloads of the configuration: one at a time, however many are asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from collector_core.polling.own_thread import start_thread


class Reloads:
    """Calls `reload` on a thread of its own. Whoever asks while one goes on gets the next one, all of them the same.

    Safe to use from any thread.
    """

    def __init__(self, reload: Callable[[], None]) -> None:
        self._reload = reload
        self._lock = threading.Lock()
        self._next: Future[None] | None = None
        self._busy = False

    def request(self) -> Future[None]:
        """Have the configuration read again; the future cannot be cancelled and raises what the reload raises."""
        with self._lock:
            if self._next is None:
                self._next = Future()
                self._next.set_running_or_notify_cancel()
                if not self._busy:
                    self._busy = True
                    start_thread("reload", self._work)
            return self._next

    def _work(self) -> None:
        while asked := self._take():
            try:
                self._reload()
            except BaseException as error:  # noqa: BLE001 - it is for whoever asked
                asked.set_exception(error)
            else:
                asked.set_result(None)

    def _take(self) -> Future[None] | None:
        with self._lock:
            asked, self._next = self._next, None
            self._busy = asked is not None
            return asked
