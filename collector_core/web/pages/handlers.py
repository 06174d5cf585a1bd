"""The handlers of the nine pages and of what they load."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import web

from collector_core.engine.app import App
from collector_core.exposition.formats import accepts_gzip
from collector_core.web import page
from collector_core.web.pages import assets, downloads, events, history, now, setup, workloads
from collector_core.web.pages.late_past import LatePast
from collector_core.web.pages.layout import PATHS, live, render_page
from collector_core.web.pages.live import LiveEvents
from collector_core.web.pages.lookup import Lookup
from collector_core.web.pages.page_sections import sections_of
from collector_core.web.pages.shared_answers import SharedAnswers
from collector_core.web.pages.things import render_things, something
from collector_core.web.pages.view import View
from collector_core.web.pages.whole_site import WholeSite
from collector_core.web.pages.words import Words, chosen_language

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "font-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding, Accept-Language",
}
DEVICES = ("battery", "gpu", "ups", "plug", "ev_charger", "solar", "grid")
SITES = ("site", "home")
COMPRESSION = 5
MOST_TEXT = 2000  # characters of a parameter
OF_THE_PAST = frozenset({"history", "events"})
"""Pages that read the history, on a thread of their own: a disk that hangs takes them alone."""


def _devices(view: View) -> str:
    return live("devices", something(view, render_things(view, DEVICES), sections_of(view, "devices")))


def _sites(view: View) -> str:
    return live(
        "sites", something(view, WholeSite(view).hosts(), render_things(view, SITES), sections_of(view, "sites"))
    )


def _forecasts(view: View) -> str:
    return live("forecasts", something(view, sections_of(view, "forecasts")))


def _collectors(view: View) -> str:
    return live("collectors", page.render(view.app, view.words))


PAGES: Mapping[str, Callable[[View], str]] = {
    "now": now.render,
    "history": history.render,
    "workloads": workloads.render,
    "devices": _devices,
    "sites": _sites,
    "forecasts": _forecasts,
    "events": events.render,
    "collectors": _collectors,
    "setup": setup.render,
}


class Pages:
    """Handlers over one `App`."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.live = LiveEvents(app)
        self._present = ThreadPoolExecutor(max_workers=2, thread_name_prefix="pages")
        self._past = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pages-of-the-past")
        self._late = LatePast(self._past)
        self._shared = SharedAnswers[bytes]()
        self._lookup = Lookup()

    def table(self) -> list[web.RouteDef]:
        """All routes."""
        return [
            *(web.get(path, self._handler(name)) for name, path in PATHS.items()),
            *assets.routes(),
            web.get("/api/v1/live", self.live.stream, allow_head=False),
            *downloads.routes(),
        ]

    def close(self) -> None:
        """Let the threads end that do not hang."""
        for threads in (self._present, self._past):
            threads.shutdown(wait=False, cancel_futures=True)

    def _handler(self, name: str) -> Any:
        def render(view: View, is_compressed: bool) -> bytes:
            html = render_page(view, name, PAGES[name](view)).encode(errors="backslashreplace")  # of what is no UTF-8
            return gzip.compress(html, COMPRESSION, mtime=0) if is_compressed else html

        threads = self._past if name in OF_THE_PAST else self._present

        async def handle(request: web.Request) -> web.Response:
            query = {key: value[:MOST_TEXT] for key, value in request.query.items()}
            language = chosen_language(query.get("lang", ""), request.headers.get("Accept-Language", ""))
            is_compressed = accepts_gzip(request.headers.get("Accept-Encoding", ""))
            view = View(self._app, Words(language), PATHS[name], query, request.host, self._late, self._lookup)
            key = name, language, request.host, is_compressed, *query.items()
            loop = asyncio.get_running_loop()
            body = await self._shared.get(key, lambda: loop.run_in_executor(threads, render, view, is_compressed))
            encoding = {"Content-Encoding": "gzip"} if is_compressed else {}
            return web.Response(body=body, headers={**HEADERS, **encoding})

        return handle
