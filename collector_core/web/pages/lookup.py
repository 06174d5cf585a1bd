"""Finds published series by what they are about, for pages that are drawn again and again."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from collector_core.model.published import Published
from collector_core.model.series import Series
from collector_core.model.topics import TopicSelector


class Lookup:
    """Remembers where series are, as long as what is published has the same layout; for any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._selectors: dict[tuple[str | None, str | None], TopicSelector] = {}

    def select(
        self, published: Iterable[Published], topic: str | None, of: str | None = None
    ) -> list[tuple[Series, float]]:
        """The series about `topic`, of `of` or of anything, with their values now."""
        with self._lock:
            selector = self._selectors.setdefault((topic, of), TopicSelector(topic, of=of))
            return list(selector.select(published))
