"""Runs what may block for ever on a thread of its own, so that it holds up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

ResultT = TypeVar("ResultT")


def start_thread(name: str, work: Callable[[], ResultT]) -> Future[ResultT]:
    """Do the work on a new daemon thread called `name`; its future cannot be cancelled and never raises here.

    A pool would not do: a few calls that hang take all of its threads, and Python waits for them at its end.
    """
    from concurrent.futures import Future  # noqa: PLC0415 - who only imports the framework does without

    future: Future[ResultT] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is the future's to tell
            future.set_exception(error)

    try:
        threading.Thread(target=run, name=name, daemon=True).start()
    except RuntimeError as error:  # there are too many threads
        future.set_exception(error)
    return future
