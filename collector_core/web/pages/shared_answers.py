"""Open pages ask at the same moment, when something has changed: those that ask the same share one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

AnswerT = TypeVar("AnswerT")
LIFETIME = 1.0  # seconds that an answer is given to those who ask the same
MOST = 64


class SharedAnswers(Generic[AnswerT]):
    """Answers that are being made, or were a moment ago; for one event loop."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, asyncio.Future[AnswerT]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        """The answer; raises what `make` raises. Whoever gives up does so alone."""
        answer = self._answers.get(key)
        if answer is None:
            answer = asyncio.ensure_future(make())
            if len(self._answers) < MOST:
                self._answers[key] = answer
                answer.add_done_callback(lambda _: asyncio.get_running_loop().call_later(LIFETIME, self._forget, key))
        return await asyncio.shield(answer)

    def _forget(self, key: Hashable) -> None:
        self._answers.pop(key, None)
