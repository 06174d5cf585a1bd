"""What a page is asked for: its language, its address and the state of its controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from urllib.parse import urlencode

from collector_core.engine.app import App
from collector_core.model.series import Series
from collector_core.web.pages.late_past import LatePast
from collector_core.web.pages.lookup import Lookup
from collector_core.web.pages.words import Words


@dataclass(frozen=True)
class View:
    """One request for a page.

    `query` is the state of its controls, `host` how its reader calls this machine; pages of the present ask `past`.
    """

    app: App
    words: Words
    path: str
    query: Mapping[str, str]
    host: str
    past: LatePast | None = None
    lookup: Lookup = field(default_factory=Lookup)

    def select(self, topic: str | None, of: str | None = None) -> list[tuple[Series, float]]:
        """What is published about a topic, of `of` or of anything, with the values of now."""
        return self.lookup.select(self.app.exposition.published(), topic, of)

    def text(self, text: str) -> str:
        """A text of anybody's, without secrets, as HTML."""
        return escape(self.app.redactor(text))

    def link(self, **changed: str) -> str:
        """The address of this view with other controls, as an attribute of HTML."""
        query = {key: value for key, value in {**self.query, **changed}.items() if value}
        return escape(f"{self.path}?{urlencode(query)}" if query else self.path)
