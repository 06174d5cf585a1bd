"""Calls of plugins' own code at the start: what hangs is named and left behind, what raises is described."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from collector_core.errors import CollectorError, NotAvailable, Reason, describe
from collector_core.polling.own_thread import start_thread, whereabouts

if TYPE_CHECKING:
    from concurrent.futures import Future

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")

PATIENCE = 10.0  # seconds
LEAST_PATIENCE = 0.1  # seconds, once several calls hang: each one divides the patience with the next
DIVISOR = 4
MAX_HUNG = 3  # calls of one kind, such as the constructor of one collector under changing options


class PluginFailed(CollectorError):
    """A plugin's code raised something: the text describes it, `cause` is what it was, `SystemExit` too."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(describe(cause))
        self.cause = cause


class StillBusy(NotAvailable):
    """A plugin's code has not returned."""


@dataclass(eq=False)
class _Attempt(Generic[ResultT]):
    what: str
    key: object
    module: str
    work: Callable[[], ResultT]
    started: float = field(default_factory=time.monotonic)
    thread_id: int = 0
    given_up: bool = False
    future: Future[ResultT] | None = None

    def __call__(self) -> ResultT:
        """On the attempt's own thread, where the description of an exception may take its time as well."""
        self.thread_id = threading.get_ident()
        try:
            return self.work()
        except BaseException as error:
            raise PluginFailed(error) from error


class Attempts:
    """Calls plugins' code, each time on a thread of its own, so that the caller goes on when `patience` is over.

    A call that was given up is not made again: the next `make` with the same key takes what it brought, if it has come
    back by then. `came_late` is called, on that call's thread, when it does. Safe to use from any thread.
    """

    def __init__(self, patience: float = PATIENCE, came_late: Callable[[], object] = lambda: None) -> None:
        self.late = 0
        self._patience = patience
        self._came_late = came_late
        self._lock = threading.Lock()
        self._pending: list[_Attempt[Any]] = []

    def make(self, what: str, key: object, module: str, work: Callable[[], ResultT]) -> ResultT:
        """What `work` returns; `what` names it in the log, `key` is what it depends on, `module` whose code it is.

        Raises `PluginFailed` where it raises anything, `StillBusy` where it has not returned.
        """
        attempt = self._begin(what, key, module, work)
        future = cast("Future[ResultT]", attempt.future)
        if not self._wait(attempt):
            raise self._busy(attempt)
        with self._lock:
            if attempt in self._pending:
                self._pending.remove(attempt)
        return future.result()

    def _begin(self, what: str, key: object, module: str, work: Callable[[], ResultT]) -> _Attempt[ResultT]:
        with self._lock:
            same = [each for each in self._pending if each.what == what]
            known = next((each for each in same if each.key == key), None)
            if known is None and len(same) >= MAX_HUNG:
                known = same[-1]
            if known is not None:
                return known
            attempt = _Attempt(what, key, module, work)
            self._pending.append(attempt)
        attempt.future = start_thread(what, attempt)
        return attempt

    def _wait(self, attempt: _Attempt[Any]) -> bool:
        """Whether it has come back; after one that has not, the next ones get less time."""
        from concurrent.futures import wait  # noqa: PLC0415 - who only imports the framework does without

        future = cast("Future[Any]", attempt.future)
        if not attempt.given_up and not wait([future], max(LEAST_PATIENCE, self._patience)).done:
            self._patience /= DIVISOR
            attempt.given_up = True
            log.warning("%s", self._busy(attempt))
            future.add_done_callback(lambda _: self._returned(attempt))
        return future.done()

    def _busy(self, attempt: _Attempt[Any]) -> StillBusy:
        seconds = time.monotonic() - attempt.started
        place = whereabouts(attempt.thread_id, attempt.module)
        return StillBusy(
            Reason.TIMEOUT,
            f"{attempt.what} has not returned after {seconds:.1f} s{place}",
            fix="it joins when it returns; if it never does, mend or uninstall the plugin and restart energy-collector",
        )

    def _returned(self, attempt: _Attempt[Any]) -> None:
        log.info("%s has returned after %.1f s", attempt.what, time.monotonic() - attempt.started)
        self.late += 1
        self._came_late()
