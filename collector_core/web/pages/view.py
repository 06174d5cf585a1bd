"""What a page is asked for: its language, its address and the state of its controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from collector_core.engine.app import App
from collector_core.web.pages.late_past import LatePast
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

    def text(self, text: str) -> str:
        """A text of anybody's, without secrets, as HTML."""
        return escape(self.app.redactor(text))

    def link(self, **changed: str) -> str:
        """The address of this view with other controls, as an attribute of HTML."""
        query = {key: value for key, value in {**self.query, **changed}.items() if value}
        return escape(f"{self.path}?{urlencode(query)}" if query else self.path)
