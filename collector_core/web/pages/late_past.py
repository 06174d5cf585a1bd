"""What pages of the present show of the past: answers of at most a minute ago, which no disk makes them wait for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

from collector_core.errors import CollectorError

log = logging.getLogger(__name__)

OLDEST, OLDEST_OF_NOTHING = 60.0, 2.0  # seconds
FIRST_WAIT = 0.25  # seconds that the first who asks waits
AnswerT = TypeVar("AnswerT")


@dataclass
class _Asked:
    asked_at: float
    future: Future[Any]
    before: Any = None

    @property
    def is_old(self) -> bool:
        """Whether it is time to ask again, sooner where there was nothing."""
        return self.future.done() and monotonic() - self.asked_at > (OLDEST if self.answer else OLDEST_OF_NOTHING)

    @property
    def answer(self) -> Any:
        """The answer, or the one before as long as there is none, or none can be had."""
        if not self.future.done() or self.future.exception():
            return self.before
        return self.future.result()


class LatePast:
    """Asks the history on `threads`; for any thread."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._asked: dict[str, _Asked] = {}

    def ask(self, key: str, question: Callable[[], AnswerT]) -> AnswerT | None:
        """The answer to a question; None as long as there is none. Only the first one who asks waits, a moment."""
        with self._lock:
            asked = self._asked.get(key)
            is_first = asked is None
            if asked is None or asked.is_old:
                before = asked.answer if asked else None
                asked = self._asked[key] = _Asked(monotonic(), self._threads.submit(_answer, question), before)
        if is_first and not wait([asked.future], FIRST_WAIT).done:
            log.debug("the history takes long to answer %s", key)
        answer: AnswerT | None = asked.answer
        return answer


def _answer(question: Callable[[], AnswerT]) -> AnswerT | None:
    """None where the history cannot be read: the pages of the past say why."""
    try:
        return question()
    except CollectorError:
        return None
