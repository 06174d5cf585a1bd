"""The sections that collectors add to a page, with what happened meanwhile as marks in their charts."""

from __future__ import annotations

import time
from collections.abc import Sequence

from collector_core.history.past import PastEvent
from collector_core.web.pages.view import View
from collector_core.web.sections import render_sections

DAYS = 7.0  # as long as the longest chart
MOST = 200


def sections_of(view: View, page: str) -> str:
    """Those of a page; a history that is slow costs them their marks."""
    return render_sections(view.app, page, view.words, _events(view))


def _events(view: View) -> Sequence[PastEvent]:
    def ask() -> Sequence[PastEvent]:
        now = time.time()
        return view.app.history.past.events(now - DAYS * 86_400.0, now)[-MOST:]

    return (view.past.ask("events", ask) if view.past else None) or ()
