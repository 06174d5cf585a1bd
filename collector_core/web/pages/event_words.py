"""What happened, in the language of the reader."""

from __future__ import annotations

from collections.abc import Mapping

from collector_core.config.redactor import Redactor
from collector_core.history.past import PastEvent
from collector_core.web.pages.words import Words
from collector_core.web.translation import Translation

GERMAN: Mapping[str, str] = {
    "started": "gestartet",
    "stopped": "beendet",
    "took over from another process": "von einem anderen Prozess übernommen",
    "configuration reloaded": "Konfiguration neu gelesen",
    "polling mode is {} now": "Abfrage jetzt im Modus {}",
    "severity {}: {}": "Schwere {}: {}",
    "{} fires: {}": "{} schlägt an: {}",
    "{} is over: {}": "{} ist vorbei: {}",
}


def event_kind(event: PastEvent, words: Words) -> str:
    """Its kind as a word."""
    return words.maybe(f"event_{event.kind}", event.kind)


def event_text(event: PastEvent, words: Words, redact: Redactor) -> str:
    """What happened; texts of plugins that nobody has translated are as they were written."""
    return Translation(words, {"de": GERMAN})(redact(event.text))


def event_mark(event: PastEvent, words: Words, redact: Redactor) -> str:
    """Both, for a mark in a chart."""
    return f"{event_kind(event, words)}: {event_text(event, words, redact)}"
