"""The outputs on the status page: whether each one delivers, what waits, what was dropped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from collector_core.config.redactor import Redactor
from collector_core.engine.app import App
from collector_core.outputs.health import OutputHealth
from collector_core.web.pages.words import Words
from collector_core.web.sections import ENGLISH


def render_outputs(app: App, words: Words = ENGLISH) -> str:
    """The section of all outputs; nothing where there is none."""
    found = app.outputs.health()
    if not found:
        return ""
    cards = "\n".join(_card(health, app.clock.time(), app.redactor, words) for health in found)
    title = escape(words("outputs"))
    return f'<section aria-labelledby="outputs-title"><h2 id="outputs-title">{title}</h2>{cards}</section>'


def _card(health: OutputHealth, now: float, redact: Redactor, words: Words) -> str:
    name, tone = escape(health.output), "good" if health.up else "bad" if health.error else "idle"
    state = words("state_ok" if health.up else "state_down" if health.error else "state_starting")
    return (
        f'<section class="card {tone}" id="output-{name}"><h3>{name} <span class="state">{escape(state)}</span></h3>'
        f'<p class="facts">{escape(" · ".join(_facts(health, now, words)))}</p>'
        f"{''.join(_trouble(health, redact, words))}</section>"
    )


def _facts(health: OutputHealth, now: float, words: Words) -> Iterator[str]:
    yield words("sent").format(health.sent)
    if health.queue_records:
        yield words("waiting").format(health.queue_records, f"{health.queue_bytes / 1024:.0f}")
        yield words("oldest").format(f"{health.oldest_seconds(now):.0f}")
    for reason, count in health.dropped.items():
        if count:
            yield words("dropped").format(count, reason.replace("_", " "))


def _trouble(health: OutputHealth, redact: Redactor, words: Words) -> Iterator[str]:
    for text in (health.error, health.queue_problem):
        if text:
            yield f'<p class="fault">{escape(redact(text))}</p>'
    if health.fix:
        fix = escape(redact(health.fix))
        yield f'<p class="fault"><strong>{escape(words("fix"))}:</strong> <code>{fix}</code></p>'
