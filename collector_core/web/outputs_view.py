"""The outputs on the status page: whether each one delivers, what waits, what was dropped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from collector_core.config.redactor import Redactor
from collector_core.engine.app import App
from collector_core.outputs.health import OutputHealth


def render_outputs(app: App) -> str:
    """The section of all outputs; nothing where there is none."""
    found = app.outputs.health()
    if not found:
        return ""
    cards = "\n".join(_card(health, app.clock.time(), app.redactor) for health in found)
    return f'<section aria-labelledby="outputs-title"><h2 id="outputs-title">Outputs</h2>{cards}</section>'


def _card(health: OutputHealth, now: float, redact: Redactor) -> str:
    name, tone = escape(health.output), "good" if health.up else "bad" if health.error else "idle"
    state = "ok" if health.up else "down" if health.error else "starting"
    return (
        f'<section class="card {tone}" id="output-{name}"><h3>{name} <span class="state">{state}</span></h3>'
        f'<p class="facts">{escape(" · ".join(_facts(health, now)))}</p>{"".join(_trouble(health, redact))}</section>'
    )


def _facts(health: OutputHealth, now: float) -> Iterator[str]:
    yield f"{health.sent} records sent"
    if health.queue_records:
        yield f"{health.queue_records} waiting ({health.queue_bytes / 1024:.0f} KiB)"
        yield f"the oldest for {health.oldest_seconds(now):.0f} s"
    for reason, count in health.dropped.items():
        if count:
            yield f"{count} dropped ({reason.replace('_', ' ')})"


def _trouble(health: OutputHealth, redact: Redactor) -> Iterator[str]:
    for text in (health.error, health.queue_problem):
        if text:
            yield f'<p class="fault">{escape(redact(text))}</p>'
    if health.fix:
        yield f'<p class="fault"><strong>Fix:</strong> <code>{escape(redact(health.fix))}</code></p>'
