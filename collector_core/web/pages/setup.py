"""Set-up: what was found, what is missing and its fix; dashboards, rules and settings to take along."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from collector_core.web import api
from collector_core.web.page import state_text
from collector_core.web.pages.downloads import DASHBOARDS, RULES, names
from collector_core.web.pages.layout import live, scrolled
from collector_core.web.pages.view import View


def render(view: View) -> str:
    """The page."""
    rows = api.collectors(view.app)
    missing = [row for row in rows if not row["up"] or row["state"] not in ("ok", "starting")]
    running = [row for row in rows if row["up"]]
    words = view.words
    return (
        live("setup", _missing(view, missing) + _running(view, running))
        + _downloads(words("dashboards"), DASHBOARDS)
        + _downloads(words("rules"), RULES)
        + _scrape(view)
    )


def _missing(view: View, rows: Sequence[dict[str, Any]]) -> str:
    words = view.words
    if not rows:
        return f'<p class="health good">{escape(words("all_up"))}</p>'
    ranked = sorted(rows, key=lambda row: (row["up"] is None, row["name"]))
    return f"<section><h2>{escape(words('missing'))}</h2>{''.join(_card(view, row) for row in ranked)}</section>"


def _card(view: View, row: dict[str, Any]) -> str:
    tone = "idle" if row["up"] is None else "warn" if row["up"] else "bad"
    parts = "".join(
        f'<p class="fault">{view.text(part)}: {view.text(error)}</p>'
        for part, error in row.get("failed_parts", {}).items()
    )
    remedy = view.text(row.get("fix") or "")
    fix = f'<p class="fault"><strong>{escape(view.words("fix"))}:</strong> <code>{remedy}</code></p>'
    return (
        f'<section class="card {tone}"><h3>{view.text(row["name"])} '
        f'<span class="state">{view.text(state_text(row["state"], view.words))}</span></h3>'
        f'<p class="fault">{view.text(row.get("error") or "")}</p>{parts}{fix if remedy else ""}</section>'
    )


def _running(view: View, rows: Sequence[dict[str, Any]]) -> str:
    items = "".join(
        f'<li><a href="/collectors#collector-{escape(row["name"])}">{view.text(row["name"])}</a> '
        f"<small>{row['series']}</small></li>"
        for row in rows
    )
    return f'<section><h2>{escape(view.words("running"))}</h2><ul class="chips">{items}</ul></section>'


def _downloads(title: str, kind: str) -> str:
    items = "".join(f'<li><a href="/{kind}/{escape(name)}" download>{escape(name)}</a></li>' for name in names(kind))
    return f'<section><h2>{escape(title)}</h2><ul class="chips">{items}</ul></section>' if items else ""


def _scrape(view: View) -> str:
    text = (
        "scrape_configs:\n  - job_name: energy-collector\n    static_configs:\n"
        f'      - targets: ["{escape(view.host)}"]'
    )
    title = view.words("scrape")
    return f"<section><h2>{escape(title)}</h2>{scrolled(title, f'<pre>{text}</pre>')}</section>"
