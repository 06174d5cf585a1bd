"""Asks file systems how full they are; one that does not answer holds up neither the others nor the run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

PATIENCE = 1.0  # seconds that file systems have to answer until one of them counts as slow

_SILENT = "does not answer: its server is away"

if TYPE_CHECKING:  # Windows has no such thing
    Ask = Callable[[bytes], os.statvfs_result]
    Answer = os.statvfs_result | OSError


class FilesystemAnswers:
    """Asks those that may hang in a thread: while their server is away, statvfs(3) may block for ever.

    A path that was slow once is asked in the background from then on, by one thread at a time: what it said last is
    shown as soon as it comes. All paths together have `limit` seconds in one run.
    """

    def __init__(self, limit: float, ask: Ask | None = None) -> None:
        self._limit = limit
        self._ask = ask or os.statvfs
        self._slow: dict[bytes, _Round] = {}

    def ask(self, paths: Mapping[bytes, bool]) -> dict[bytes, Answer]:
        """What each path says, by whether it may hang; `TimeoutError` of those that have not answered yet."""
        patient = self._ask_patiently([path for path, may_hang in paths.items() if may_hang])
        return {path: patient[path] if may_hang else _answer(self._ask, path) for path, may_hang in paths.items()}

    def _ask_patiently(self, paths: Sequence[bytes]) -> dict[bytes, Answer]:
        self._slow = {path: asked for path, asked in self._slow.items() if path in paths}
        found = {path: self._late_answer(path) for path in self._slow}
        waiting = [path for path in paths if path not in found]
        left = self._limit
        while waiting and left > 0:
            asked = self._start(waiting)
            patience = min(PATIENCE, left)
            if not asked.has_ended.wait(patience):
                asked.is_over = True
                self._slow[asked.current] = asked
                left -= patience
            found |= asked.answers
            waiting = [path for path in waiting if path not in found and path not in self._slow]
        return {path: found.get(path) or TimeoutError(_SILENT) for path in paths}

    def _late_answer(self, path: bytes) -> Answer:
        asked = self._slow[path]
        answer = asked.answers.get(path)
        if answer is None:
            return TimeoutError(_SILENT)
        if asked.has_ended.is_set():
            self._slow[path] = self._start([path])
        return answer

    def _start(self, paths: Sequence[bytes]) -> _Round:
        asked = _Round(paths, self._ask)
        asked.start()
        return asked


class _Round(threading.Thread):
    """Asks one path after the other until it is over; `current` is the one that it waits for."""

    def __init__(self, paths: Sequence[bytes], ask: Ask) -> None:
        super().__init__(name="statvfs", daemon=True)
        self.current = paths[0]
        self.answers: dict[bytes, Answer] = {}
        self.has_ended = threading.Event()
        self.is_over = False
        self._paths = paths
        self._ask = ask

    def run(self) -> None:
        for path in self._paths:
            if self.is_over:
                break
            self.current = path
            self.answers[path] = _answer(self._ask, path)
        self.has_ended.set()


def _answer(ask: Ask, path: bytes) -> Answer:
    try:
        return ask(path)
    except OSError as error:
        return error
