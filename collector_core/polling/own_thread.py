"""Runs what may block for ever on a thread of its own, so that it holds up nobody else, and says where a thread is."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
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


def whereabouts(thread_id: int | None, module: str) -> str:
    """Where in the code of `module` and what is below it a thread is now: ` (shelly.py:31)`, empty if it is not."""
    frame = sys._current_frames().get(thread_id or 0)  # noqa: SLF001
    return innermost_place(traceback.walk_stack(frame), module) if frame else ""


def innermost_place(frames: Iterable[tuple[FrameType, int]], module: str) -> str:
    """The innermost of `frames`, given from the inside out, that is the module's own: ` (shelly.py:31)`."""
    for frame, line in frames:
        if str(frame.f_globals.get("__name__", "")).startswith(module):
            return f" ({Path(frame.f_code.co_filename).name}:{line})"
    return ""
