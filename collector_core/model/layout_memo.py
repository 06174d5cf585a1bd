"""What was looked up for the series of a source, as long as they stay the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from collector_core.model.published import Published
from collector_core.model.readings import Layout

FoundT = TypeVar("FoundT")


class LayoutMemo(Generic[FoundT]):
    """Remembers one thing for each source and layout, while the layout lives. Not for several threads at once."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Layout, dict[str, FoundT]] = WeakKeyDictionary()

    def get(self, published: Published, look_up: Callable[[], FoundT]) -> FoundT:
        """What `look_up` returned when the source first had this layout."""
        known = self._known.setdefault(published.snapshot.layout, {})
        if published.source not in known:
            known[published.source] = look_up()
        return known[published.source]
