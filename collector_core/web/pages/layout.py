"""The frame that all pages share: head, navigation, the switches of language and theme."""

from __future__ import annotations

from html import escape

from collector_core.errors import visible
from collector_core.web.pages.assets import SCRIPT, STYLE, address_of
from collector_core.web.pages.view import View
from collector_core.web.pages.vocabulary import LANGUAGES

PATHS = {
    "now": "/",
    "history": "/history",
    "workloads": "/workloads",
    "devices": "/devices",
    "sites": "/sites",
    "forecasts": "/forecasts",
    "events": "/events",
    "collectors": "/collectors",
    "setup": "/setup",
}
THEMES = ("light", "dark")
RELOADED = frozenset({"now", "collectors"})  # where the browser runs no script; the others have fields to write into


def render_page(view: View, name: str, content: str) -> str:
    """The whole document; `content` is HTML."""
    words = view.words
    theme = view.query.get("theme", "")
    chosen = f' data-theme="{theme}"' if theme in THEMES else ""
    other = next(each for each in LANGUAGES if each != words.language)
    reload = '<noscript><meta http-equiv="refresh" content="15"></noscript>\n' if name in RELOADED else ""
    links = "".join(_link(view, key, path, is_here=key == name) for key, path in PATHS.items())
    return visible(
        f'<!doctype html>\n<html lang="{words.language}"{chosen}>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta name="description" content="{escape(words("flow"))}">\n'
        f"<title>{escape(words(name))} · energy-collector</title>\n"
        f'<link rel="icon" href="data:,">\n<link rel="stylesheet" href="{address_of(STYLE)}">\n'
        f'<script src="{address_of(SCRIPT)}" defer></script>\n{reload}'
        f'</head>\n<body>\n<a class="skip" href="#main">{escape(words("skip"))}</a>\n<header>\n'
        f'<p class="brand"><a href="/">energy-collector</a> <small>{escape(view.app.state.version)}</small></p>\n'
        '<div class="tools">'
        f'<button type="button" id="theme" aria-pressed="{str(theme == "dark").lower()}">'
        f"{escape(words('theme'))}</button>"
        f'<a id="language" hreflang="{other}" lang="{other}" href="{view.link(lang=other)}">{words("language")}</a>'
        f'</div>\n<nav aria-label="{escape(words("pages"))}">{links}</nav>\n'
        f'<p class="fault" id="offline" role="status" data-text="{escape(words("offline"))}" hidden></p>\n</header>\n'
        f'<main id="main" tabindex="-1" aria-live="off">\n<h1>{escape(words(name))}</h1>\n{content}\n</main>\n'
        "</body>\n</html>\n"
    )


def _link(view: View, key: str, path: str, *, is_here: bool) -> str:
    here = ' aria-current="page"' if is_here else ""
    return f'<a href="{path}"{here}>{escape(view.words(key))}</a>'


def live(identity: str, content: str) -> str:
    """A part of a page that is brought up to date while the page is open."""
    return f'<div id="{identity}" data-live>{content}</div>'


def tile(name: str, value: str, note: str = "") -> str:
    """A figure with its name, for a list of class `tiles`."""
    below = f"<small>{escape(note)}</small>" if note else ""
    return f'<li class="tile"><span>{escape(name)}</span><strong>{escape(value)}</strong>{below}</li>'


def scrolled(name: str, content: str) -> str:
    """What may be wider than the page, in a region of its own."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}">{content}</div>'
