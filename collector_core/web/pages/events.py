"""Events: what happened in the last days as one list, and what is odd now."""

from __future__ import annotations

import time
from html import escape

from collector_core.errors import CollectorError, describe
from collector_core.web.pages.event_words import EventWords
from collector_core.web.pages.layout import live
from collector_core.web.pages.page_sections import sections_of
from collector_core.web.pages.tables import Cell, render_table
from collector_core.web.pages.view import View

DAYS = {"1d": 1, "7d": 7, "30d": 30}
DEFAULT = "7d"
MOST = 500


def render(view: View) -> str:
    """The page; may wait for a disk."""
    chosen = view.query.get("range", DEFAULT)
    buttons = "".join(
        f'<button type="button" id="range-{each}" data-set="range={each}" '
        f'aria-pressed="{str(each == chosen).lower()}">{each}</button>'
        for each in DAYS
    )
    words = view.words
    return (
        f'<form class="controls" role="search"><label>{escape(words("search"))} <input type="search" name="q" id="q" '
        f'data-param="q" value="{view.text(view.query.get("q", ""))}"></label>'
        f'<div id="ranges" data-live role="group" aria-label="{escape(words("range"))}">{buttons}</div></form>'
        + live("events", sections_of(view, "events") + _list(view, DAYS.get(chosen, DAYS[DEFAULT])))
    )


def _list(view: View, days: int) -> str:
    now = time.time()
    try:
        events = view.app.history.past.events(now - days * 86_400.0, now)[-MOST:]
    except CollectorError as error:
        return f'<p class="fault">{view.text(describe(error))}</p>'
    if not events:
        return f'<p class="empty">{escape(view.words("nothing"))}</p>'
    said = EventWords(view.app, view.words)
    rows = [
        (
            Cell(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.time)), event.time),
            Cell(said.text(event)),
            Cell(said.kind(event)),
            Cell(event.source),
        )
        for event in reversed(events)
    ]
    title = view.words("events")
    table = render_table(view, title, ("time", "what", "kind", "source"), rows)
    return f"<section><h2>{escape(title)}</h2>{table}</section>"
