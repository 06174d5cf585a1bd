"""A store that answers for a while only, so that a question that nobody waits for any more ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from collector_plugins.sites.store import Store

ResultT = TypeVar("ResultT")


class TooLongError(Exception):
    """An answer takes longer than somebody waits for it."""


class BoundedStore:
    """Looks at the time whenever it is asked; raises `TooLongError` after `deadline`, `seconds` from the start."""

    def __init__(self, store: Store, deadline: float, seconds: float) -> None:
        self._store = store
        self._deadline = deadline
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        if time.monotonic() >= self._deadline:
            raise TooLongError(f"takes longer than the {self._seconds:g} s that an answer may take")
        return getattr(self._store, name)


def within(seconds: float, question: Callable[[Store], ResultT]) -> Callable[[Store], ResultT]:
    """A question that is to be answered within that many seconds from now."""
    deadline = time.monotonic() + seconds
    return lambda store: question(cast("Store", BoundedStore(store, deadline, seconds)))
