"""Every collector with its health, its last error with the fix and its series; their sections, and the outputs."""

from __future__ import annotations

from html import escape
from typing import Any

from collector_core.engine.app import App
from collector_core.model.result import Result
from collector_core.web import api
from collector_core.web.outputs_view import render_outputs
from collector_core.web.pages.words import Words
from collector_core.web.sections import ENGLISH, render_links, render_sections

SERIES_SHOWN = 200  # per collector; the rest is on /metrics

_LINKS = {
    "/api/v1/collectors": "links_collectors",
    "/api/v1/snapshot": "links_readings",
    "/healthz": "links_health",
    "/readyz": "links_ready",
}
_TONE = {Result.OK: "good", Result.PARTIAL: "warn", "starting": "idle", "not running": "idle"}


def render(app: App, words: Words = ENGLISH) -> str:
    """What there is to see of collectors and outputs, as HTML: sections, cards, and what is folded."""
    rows = api.collectors(app)
    readings = api.snapshot(app)
    here = [row for row in rows if row["state"] != "not running"]
    cards = "\n".join(_card(row, readings.get(row["name"], {}), words) for row in here)
    others = _others([row for row in rows if row["state"] == "not running"], words)
    none = f'<p class="empty">{escape(words("no_collector"))}</p>'
    return (
        f'<p class="links">{_link("/metrics", words("links_metrics"))} {render_links(app, words)} {_links(words)}</p>'
        f'<p class="summary">{_summary(rows, words)}</p>{_reload_warning(app, words)}'
        f"{render_sections(app, words=words)}"
        f'<section aria-labelledby="collectors-title"><h2 id="collectors-title">{escape(words("collectors"))}</h2>'
        f"{cards or none}{others}</section>{render_outputs(app, words)}"
    )


def _links(words: Words) -> str:
    return " ".join(_link(path, words(key)) for path, key in _LINKS.items())


def _link(path: str, text: str) -> str:
    return f'<a href="{path}">{escape(text)}</a>'


def _summary(rows: list[dict[str, Any]], words: Words) -> str:
    up = sum(1 for row in rows if row["up"])
    running = sum(1 for row in rows if row["up"] is not None)
    series = sum(row["series"] for row in rows)
    troubled = [escape(row["name"]) for row in rows if row["up"] is not None and _tone(row) != "good"]
    links = ", ".join(f'<a href="#collector-{name}" id="trouble-{name}">{name}</a>' for name in troubled)
    text = escape(words("summary").format(up, running, series))
    return text + (f" {escape(words('check'))} {links}." if links else "")


def _others(rows: list[dict[str, Any]], words: Words) -> str:
    """Plugins that have nothing to do here, folded: their reasons are for who misses one."""
    if not rows:
        return ""
    cards = "\n".join(_card(row, {}, words) for row in rows)
    more = words("others").format(len(rows)) if len(rows) > 1 else words("others_one")
    return f'<details id="others"><summary>{escape(more)}</summary>{cards}</details>'


def _tone(row: dict[str, Any]) -> str:
    return _TONE.get(row["state"], "bad")


def _reload_warning(app: App, words: Words) -> str:
    if app.state.reload_success:
        return ""
    return f'<p class="fault" role="alert">{escape(words("bad_reload"))}</p>'


def state_text(state: str, words: Words) -> str:
    """The state of a collector for people."""
    return words.maybe(f"state_{state}".replace(" ", "_"), state.replace("_", " "))


def _card(row: dict[str, Any], readings: dict[str, Any], words: Words) -> str:
    name, plugin = escape(row["name"]), escape(row["plugin"])
    title = name if name == plugin else f"{name} <small>({plugin})</small>"
    return (
        f'<section class="card {_tone(row)}" id="collector-{name}">'
        f'<h3>{title} <span class="state">{escape(state_text(row["state"], words))}</span></h3>'
        f"{_facts(row, words)}{_trouble(row, words)}{_series(row, readings, words)}</section>"
    )


def _facts(row: dict[str, Any], words: Words) -> str:
    facts = []
    if "interval_seconds" in row:
        facts.append(words("every").format(words.number(f"{row['interval_seconds']:g}")))
    if row.get("duration_seconds") is not None:
        facts.append(words("took").format(words.number(f"{row['duration_seconds'] * 1000:.1f}")))
    if row.get("skipped_ticks"):
        facts.append(words("skipped").format(row["skipped_ticks"]))
    return f'<p class="facts">{escape(" · ".join(facts))}</p>' if facts else ""


def _trouble(row: dict[str, Any], words: Words) -> str:
    lines = [escape(row["error"])] if row.get("error") else []
    if row.get("fix"):
        lines.append(f"<strong>{escape(words('fix'))}:</strong> <code>{escape(row['fix'])}</code>")
    lines += [f"{escape(part)}: {escape(error)}" for part, error in row.get("failed_parts", {}).items()]
    return "".join(f'<p class="fault">{line}</p>' for line in lines)


def _series(row: dict[str, Any], readings: dict[str, Any], words: Words) -> str:
    if not readings:
        return ""
    lines = [
        f"<tr><td>{_named(name, metric.get('title'), sample['labels'])}</td><td>{float(sample['value']):g}</td></tr>"
        for name, metric in readings.items()
        for sample in metric["series"]
    ]
    name = escape(row["name"])
    more = escape(words("more_series").format(len(lines) - SERIES_SHOWN))
    return (
        f'<details id="series-{name}"><summary>{escape(words("series_count").format(len(lines)))}</summary>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(words("series_of")).format(name)}">'
        f"<table>{''.join(lines[:SERIES_SHOWN])}</table></div>"
        f"{f'<p>{more}</p>' if len(lines) > SERIES_SHOWN else ''}</details>"
    )


def _named(name: str, title: str | None, labels: dict[str, str]) -> str:
    """A series by the title of its metric, where the plugin gives one, with the name that PromQL knows."""
    exact = escape(f"{name}{_labels(labels)}" if title else _labels(labels))
    return f"{escape(title or name)}<span>{' ' * bool(title)}{exact}</span>"


def _labels(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}={value}" for name, value in labels.items() if value) + "}" if labels else ""
