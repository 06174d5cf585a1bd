"""Every collector with its health, its last error with the fix and its series; their sections, and the outputs."""

from __future__ import annotations

from html import escape
from typing import Any

from collector_core.engine.app import App
from collector_core.model.result import Result
from collector_core.web import api
from collector_core.web.outputs_view import render_outputs
from collector_core.web.sections import render_links, render_sections

SERIES_SHOWN = 200  # per collector; the rest is on /metrics

_NONE = '<p class="empty">No collector runs.</p>'
_TONE = {Result.OK: "good", Result.PARTIAL: "warn", "starting": "idle", "not running": "idle"}


def render(app: App) -> str:
    """What there is to see of collectors and outputs, as HTML: sections, cards, and what is folded."""
    rows = api.collectors(app)
    readings = api.snapshot(app)
    here = [row for row in rows if row["state"] != "not running"]
    cards = "\n".join(_card(row, readings.get(row["name"], {})) for row in here)
    others = _others([row for row in rows if row["state"] == "not running"])
    return (
        f'<p class="links"><a href="/metrics">metrics</a> {render_links(app)} '
        '<a href="/api/v1/collectors">collectors (JSON)</a> <a href="/api/v1/snapshot">readings (JSON)</a> '
        '<a href="/healthz">health</a> <a href="/readyz">readiness</a></p>'
        f'<p class="summary">{_summary(rows)}</p>{_reload_warning(app)}{render_sections(app)}'
        '<section aria-labelledby="collectors-title"><h2 id="collectors-title">Collectors</h2>'
        f"{cards or _NONE}{others}</section>{render_outputs(app)}"
    )


def _summary(rows: list[dict[str, Any]]) -> str:
    up = sum(1 for row in rows if row["up"])
    running = sum(1 for row in rows if row["up"] is not None)
    series = sum(row["series"] for row in rows)
    troubled = [escape(row["name"]) for row in rows if row["up"] is not None and _tone(row) != "good"]
    links = ", ".join(f'<a href="#collector-{name}" id="trouble-{name}">{name}</a>' for name in troubled)
    return f"{up} of {running} collectors have data, {series} series." + (f" Check {links}." if links else "")


def _others(rows: list[dict[str, Any]]) -> str:
    """Plugins that have nothing to do here, folded: their reasons are for who misses one."""
    if not rows:
        return ""
    cards = "\n".join(_card(row, {}) for row in rows)
    more = f"{len(rows)} more plugin{'s' if len(rows) > 1 else ''}, and what each would need"
    return f'<details id="others"><summary>{more}</summary>{cards}</details>'


def _tone(row: dict[str, Any]) -> str:
    return _TONE.get(row["state"], "bad")


def _reload_warning(app: App) -> str:
    if app.state.reload_success:
        return ""
    return '<p class="fault" role="alert">The configuration on disk is bad: the one read before it still runs.</p>'


def _card(row: dict[str, Any], readings: dict[str, Any]) -> str:
    name, plugin = escape(row["name"]), escape(row["plugin"])
    title = name if name == plugin else f"{name} <small>({plugin})</small>"
    return (
        f'<section class="card {_tone(row)}" id="collector-{name}">'
        f'<h3>{title} <span class="state">{escape(row["state"].replace("_", " "))}</span></h3>'
        f"{_facts(row)}{_trouble(row)}{_series(row, readings)}</section>"
    )


def _facts(row: dict[str, Any]) -> str:
    facts = []
    if "interval_seconds" in row:
        facts.append(f"every {row['interval_seconds']:g} s")
    if row.get("duration_seconds") is not None:
        facts.append(f"last run took {row['duration_seconds'] * 1000:.1f} ms")
    if row.get("skipped_ticks"):
        facts.append(f"{row['skipped_ticks']} runs skipped")
    return f'<p class="facts">{escape(" · ".join(facts))}</p>' if facts else ""


def _trouble(row: dict[str, Any]) -> str:
    lines = [escape(row["error"])] if row.get("error") else []
    if row.get("fix"):
        lines.append(f"<strong>Fix:</strong> <code>{escape(row['fix'])}</code>")
    lines += [f"{escape(part)}: {escape(error)}" for part, error in row.get("failed_parts", {}).items()]
    return "".join(f'<p class="fault">{line}</p>' for line in lines)


def _series(row: dict[str, Any], readings: dict[str, Any]) -> str:
    if not readings:
        return ""
    lines = [
        f"<tr><td>{_named(name, metric.get('title'), sample['labels'])}</td><td>{float(sample['value']):g}</td></tr>"
        for name, metric in readings.items()
        for sample in metric["series"]
    ]
    name = escape(row["name"])
    more = f"<p>… and {len(lines) - SERIES_SHOWN} more on /metrics</p>" if len(lines) > SERIES_SHOWN else ""
    return (
        f'<details id="series-{name}"><summary>{len(lines)} series</summary>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="series of {name}">'
        f"<table>{''.join(lines[:SERIES_SHOWN])}</table></div>{more}</details>"
    )


def _named(name: str, title: str | None, labels: dict[str, str]) -> str:
    """A series by the title of its metric, where the plugin gives one, with the name that PromQL knows."""
    exact = escape(f"{name}{_labels(labels)}" if title else _labels(labels))
    return f"{escape(title or name)}<span>{' ' * bool(title)}{exact}</span>"


def _labels(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}={value}" for name, value in labels.items() if value) + "}" if labels else ""
